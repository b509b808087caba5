/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What changes what serves a project, but for deployments: rollback, restart, sleep, wake; and what these leave behind. */
#include "api/reply.h"

#include "base/cleanup.h"
#include "deployment/describe.h"
#include "deployment/keeper.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void api_release_list(Api *a, HttpRequest *rq, const char *argument) {
        const DeployContext *c = a->config.context;
        ProjectRow project = { 0 };
        ReleaseRow *rows = NULL;
        size_t n = 0;
        json_t *list;
        int r;

        if (!take_project(a, rq, argument, &project))
                return;
        r = store_release_list(c->store, project.id, &rows, &n);
        if (r < 0)
                reply_failure(a, rq, r, "The releases could not be listed");
        else {
                list = json_array();
                for (size_t i = 0; i < n; i++) {
                        (void) json_array_append_new(list, describe_release(c, &project, &rows[i]));
                        release_row_done(&rows[i]);
                }
                reply_json(rq, 200, json_pack("{s:o}", "releases", list));
        }
        free(rows);
        project_row_done(&project);
}

void api_wake_list(Api *a, HttpRequest *rq, const char *argument) {
        ProjectRow project = { 0 };
        WakeRow *rows = NULL;
        size_t n = 0;
        json_t *list;
        int r;

        if (!take_project(a, rq, argument, &project))
                return;
        r = store_wake_list(a->config.context->store, project.id, 100, &rows, &n);
        project_row_done(&project);
        if (r < 0) {
                reply_failure(a, rq, r, "The wakes could not be listed");
                return;
        }
        list = json_array();
        for (size_t i = 0; i < n; i++) {
                (void) json_array_append_new(list, describe_wake(&rows[i]));
                wake_row_done(&rows[i]);
        }
        free(rows);
        reply_json(rq, 200, json_pack("{s:o}", "wakes", list));
}

/* --- rollback and restart are deployments without a build --- */

static void submit(Api *a, HttpRequest *rq, const ProjectRow *project, const char *id, const char *kind, int64_t release) {
        const DeployRequest request = { .id = id, .kind = kind, .release = release, .source = "api" };
        DeploymentRow row = { 0 };
        int r = deployer_submit(a->config.deployer, project, &request, &row);

        if (r == DEPLOYER_OK) {
                reply_json(rq, 202, describe_deployment(a->config.context, project, &row, true));
                deployment_row_done(&row);
        } else if (r == DEPLOYER_E_TAKEN)
                reply_problem(rq, 409, "id-taken", "The id is taken", "id", "Another deployment has that id.");
        else if (r == DEPLOYER_E_RUNNING)
                reply_problem(rq, 409, "deployment-running", "A deployment of this project is under way", NULL,
                              "Wait until it has ended, or cancel it.");
        else if (r == DEPLOYER_E_ABSENT)
                reply_problem(rq, 409, "release-absent", "There is no such release", "release",
                              "This release is not kept any more. GET /api/projects/{project}/releases lists those that are.");
        else
                reply_failure(a, rq, r, "The switch could not be queued");
}

static bool is_deployed(HttpRequest *rq, const ProjectRow *project) {
        if (project->live_release)
                return true;
        reply_problem(rq, 409, "never-deployed", "Nothing is live yet", NULL, "Nothing of this project is live yet. Deploy it first.");
        return false;
}

/* The newest kept release before the one that is live; 0: none. */
static int64_t release_before(const DeployContext *c, const ProjectRow *project) {
        ReleaseRow *rows = NULL;
        size_t n = 0;
        int64_t found = 0;

        if (store_release_list(c->store, project->id, &rows, &n) != STORE_OK)
                return 0;
        for (size_t i = 0; i < n; i++) {
                if (rows[i].number < project->live_release && rows[i].number > found)
                        found = rows[i].number;
                release_row_done(&rows[i]);
        }
        free(rows);
        return found;
}

/* What was asked for under that id has been done, or is under way: the same question again is not another rollback. */
static bool is_repeated(Api *a, HttpRequest *rq, const ProjectRow *project, const char *id) {
        DeploymentRow row = { 0 };

        if (!id || store_deployment_get(a->config.context->store, id, &row) != STORE_OK)
                return false;
        deployment_row_done(&row);
        submit(a, rq, project, id, "restart", 0);
        return true;
}

