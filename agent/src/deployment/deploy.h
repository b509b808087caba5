/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* One deployment, from queued to live, failed or canceled. The states and what may follow what are one table in deploy.c; the work is done
 * by others (the helper, the build unit, the app itself): this object waits for them.
 *
 * While it prepares and builds (fetch, install, build, release) the previous release serves, untouched. It is started in the slot that is
 * not live, asked for its health on its own socket, and only then does `live` point to it. */
#pragma once

#include "deployment/context.h"

typedef struct Deploy Deploy;

/* built(owner): it needs its turn among the builds no more. ended(owner): the deployment is live, failed or canceled (it may run inside
 * deploy_begin() and deploy_cancel()). gone(owner): nothing of it is under way any more, the old slot is stopped; drop it now; always from
 * the loop. */
typedef struct {
        void (*built)(void *owner, Deploy *d);
        void (*ended)(void *owner, Deploy *d);
        void (*gone)(void *owner, Deploy *d);
} DeployOps;

/* Takes a row that is stored already, state queued. Begins when deploy_begin() is called. */
int deploy_new(const DeployContext *c, const char *deployment_id, const DeployOps *ops, void *owner, Deploy **ret_deploy);
int deploy_begin(Deploy *d);
/* Ends it as canceled; harmless when it has ended. */
void deploy_cancel(Deploy *d, const char *sentence);
Deploy *deploy_drop(Deploy *d); /* NULL-safe, returns NULL */

const char *deploy_id(const Deploy *d);
const char *deploy_project_id(const Deploy *d);
/* It builds, or is to: one at a time does. False for a rollback or a restart, and once the release is there. */
bool deploy_builds(const Deploy *d);
/* For one whose agent went away in the middle: writes its end. is_live: it had got as far as that. */
int deploy_mark_interrupted(const DeployContext *c, const DeploymentRow *row, const ProjectRow *project, bool is_live);
