/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "api/elsewhere.h"
#include "api/domains.h"
#include "api/move.h"
#include "api/reply.h"

#include "base/cleanup.h"
#include "security/random.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- what nodes tells us --- */

static void came_back(void *owner, const char *server_id) {
        push_all(owner, server_id);
}

static void told_projects(void *owner, const char *server_id, const json_t *list) {
        mirror_take(owner, server_id, list);
}

static const NodesOps nodes_ops = { .came_back = came_back, .projects = told_projects };

int elsewhere_begin(Api *a, Loop *l) {
        const DeployContext *c = a->config.context;
        ServerRow *rows = NULL;
        size_t n = 0;
        int r = nodes_new(l, c->store, c->sealer, &nodes_ops, a, &a->nodes);

        if (r == 0)
                r = store_server_list(c->store, &rows, &n);
        for (size_t i = 0; i < n; i++) {
                if (strcmp(rows[i].id, c->server_id) != 0) {
                        int added = nodes_add(a->nodes, &rows[i]);
                        if (added < 0)
                                (void) fprintf(stderr, "<3>Server %s cannot be followed: %s\n", rows[i].name, strerror(-added));
                }
                server_row_done(&rows[i]);
        }
        free(rows);
        return r == 0 ? mover_new(a, l, &a->mover) : r;
}

/* --- requests --- */

/* "/api/projects/NAME/x?q" to "/internal/projects/ID/x?q". */
static int target_at_node(const HttpRequest *rq, const char *argument, const char *id, char *ret, size_t size) {
        static const char *const folders[] = { "projects", "deployments", "logs" };
        const char *target = http_request_target(rq);
        size_t length = strlen(argument);

        for (size_t i = 0; i < ELEMENTS(folders); i++) {
                char head[32];
                size_t n = (size_t) snprintf(head, sizeof head, "/api/%s/", folders[i]);
                if (strncmp(target, head, n) != 0 || strncmp(target + n, argument, length) != 0)
                        continue;
                n = (size_t) snprintf(ret, size, "/internal/%s/%s%s", folders[i], id, target + n + length);
                return n >= size ? -EINVAL : 0;
        }
        return -EINVAL;
}

/* Where a deployment is, its id alone says: each is of one project, here as elsewhere. */
static bool is_of_another(Api *a, HttpRequest *rq, const ProjectRow *row, const char *deployment_id) {
        Store *store = a->config.context->store;
        DeploymentRow own = { 0 };
        auto_free char *project_id = NULL;
        bool taken = store_deployment_get(store, deployment_id, &own) == STORE_OK && strcmp(own.project_id, row->id) != 0;

        deployment_row_done(&own);
        if (!taken && store_place_get(store, deployment_id, &project_id) == STORE_OK)
                taken = strcmp(project_id, row->id) != 0;
        if (taken)
                reply_problem(rq, 409, "id-taken", "The id is taken", "id", "Another deployment has that id.");
        return taken;
}

/* The deployment's id is made here and known here before the node hears of it: if the answer is lost, it can still be asked for. */
static void submit(Api *a, HttpRequest *rq, const Route *route, const ProjectRow *row, const char *target) {
        json_t *body = take_json(rq);
        const char *given = NULL;
        bool deploys = strcmp(route->path, "/api/projects/{}/deployments") == 0;
        Forward f = { .method = "POST", .target = deploys ? "/internal/deploy" : target };
        char id[13];
        int r;

        if (!body)
                return;
        if (!take_deployment_id(rq, body, &given) || (given && is_of_another(a, rq, row, given))) {
                json_decref(body);
                return;
        }
        random_id(id);
        r = given ? 0 : json_object_set_new(body, "id", json_string(id));
        if (r == 0 && deploys)
                r = json_object_set_new(body, "project", json_string(row->id));
        if (r == 0)
                r = store_place_put(a->config.context->store, given ? given : id, row->id, clock_now_ms());
        if (r == 0)
                f.body = json_dumps(body, JSON_COMPACT);
        if (r != 0 || !f.body)
                reply_failure(a, rq, r < 0 ? r : -ENOMEM, "The deployment could not be queued");
        else
                forward(a, rq, row->server_id, &f);
        json_decref(body);
}

