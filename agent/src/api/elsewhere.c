/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "api/elsewhere.h"
#include "api/move.h"
#include "api/reply.h"

#include "base/cleanup.h"
#include "cluster/answer.h"
#include "deployment/environment.h"
#include "deployment/project_draft.h"
#include "security/random.h"
#include "security/validate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- a row on its way to its node --- */

typedef struct {
        Api *a;
        HttpRequest *rq; /* NULL: on our own account */
        NodeCall *call;
        char id[13], server_id[13];
        ProjectRow undo; /* id NULL: there was no row before */
        char then[256];
        unsigned status;
} Push;

int describe_push(const Api *a, const ProjectRow *row, char **ret_text) {
        json_t *env = NULL, *settings = json_object(), *o = NULL;
        int r = settings ? project_draft_describe(row, settings) : -ENOMEM;

        if (r == 0)
                r = environment_unseal(a->config.context->sealer, row->id, row->env_vars, &env);
        if (r == 0) {
                o = json_pack("{s:s, s:O, s:O, s:I}", "id", row->id, "settings", settings, "env", env, "env_changed_at_ms",
                              (json_int_t) row->env_changed_at_ms);
                *ret_text = o ? json_dumps(o, JSON_COMPACT) : NULL;
                r = *ret_text ? 0 : -ENOMEM;
        }
        json_decref(o);
        json_decref(settings);
        json_decref(env);
        return r;
}

static void push_free(Push *p) {
        node_call_drop(p->call);
        project_row_done(&p->undo);
        free(p);
}

static void push_client_gone(void *owner) {
        Push *p = owner;

        nodes_push_again(p->a->nodes, p->server_id); /* the row is changed; whether it has arrived nobody waits to hear */
        push_free(p);
}

void reply_elsewhere(Api *a, HttpRequest *rq, const char *id, unsigned status, bool pending) {
        ProjectRow row = { 0 };
        json_t *o;

        if (!take_project(a, rq, id, &row))
                return;
        o = describe_elsewhere(a, &row);
        if (o && pending)
                (void) json_object_set_new(o, "pending", json_true());
        reply_json(rq, status, o);
        project_row_done(&row);
}

/* The node refuses the row, for a limit of its own: as if it had never been asked. */
static void take_back(Push *p) {
        Store *store = p->a->config.context->store;
        int r = p->undo.id ? store_project_update(store, &p->undo) : store_project_delete(store, p->id);

        if (r != STORE_OK)
                (void) fprintf(stderr, "<3>Project %s: its change could not be taken back: %s\n", p->id, store_error(store));
}

/* Its words go to the journal when they are one line of text. */
static void tell_refusal(const char *project_id, const FetchResult *result) {
        json_t *body = answer_parse(result->body, result->length);
        const char *detail = json_string_value(json_object_get(body, "detail"));

        if (valid_text_line(detail, 500))
                (void) fprintf(stderr, "<4>Project %s: its server refuses its settings: %s\n", project_id, detail);
        else
                (void) fprintf(stderr, "<4>Project %s: its server refuses its settings, with status %u.\n", project_id, result->status);
        json_decref(body);
}

static void push_done(void *owner, const FetchResult *result) {
        Push *p = owner;
        Api *a = p->a;
        HttpRequest *rq = p->rq;

        if (!result->error && result->status / 100 == 2) {
                json_t *body = answer_parse(result->body, result->length);
                mirror_take_one(a, p->id, result->status, body);
                json_decref(body);
                if (rq && p->then[0]) {
                        const Forward f = { .method = "GET", .target = p->then, .body = strdup("") }; /* not the request's */
                        char server_id[13];
                        memcpy(server_id, p->server_id, sizeof server_id);
                        http_request_on_gone(rq, NULL, NULL);
                        forward(a, rq, server_id, &f);
                } else if (rq)
                        reply_elsewhere(a, rq, p->id, p->status, false);
        } else if (!result->error && result->status / 100 == 4 && result->status != 401 && result->status != 410 && result->status != 429) {
                if (rq) {
                        take_back(p);
                        http_reply(rq, result->status, "application/problem+json", result->body, result->length, NULL);
                } else
                        tell_refusal(p->id, result);
        } else {
                nodes_push_again(a->nodes, p->server_id);
                if (rq)
                        reply_elsewhere(a, rq, p->id, p->status, true);
        }
        push_free(p);
}

