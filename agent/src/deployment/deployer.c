/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "deployment/deployer.h"

#include "base/cleanup.h"
#include "base/paths.h"
#include "deployment/claim.h"
#include "deployment/deploy.h"
#include "deployment/keeper.h"
#include "deployment/plan.h"
#include "deployment/site.h"
#include "deployment/spec.h"
#include "security/random.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CLAIM_AGAIN_US = 200 * 1000 };

typedef struct Entry Entry;

/* A deployment in the queue, building, or draining its old slot. */
struct Entry {
        Entry *next;
        Deploy *deploy;
        enum { ENTRY_QUEUED, ENTRY_ACTIVE, ENTRY_LEAVING } state;
};

struct Removal {
        Deployer *deployer;
        Removal *next;
        char project[13];
        Plan *plan;
        void (*done)(void *owner, const char *sentence);
        void *owner;
};

struct Deployer {
        const DeployContext *c;
        Entry *entries; /* in the order of their coming */
        Removal *removals;
        Plan *recovery;
        Timer *kick;
};

static void run_next(void *owner);

static void kick(Deployer *d) {
        (void) timer_rearm(d->kick, 0);
}

int deployer_new(const DeployContext *c, Deployer **ret_deployer) {
        Deployer *d = calloc(1, sizeof *d);
        int r;

        if (!d)
                return -ENOMEM;
        d->c = c;
        r = timer_start(c->loop, 0, run_next, d, &d->kick);
        if (r < 0) {
                free(d);
                return r;
        }
        *ret_deployer = d;
        return 0;
}

static void removal_free(Removal *r) {
        plan_drop(r->plan);
        free(r);
}

Deployer *deployer_free(Deployer *d) {
        if (!d)
                return NULL;
        while (d->entries) {
                Entry *e = d->entries;
                d->entries = e->next;
                deploy_drop(e->deploy);
                free(e);
        }
        while (d->removals) {
                Removal *r = d->removals;
                d->removals = r->next;
                removal_free(r);
        }
        plan_drop(d->recovery);
        timer_drop(d->kick);
        free(d);
        return NULL;
}

/* --- the queue --- */

static Entry *entry_of_project(Deployer *d, const char *project) {
        for (Entry *e = d->entries; e; e = e->next)
                if (strcmp(deploy_project_id(e->deploy), project) == 0)
                        return e;
        return NULL;
}

static bool being_removed(const Deployer *d, const char *project) {
        for (const Removal *r = d->removals; r; r = r->next)
                if (strcmp(r->project, project) == 0)
                        return true;
        return false;
}

static bool something_builds(const Deployer *d) {
        for (const Entry *e = d->entries; e; e = e->next)
                if (e->state == ENTRY_ACTIVE && deploy_builds(e->deploy))
                        return true;
        return false;
}

/* The first entry of its project, so that one that waits never overtakes one that drains. */
static Entry *first_ready(Deployer *d) {
        bool lane_taken = something_builds(d);

        for (Entry *e = d->entries; e; e = e->next)
                if (e->state == ENTRY_QUEUED && entry_of_project(d, deploy_project_id(e->deploy)) == e &&
                    !(lane_taken && deploy_builds(e->deploy)))
                        return e;
        return NULL;
}

static void deploy_ended(void *owner, Deploy *deploy) {
        Deployer *d = owner;
        for (Entry *e = d->entries; e; e = e->next)
                if (e->deploy == deploy)
                        e->state = ENTRY_LEAVING;
        kick(d);
}

static void remove_begin(Removal *r);

static void deploy_gone(void *owner, Deploy *deploy) {
        Deployer *d = owner;

        for (Entry **p = &d->entries; *p; p = &(*p)->next)
                if ((*p)->deploy == deploy) {
                        Entry *e = *p;
                        *p = e->next;
                        deploy_drop(e->deploy);
                        free(e);
                        break;
                }
        kick(d);
}

static void deploy_built(void *owner, Deploy *deploy) {
        (void) deploy;
        kick(owner);
}

static const DeployOps deploy_ops = { .built = deploy_built, .ended = deploy_ended, .gone = deploy_gone };

/* A removal waits until no deployment of its project is left. */
static void begin_removals(Deployer *d) {
        Removal *next;

        for (Removal *r = d->removals; r; r = next) {
                next = r->next;
                if (!r->plan && !entry_of_project(d, r->project)) {
                        if (claim_take(d->c->claims, r->project, r) > 0)
                                remove_begin(r);
                        else
                                (void) timer_rearm(d->kick, CLAIM_AGAIN_US);
                }
        }
}

static void run_next(void *owner) {
        Deployer *d = owner;
        Entry *e;

        if (d->recovery)
                return;
        begin_removals(d);
        e = first_ready(d);
        if (!e)
                return;
        e->state = ENTRY_ACTIVE;
        (void) deploy_begin(e->deploy);
        kick(d); /* another one may begin beside it */
}