static void rollback(Api *a, HttpRequest *rq, const ProjectRow *project, const char *id, const json_t *body) {
        const json_t *wanted = json_object_get(body, "release");
        int64_t release = json_integer_value(wanted);

        if (wanted && (!json_is_integer(wanted) || release < 1)) {
                reply_problem(rq, 422, "invalid-field", "A field is not usable", "release", "release must be the number of a release.");
                return;
        }
        if (!is_deployed(rq, project))
                return;
        if (!wanted)
                release = release_before(a->config.context, project);
        if (release == 0)
                reply_problem(rq, 409, "release-absent", "There is no earlier release", NULL,
                              "No release from before the live one is kept.");
        else if (release == project->live_release)
                reply_problem(rq, 409, "release-live", "That release is live", "release",
                              "That release is live already. Restart the project to start it anew.");
        else
                submit(a, rq, project, id, "rollback", release);
}

void api_rollback(Api *a, HttpRequest *rq, const char *argument) {
        json_t *body = take_json(rq);
        ProjectRow project = { 0 };
        const char *id;

        if (!body)
                return;
        if (take_deployment_id(rq, body, &id) && take_project(a, rq, argument, &project)) {
                if (!is_repeated(a, rq, &project, id))
                        rollback(a, rq, &project, id, body);
                project_row_done(&project);
        }
        json_decref(body);
}

void api_restart(Api *a, HttpRequest *rq, const char *argument) {
        json_t *body = take_json(rq);
        ProjectRow project = { 0 };
        const char *id;

        if (!body)
                return;
        if (take_deployment_id(rq, body, &id) && take_project(a, rq, argument, &project)) {
                if (!is_repeated(a, rq, &project, id) && is_deployed(rq, &project))
                        submit(a, rq, &project, id, "restart", project.live_release);
                project_row_done(&project);
        }
        json_decref(body);
}

/* --- sleep and wake answer when they are done --- */

typedef struct {
        Api *api;
        HttpRequest *rq;
        KeeperWait *wait;
        char project[13];
} Wait;

static void wait_free(Wait *w) {
        keeper_wait_drop(w->wait);
        free(w);
}

static void wait_client_gone(void *owner) {
        wait_free(owner);
}

static void wait_done(void *owner, const char *type, const char *sentence) {
        Wait *w = owner;
        ProjectRow row = { 0 };

        if (type)
                reply_problem(w->rq, 409, type, "The project's state does not allow that", NULL, sentence);
        else if (take_project(w->api, w->rq, w->project, &row)) {
                reply_json(w->rq, 200, describe_project(w->api->config.context, &row));
                project_row_done(&row);
        }
        wait_free(w);
}

static void begin_wait(Api *a, HttpRequest *rq, const ProjectRow *project, bool sleeps, bool deep) {
        Keeper *k = a->config.context->keeper;
        Wait *w = calloc(1, sizeof *w);
        int r = w ? 0 : -ENOMEM;

        if (r == 0) {
                w->api = a;
                w->rq = rq;
                (void) snprintf(w->project, sizeof w->project, "%s", project->id);
                keeper_look(k, project->id);
                r = sleeps ? keeper_sleep(k, project->id, deep, wait_done, w, &w->wait)
                           : keeper_wake(k, project->id, wait_done, w, &w->wait);
        }
        if (r == 0) {
                http_request_on_gone(rq, wait_client_gone, w);
                return;
        }
        free(w);
        reply_failure(a, rq, r, "The project could not be asked to sleep or wake");
}

void api_sleep(Api *a, HttpRequest *rq, const char *argument) {
        json_t *body = take_json(rq);
        const json_t *kind = json_object_get(body, "kind");
        const char *word = kind ? json_string_value(kind) : "armed";
        ProjectRow project = { 0 };

        if (!body)
                return;
        if (!word || (strcmp(word, "armed") != 0 && strcmp(word, "asleep") != 0))
                reply_problem(rq, 422, "invalid-field", "A field is not usable", "kind", "kind must be armed or asleep.");
        else if (take_project(a, rq, argument, &project)) {
                begin_wait(a, rq, &project, true, strcmp(word, "asleep") == 0);
                project_row_done(&project);
        }
        json_decref(body);
}

void api_wake(Api *a, HttpRequest *rq, const char *argument) {
        ProjectRow project = { 0 };

        if (!take_project(a, rq, argument, &project))
                return;
        begin_wait(a, rq, &project, false, false);
        project_row_done(&project);
}