/* What the gateway of a node takes: a body that is larger would be written to its disk, with all the variables in it. */
enum { PUSH_MAX = 1024 * 1024 };

static int push(Api *a, HttpRequest *rq, const ProjectRow *row, ProjectRow *undo, const char *then, unsigned status) {
        static const char *const headers[] = { "Content-Type: application/json", NULL };
        auto_free char *body = NULL;
        Push *p = calloc(1, sizeof *p);
        int r = p ? describe_push(a, row, &body) : -ENOMEM;

        if (r == 0 && strlen(body) > PUSH_MAX)
                r = -E2BIG;
        if (p) {
                p->a = a;
                p->rq = rq;
                p->status = status;
                if (undo) {
                        p->undo = *undo;
                        *undo = (ProjectRow){ 0 };
                }
                (void) snprintf(p->id, sizeof p->id, "%s", row->id);
                (void) snprintf(p->server_id, sizeof p->server_id, "%s", row->server_id);
                (void) snprintf(p->then, sizeof p->then, "%s", then ? then : "");
        }
        if (r == 0)
                r = node_call(a->nodes, row->server_id,
                              &(NodeRequest){ .method = "POST",
                                              .target = "/internal/projects",
                                              .body = body,
                                              .length = strlen(body),
                                              .headers = headers,
                                              .repeatable = true },
                              push_done, p, &p->call);
        if (body)
                secret_zero(body, strlen(body));
        if (r == 0 && rq)
                http_request_on_gone(rq, push_client_gone, p);
        if (r == -E2BIG)
                take_back(p);
        if (r != 0 && p)
                push_free(p);
        return r;
}

void push_then_answer(Api *a, HttpRequest *rq, const ProjectRow *row, ProjectRow *undo, const char *then, unsigned status) {
        int r = push(a, rq, row, undo, then, status);

        if (r == NODES_E_OFFLINE || r == NODES_E_BUSY) {
                nodes_push_again(a->nodes, row->server_id);
                reply_elsewhere(a, rq, row->id, status, true);
        } else if (r == -E2BIG)
                reply_problem(rq, 422, "invalid-env", "The variables are too large", "env",
                              "All variables of a project on another server together may have 1 MiB at most.");
        else if (r != 0)
                reply_node_problem(a, rq, row->server_id, r);
}

/* --- what nodes tells us --- */

static void came_back(void *owner, const char *server_id) {
        Api *a = owner;
        ProjectRow *rows = NULL;
        size_t n = 0;

        if (store_project_list_on(a->config.context->store, server_id, &rows, &n) != STORE_OK)
                return;
        for (size_t i = 0; i < n; i++) {
                if (push(a, NULL, &rows[i], NULL, NULL, 0) != 0)
                        nodes_push_again(a->nodes, server_id);
                project_row_done(&rows[i]);
        }
        free(rows);
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

/* The deployment's id is made here and known here before the node hears of it: if the answer is lost, it can still be asked for. */
static void submit(Api *a, HttpRequest *rq, const ProjectRow *row, const char *target) {
        json_t *body = take_json(rq);
        const char *given = json_string_value(json_object_get(body, "id"));
        bool deploys = strstr(target, "/deployments") != NULL;
        Forward f = { .method = "POST", .target = deploys ? "/internal/deploy" : target };
        char id[13];
        int r;

        if (!body)
                return;
        random_id(id);
        if (!given)
                r = json_object_set_new(body, "id", json_string(id));
        else
                r = 0;
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
        (void) body;
        if (status == 204 || status == 404)
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
                submit(a, rq, row, target);
                return;
        }
        if (route->elsewhere == REMOVE) {
                f.answered = removed_there;
                f.gone_is_done = true;
        } else if (strcmp(route->path, "/api/projects/{}") == 0 || strcmp(route->path, "/api/projects/{}/sleep") == 0 ||
                   strcmp(route->path, "/api/projects/{}/wake") == 0) {
                f.answered = mirror_take_one;
                f.describe = true;
        }
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
        if (strcmp(route->path, "/api/projects/{}") == 0 && route->elsewhere == FORWARD && !nodes_is_online(a->nodes, row.server_id))
                reply_json(rq, 200, describe_elsewhere(a, &row)); /* what is known is better than nothing */
        else
                pass_on(a, rq, route, argument, of_deployment ? argument : row.id, &row);
        project_row_done(&row);
        return true;
}