static void removed_there(Api *a, const char *project_id, unsigned status, const json_t *body) {
        if (status == 204 || says_absent(status, body))
                (void) store_project_delete(a->config.context->store, project_id);
}

static void pass_on(Api *a, HttpRequest *rq, const Route *route, const char *argument, const char *id, const ProjectRow *row) {
        char target[1024];
        Forward f = { .method = route->method, .target = target, .stream = route->elsewhere == STREAM, .project_id = row->id };

        if (target_at_node(rq, argument, id, target, sizeof target) < 0) {
                reply_problem(rq, 400, "malformed-path", "The path is not usable", NULL, "The path or its query is too long.");
                return;
        }
        if (route->elsewhere == SUBMIT) {
                submit(a, rq, route, row, target);
                return;
        }
        if (route->elsewhere == REMOVE) {
                f.answered = removed_there;
                f.removes = true;
        } else if (strcmp(route->path, "/api/projects/{}") == 0 || strcmp(route->path, "/api/projects/{}/sleep") == 0 ||
                   strcmp(route->path, "/api/projects/{}/wake") == 0) {
                f.answered = mirror_take_one;
                f.describe = true;
        } else if (strstr(route->path, "/certificate"))
                f.answered = domains_taken_there;
        forward(a, rq, row->server_id, &f);
}

/* The project that a request is about; false: it is about none that is elsewhere. */
static bool find_project(Api *a, const Route *route, const char *argument, ProjectRow *ret) {
        Store *store = a->config.context->store;
        auto_free char *project_id = NULL;
        int r;

        if (strncmp(route->path, "/api/deployments/", 17) == 0)
                r = store_place_get(store, argument, &project_id);
        else {
                r = store_project_get_by_name(store, argument, ret);
                if (r == STORE_E_ABSENT)
                        r = store_project_get(store, argument, ret);
        }
        if (r == STORE_OK && project_id)
                r = store_project_get(store, project_id, ret);
        if (r != STORE_OK)
                return false;
        if (is_elsewhere(a, ret))
                return true;
        project_row_done(ret);
        return false;
}

/* A new release would not move along, and what is removed could not. */
static bool is_moving(Api *a, HttpRequest *rq, const Route *route, const char *argument) {
        Store *store = a->config.context->store;
        ProjectRow row = { 0 };
        bool moving;
        int r;

        if (route->elsewhere != SUBMIT && route->elsewhere != REMOVE)
                return false;
        r = store_project_get_by_name(store, argument, &row);
        if (r == STORE_E_ABSENT)
                r = store_project_get(store, argument, &row);
        moving = r == STORE_OK && mover_refuses(a, rq, row.id, route->elsewhere == SUBMIT);
        project_row_done(&row);
        return moving;
}

bool elsewhere_take(Api *a, HttpRequest *rq, const Route *route, const char *argument) {
        ProjectRow row = { 0 };
        bool of_deployment = strncmp(route->path, "/api/deployments/", 17) == 0;

        if (a->nodes && is_moving(a, rq, route, argument))
                return true;

        if (!a->nodes || route->elsewhere == HERE || route->elsewhere == PUSH || !argument[0] || !find_project(a, route, argument, &row))
                return false;
        /* What is known is better than nothing; of domains it is kept up to date, and includes what the server does not have yet. */
        if (strcmp(route->path, "/api/projects/{}") == 0 && route->elsewhere == FORWARD && !nodes_is_online(a->nodes, row.server_id))
                reply_json(rq, 200, describe_elsewhere(a, &row));
        else if (strcmp(route->method, "GET") == 0 && strstr(route->path, "/domains") && !nodes_is_online(a->nodes, row.server_id))
                route->handle(a, rq, argument);
        else
                pass_on(a, rq, route, argument, of_deployment ? argument : row.id, &row);
        project_row_done(&row);
        return true;
}
