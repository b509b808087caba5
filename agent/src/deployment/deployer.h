/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* All deployments of this node: one builds at a time, in the order of their coming; rollbacks and restarts do not wait for a build of
 * another project; and the removal of projects, which must not meet a deployment. */
#pragma once

#include "deployment/context.h"

typedef struct Deployer Deployer;
typedef struct Removal Removal;

enum {
        DEPLOYER_OK = 0,
        DEPLOYER_E_RUNNING, /* the project has an unfinished deployment, or is being removed */
        DEPLOYER_E_ABSENT,
        DEPLOYER_E_TAKEN, /* a deployment of another project has that id */
};

int deployer_new(const DeployContext *c, Deployer **ret_deployer);
Deployer *deployer_free(Deployer *d);

/* Marks what an earlier agent left unfinished as ended, stops its builds, and takes up what it had only queued. The keeper has read which
 * slots are live by then, and deals with the others. */
int deployer_recover(Deployer *d);

typedef struct {
        const char *id;     /* that it gets; NULL: a new one. When there is one of that id, that is the answer, and nothing is begun */
        const char *kind;   /* deploy, rollback, restart */
        const char *branch; /* NULL: the project's */
        const char *commit; /* of a deploy; NULL: the branch's tip */
        int64_t release;    /* of a rollback or restart */
        const char *source; /* cli, api, … */
} DeployRequest;

/* *ret_row is the stored row, to be released. DEPLOYER_E_ABSENT: that release is not kept. */
int deployer_submit(Deployer *d, const ProjectRow *project, const DeployRequest *request, DeploymentRow *ret_row);
int deployer_cancel(Deployer *d, const char *deployment_id);

/* Cancels the project's deployment, stops and removes everything of it. done(owner, NULL) when all is gone, else a sentence; the database
 * row goes last, so that a removal that failed can be repeated. */
int deployer_remove_project(Deployer *d, const char *project_id, void (*done)(void *owner, const char *sentence), void *owner,
                            Removal **ret_removal);
/* NULL-safe, returns NULL. The removal goes on; only done() does not run any more. */
Removal *removal_forget(Removal *r);