static int enqueue(Deployer *d, const char *deployment_id) {
        Entry *e = calloc(1, sizeof *e), **last = &d->entries;
        int r;

        if (!e)
                return -ENOMEM;
        r = deploy_new(d->c, deployment_id, &deploy_ops, d, &e->deploy);
        if (r < 0) {
                free(e);
                return r;
        }
        while (*last)
                last = &(*last)->next;
        *last = e;
        kick(d);
        return 0;
}

/* Of a rollback or a restart: what the release was made of. */
static int take_release(Deployer *d, const ProjectRow *project, int64_t number, DeploymentRow *row) {
        ReleaseRow release = { 0 };
        DeploymentRow made = { 0 };
        int r = store_release_get(d->c->store, project->id, number, &release);

        if (r == STORE_OK)
                r = store_deployment_get(d->c->store, release.deployment_id, &made);
        if (r == STORE_OK) {
                row->release = number;
                row->branch = strdup(made.branch);
                row->commit = strdup(made.commit);
                row->author = strdup(made.author);
                row->subject = strdup(made.subject);
        }
        release_row_done(&release);
        deployment_row_done(&made);
        return r;
}

static int make_row(Deployer *d, const ProjectRow *project, const DeployRequest *request, DeploymentRow *row) {
        char id[13];
        int r = STORE_OK;

        if (request->id)
                (void) snprintf(id, sizeof id, "%s", request->id);
        else
                random_id(id);
        *row = (DeploymentRow){
                .id = strdup(id),
                .project_id = strdup(project->id),
                .kind = strdup(request->kind),
                .state = strdup("queued"),
                .source = strdup(request->source),
                .exit_code = -1,
                .created_at_ms = clock_now_ms(),
        };
        if (request->release)
                r = take_release(d, project, request->release, row);
        else {
                row->branch = strdup(request->branch ? request->branch : project->branch);
                row->commit = strdup(request->commit ? request->commit : "");
                row->author = strdup("");
                row->subject = strdup("");
        }
        return r == STORE_OK ? store_deployment_add(d->c->store, row) : r;
}

int deployer_submit(Deployer *d, const ProjectRow *project, const DeployRequest *request, DeploymentRow *ret_row) {
        int r;

        if (request->id) {
                r = store_deployment_get(d->c->store, request->id, ret_row);
                if (r == STORE_OK && strcmp(ret_row->project_id, project->id) == 0)
                        return DEPLOYER_OK;
                if (r == STORE_OK)
                        deployment_row_done(ret_row);
                if (r != STORE_E_ABSENT)
                        return r < 0 ? r : DEPLOYER_E_TAKEN;
        }
        for (Entry *e = d->entries; e; e = e->next)
                if (e->state != ENTRY_LEAVING && strcmp(deploy_project_id(e->deploy), project->id) == 0)
                        return DEPLOYER_E_RUNNING;
        if (being_removed(d, project->id))
                return DEPLOYER_E_RUNNING;
        r = make_row(d, project, request, ret_row);
        if (r == STORE_OK)
                r = enqueue(d, ret_row->id);
        if (r == 0)
                return DEPLOYER_OK;
        deployment_row_done(ret_row);
        return r == STORE_E_ABSENT ? DEPLOYER_E_ABSENT : r < 0 ? r : -EIO;
}

int deployer_cancel(Deployer *d, const char *deployment_id) {
        for (Entry *e = d->entries; e; e = e->next)
                if (strcmp(deploy_id(e->deploy), deployment_id) == 0) {
                        deploy_cancel(e->deploy, "canceled on request");
                        return DEPLOYER_OK;
                }
        return DEPLOYER_E_ABSENT;
}

/* --- removal --- */

static void removal_finish(Removal *r, const char *sentence) {
        Deployer *d = r->deployer;

        for (Removal **p = &d->removals; *p; p = &(*p)->next)
                if (*p == r) {
                        *p = r->next;
                        break;
                }
        claim_drop(d->c->claims, r->project, r);
        keeper_look(d->c->keeper, r->project);
        if (r->done)
                r->done(r->owner, sentence);
        removal_free(r);
}

static void delete_logs(const DeployContext *c, const char *project) {
        DeploymentRow *rows = NULL;
        int64_t before = 0;
        size_t n;

        do {
                n = 0;
                if (store_deployment_list(c->store, project, before, 100, &rows, &n) != STORE_OK)
                        return;
                for (size_t i = 0; i < n; i++) {
                        (void) event_log_delete(c->logs, rows[i].id);
                        before = rows[i].number;
                        deployment_row_done(&rows[i]);
                }
                free(rows);
                rows = NULL;
        } while (n == 100);
}

/* A project that has moved to another server keeps its row. */
static int remove_row(const DeployContext *c, const char *project) {
        ProjectRow row = { 0 };
        int r = store_project_get(c->store, project, &row);

        if (r != STORE_OK)
                return r;
        r = strcmp(row.server_id, c->server_id) == 0 ? store_project_delete(c->store, project) : store_project_clear(c->store, project);
        project_row_done(&row);
        return r;
}

static void removal_planned(void *owner, bool ok, const char *verb, const char *word, const char *sentence) {
        Removal *r = owner;
        char text[768];
        int error;

        if (!ok) {
                (void) snprintf(text, sizeof text, "%s failed (%s): %s", verb, word, sentence);
                removal_finish(r, text);
                return;
        }
        error = spec_remove(NS_SPECS, r->project);
        if (error < 0) {
                (void) snprintf(text, sizeof text, "The project's specs could not be removed: %s.", strerror(-error));
                removal_finish(r, text);
                return;
        }
        delete_logs(r->deployer->c, r->project);
        error = remove_row(r->deployer->c, r->project);
        removal_finish(r, error == STORE_OK || error == STORE_E_ABSENT ? NULL : "The database row could not be removed.");
}

static void remove_begin(Removal *r) {
        int error = plan_new(r->deployer->c->helper, &r->plan);

        sites_forget(r->deployer->c->sites, r->project); /* or it would be written again */
        if (error == 0) {
                plan_add(r->plan, "site-remove", r->project, NULL, NULL);
                plan_add(r->plan, "unit-remove", r->project, NULL, NULL);
                plan_add(r->plan, "user-remove", r->project, NULL, NULL);
                error = plan_run(r->plan, removal_planned, r);
        }
        if (error < 0)
                removal_finish(r, strerror(-error));
}

int deployer_remove_project(Deployer *d, const char *project_id, void (*done)(void *owner, const char *sentence), void *owner,
                            Removal **ret_removal) {
        Removal *r;
        Entry *e = entry_of_project(d, project_id);

        if (being_removed(d, project_id))
                return DEPLOYER_E_RUNNING;
        r = calloc(1, sizeof *r);
        if (!r)
                return -ENOMEM;
        r->deployer = d;
        (void) snprintf(r->project, sizeof r->project, "%s", project_id);
        r->done = done;
        r->owner = owner;
        r->next = d->removals;
        d->removals = r;
        *ret_removal = r;
        for (; e; e = e->next)
                if (strcmp(deploy_project_id(e->deploy), project_id) == 0)
                        deploy_cancel(e->deploy, "the project is being removed");
        kick(d);
        return DEPLOYER_OK;
}

Removal *removal_forget(Removal *r) {
        if (r) {
                r->done = NULL;
                r->owner = NULL;
        }
        return NULL;
}

/* --- after a restart of the agent --- */

static void recovered(void *owner, bool ok, const char *verb, const char *word, const char *sentence) {
        Deployer *d = owner;

        (void) ok;
        (void) verb;
        (void) word;
        (void) sentence;
        d->recovery = plan_drop(d->recovery);
        (void) deployer_recover(d);
        kick(d);
}

/* One interrupted deployment. Where `live` points decides, which the keeper has put into the project's row; a restart cannot be told from
 * what was live before it. */
static int recover_one(Deployer *d, const DeploymentRow *row) {
        ProjectRow project = { 0 };
        int r = store_project_get(d->c->store, row->project_id, &project);

        if (r != STORE_OK)
                return r < 0 ? r : -ENOENT;
        r = deploy_mark_interrupted(d->c, row, &project,
                                    row->release && project.live_release == row->release && strcmp(row->kind, "restart") != 0);
        if (r >= 0 && strcmp(row->kind, "deploy") == 0)
                r = plan_new(d->c->helper, &d->recovery);
        if (r >= 0 && d->recovery) {
                plan_add(d->recovery, "build-stop", project.id, NULL, NULL);
                r = plan_run(d->recovery, recovered, d);
        }
        project_row_done(&project);
        return r;
}

int deployer_recover(Deployer *d) {
        DeploymentRow *rows = NULL;
        size_t n = 0;
        int r = store_deployment_list_open(d->c->store, &rows, &n);

        for (size_t i = 0; i < n; i++) {
                bool queued = strcmp(rows[i].state, "queued") == 0;
                if (r == 0 && queued && !entry_of_project(d, rows[i].project_id))
                        r = enqueue(d, rows[i].id);
                else if (r == 0 && !queued && !d->recovery && !entry_of_project(d, rows[i].project_id))
                        r = recover_one(d, &rows[i]);
                deployment_row_done(&rows[i]);
        }
        free(rows);
        return r;
}
