/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "api/move.h"

#include "api/elsewhere.h"
#include "api/reply.h"
#include "base/cleanup.h"
#include "base/paths.h"
#include "base/text.h"
#include "cluster/answer.h"
#include "deployment/describe.h"
#include "deployment/keeper.h"
#include "security/random.h"
#include "security/validate.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
        TICK_US = 1000 * 1000,
        AT_ONCE = 2,                   /* that are under way */
        GIVE_UP_MS = 5 * 60 * 1000,    /* without an answer of the new server before anything is built there */
        BUILD_MS = 2 * 60 * 60 * 1000, /* longest build and start, with what waits before it in the new server's queue */
        LINGER_SECONDS = 300,
        LINGER_MOST = 7 * 24 * 3600,
        ANSWER_MAX = 4 * 1024 * 1024,
};

typedef struct Step Step;

/* One call for one move. */
struct Step {
        Step *next;
        Mover *m;
        char project[13];
        NodeCall *call;                                                                /* to another server */
        Fetch *fetch;                                                                  /* or to this one */
        void (*answered)(Mover *m, MoveRow *row, unsigned status, const json_t *body); /* status 0: no answer */
};

struct Mover {
        Api *a;
        Timer *tick;
        Step *steps;
};

/* --- calls: only the way differs between this server and another --- */

static Step *step_of(const Mover *m, const char *project) {
        for (Step *s = m->steps; s; s = s->next)
                if (strcmp(s->project, project) == 0)
                        return s;
        return NULL;
}

static void step_free(Step *s) {
        for (Step **p = &s->m->steps; *p; p = &(*p)->next)
                if (*p == s) {
                        *p = s->next;
                        break;
                }
        node_call_drop(s->call);
        fetch_drop(s->fetch);
        free(s);
}

static void step_done(void *owner, const FetchResult *result) {
        Step *s = owner;
        Mover *m = s->m;
        void (*answered)(Mover * m, MoveRow * row, unsigned status, const json_t *body) = s->answered;
        json_t *body = result->error ? NULL : answer_parse(result->body, result->length);
        MoveRow row = { 0 };
        bool known = store_move_get(m->a->config.context->store, s->project, &row) == STORE_OK;

        step_free(s);
        if (known)
                answered(m, &row, result->error ? 0 : result->status, body);
        move_row_done(&row);
        json_decref(body);
}

/* What cannot even be asked has no answer: answered() hears that at once. */
static void ask(Mover *m, MoveRow *row, const char *server_id, const char *method, const char *target, const char *body,
                void (*answered)(Mover *m, MoveRow *row, unsigned status, const json_t *body)) {
        static const char *const headers[] = { "Content-Type: application/json", NULL };
        const DeployContext *c = m->a->config.context;
        size_t length = body ? strlen(body) : 0;
        Step *s = calloc(1, sizeof *s);
        char url[256];
        int r;

        if (!s)
                return; /* the next tick tries again */
        s->m = m;
        s->answered = answered;
        (void) snprintf(s->project, sizeof s->project, "%s", row->project_id);
        s->next = m->steps;
        m->steps = s;
        if (strcmp(server_id, c->server_id) == 0) {
                (void) snprintf(url, sizeof url, "http://localhost%s", target);
                r = fetch_start(c->fetch,
                                &(FetchSpec){ .method = method,
                                              .url = url,
                                              .unix_socket = NS_AGENT_SOCKET,
                                              .headers = headers,
                                              .body = body,
                                              .body_length = length,
                                              .timeout_us = 180 * USEC_PER_SEC,
                                              .max_bytes = ANSWER_MAX },
                                step_done, s, &s->fetch);
        } else
                r = node_call(m->a->nodes, server_id,
                              &(NodeRequest){ .method = method,
                                              .target = target,
                                              .body = body,
                                              .length = length,
                                              .headers = headers,
                                              .timeout_us = 180 * USEC_PER_SEC,
                                              .repeatable = true },
                              step_done, s, &s->call);
        if (r != 0) {
                step_free(s);
                answered(m, row, 0, NULL);
        }
}

/* --- states --- */

static int set_state(Mover *m, MoveRow *row, const char *state, const char *format, ...) __attribute__((format(printf, 4, 5)));

static int set_state(Mover *m, MoveRow *row, const char *state, const char *format, ...) {
        Store *store = m->a->config.context->store;
        char *copy = strdup(state);
        va_list args;
        int r = copy ? 0 : -ENOMEM;

        if (r == 0) {
                free(row->state);
                row->state = copy;
                row->changed_at_ms = clock_now_ms();
        }
        if (r == 0 && format) {
                char text[512];
                va_start(args, format);
                (void) vsnprintf(text, sizeof text, format, args);
                va_end(args);
                free(row->failure);
                row->failure = strdup(text);
        }
        if (r == 0)
                r = store_move_put(store, row);
        if (r != 0)
                (void) fprintf(stderr, "<3>The move of project %s cannot be stored: %s\n", row->project_id, store_error(store));
        return r;
}

static bool is_own(const Mover *m, const char *server_id) {
        return strcmp(server_id, m->a->config.context->server_id) == 0;
}

/* When it comes to this server, its row must say so before it can live here; and again when that fails. */
static int put_here(Mover *m, const MoveRow *row, const char *server_id) {
        const DeployContext *c = m->a->config.context;
        int r = store_project_set_server(c->store, row->project_id, server_id);

        keeper_look(c->keeper, row->project_id);
        return r;
}

static void fail(Mover *m, MoveRow *row, const char *sentence) {
        (void) fprintf(stderr, "<4>Project %s was not moved: %s\n", row->project_id, sentence);
        if (is_own(m, row->to_server) && put_here(m, row, row->from_server) != STORE_OK)
                return; /* as long as the row says that it lives here, what is undone here would take the row along */
        (void) set_state(m, row, "undoing", "%s", sentence);
}

static void refused(Mover *m, MoveRow *row, unsigned status, const json_t *body) {
        const char *detail = json_string_value(json_object_get(body, "detail"));
        char text[512];

        if (status == 0 || status == 401 || status == 429 || status >= 500) {
                if (clock_now_ms() - row->changed_at_ms > GIVE_UP_MS)
                        fail(m, row, "The new server does not answer.");
                return;
        }
        (void) snprintf(text, sizeof text, "The new server refuses it: %.400s", detail ? detail : "without a reason.");
        text_make_line(text);
        fail(m, row, text);
}

static void placed(Mover *m, MoveRow *row, unsigned status, const json_t *body) {
        if (status / 100 == 2)
                (void) set_state(m, row, "deploying", NULL);
        else
                refused(m, row, status, body);
}

static void deploying(Mover *m, MoveRow *row, unsigned status, const json_t *body) {
        if (status == 202)
                (void) set_state(m, row, "building", NULL);
        else
                refused(m, row, status, body);
}

static void arrived(Mover *m, MoveRow *row) {
        const DeployContext *c = m->a->config.context;
        int r = store_begin(c->store);

        if (r == 0)
                r = store_project_set_server(c->store, row->project_id, row->to_server);
        if (r == 0 && !is_own(m, row->to_server))
                r = store_place_put(c->store, row->deployment_id, row->project_id, clock_now_ms());
        if (r == 0)
                r = set_state(m, row, "lingering", NULL);
        if (r == 0)
                r = store_commit(c->store);
        else
                store_rollback(c->store);
        if (r != 0)
                return; /* the next look finds it live again */
        keeper_look(c->keeper, row->project_id);
        nodes_push_again(m->a->nodes, row->to_server);
        nodes_wake(m->a->nodes, row->to_server);
        (void) fprintf(stderr, "<5>Project %s has moved; its old server goes on to serve it for %lld s.\n", row->project_id,
                       (long long) row->linger_seconds);
}

static void built(Mover *m, MoveRow *row, unsigned status, const json_t *body) {
        const char *state = json_string_value(json_object_get(body, "state"));
        const char *failure = json_string_value(json_object_get(json_object_get(body, "failure"), "sentence"));
        char text[512];

        if (status == 404)
                fail(m, row, "The new server does not know the deployment any more.");
        else if (status != 200 || !state || json_is_null(json_object_get(body, "finished_at"))) {
                if (clock_now_ms() - row->changed_at_ms > BUILD_MS)
                        fail(m, row, "The deployment on the new server does not end.");
        } else if (strcmp(state, "live") == 0)
                arrived(m, row);
        else {
                (void) snprintf(text, sizeof text, "The deployment on the new server ended as %.20s%s%.400s", state, failure ? ": " : ".",
                                failure ? failure : "");
                text_make_line(text);
                fail(m, row, text);
        }
}

static void undone(Mover *m, MoveRow *row, unsigned status, const json_t *body) {
        (void) body;
        if (status == 204 || status == 404)
                (void) set_state(m, row, "failed", NULL);
}

static void left(Mover *m, MoveRow *row, unsigned status, const json_t *body) {
        (void) body;
        if (status == 204 || status == 404)
                (void) store_move_delete(m->a->config.context->store, row->project_id);
}

static bool is_gone(const Mover *m, const char *server_id) {
        return !is_own(m, server_id) && !nodes_knows(m->a->nodes, server_id);
}

static void ask_for_project(Mover *m, MoveRow *row, const char *server_id, const char *method,
                            void (*answered)(Mover *m, MoveRow *row, unsigned status, const json_t *body)) {
        char target[64];

        (void) snprintf(target, sizeof target, "/internal/projects/%s", row->project_id);
        ask(m, row, server_id, method, target, NULL, answered);
}

static void place(Mover *m, MoveRow *row) {
        ProjectRow project = { 0 };
        auto_free char *body = NULL;

        if (is_own(m, row->to_server) && put_here(m, row, row->to_server) != STORE_OK)
                return;
        if (store_project_get(m->a->config.context->store, row->project_id, &project) != STORE_OK)
                return;
        if (describe_push(m->a, &project, &body) == 0)
                ask(m, row, row->to_server, "POST", "/internal/projects", body, placed);
        if (body)
                secret_zero(body, strlen(body));
        project_row_done(&project);
}

static void deploy(Mover *m, MoveRow *row) {
        json_t *o = json_pack("{s:s, s:s}", "id", row->deployment_id, "project", row->project_id);
        auto_free char *body = NULL;

        if (o && row->commit[0])
                (void) json_object_set_new(o, "commit", json_string(row->commit));
        body = o ? json_dumps(o, JSON_COMPACT) : NULL;
        json_decref(o);
        if (body)
                ask(m, row, row->to_server, "POST", "/internal/deploy", body, deploying);
}

static void look_at(Mover *m, MoveRow *row, unsigned *under_way) {
        char target[64];

        if (step_of(m, row->project_id) || strcmp(row->state, "failed") == 0)
                return;
        if (strcmp(row->state, "lingering") == 0) {
                if (clock_now_ms() - row->changed_at_ms < row->linger_seconds * 1000)
                        return;
                if (is_gone(m, row->from_server))
                        (void) store_move_delete(m->a->config.context->store, row->project_id);
                else
                        ask_for_project(m, row, row->from_server, "DELETE", left);
        } else if (strcmp(row->state, "undoing") == 0) {
                if (is_gone(m, row->to_server))
                        (void) set_state(m, row, "failed", NULL);
                else
                        ask_for_project(m, row, row->to_server, "DELETE", undone);
        } else if (is_gone(m, row->to_server))
                fail(m, row, "The new server has been removed.");
        else if (strcmp(row->state, "queued") == 0) {
                if (*under_way < AT_ONCE) {
                        (*under_way)++;
                        (void) set_state(m, row, "placing", NULL);
                }
        } else if (strcmp(row->state, "placing") == 0)
                place(m, row);
        else if (strcmp(row->state, "deploying") == 0)
                deploy(m, row);
        else {
                (void) snprintf(target, sizeof target, "/internal/deployments/%s", row->deployment_id);
                ask(m, row, row->to_server, "GET", target, NULL, built);
        }
}

static bool is_under_way(const MoveRow *row) {
        return strcmp(row->state, "placing") == 0 || strcmp(row->state, "deploying") == 0 || strcmp(row->state, "building") == 0;
}

/* While there is nothing to move, nothing runs. */
static void tick(void *owner) {
        Mover *m = owner;
        MoveRow *rows = NULL;
        size_t n = 0;
        unsigned under_way = 0;
        bool again = false;

        (void) store_move_list(m->a->config.context->store, &rows, &n);
        for (size_t i = 0; i < n; i++)
                under_way += is_under_way(&rows[i]);
        for (size_t i = 0; i < n; i++) {
                look_at(m, &rows[i], &under_way);
                again = again || strcmp(rows[i].state, "failed") != 0;
                move_row_done(&rows[i]);
        }
        free(rows);
        if (again)
                (void) timer_rearm(m->tick, TICK_US);
}

int mover_new(Api *a, Loop *l, Mover **ret_mover) {
        Mover *m = calloc(1, sizeof *m);
        int r;

        if (!m)
                return -ENOMEM;
        m->a = a;
        r = timer_start(l, TICK_US, tick, m, &m->tick);
        if (r < 0) {
                free(m);
                return r;
        }
        *ret_mover = m;
        return 0;
}

Mover *mover_free(Mover *m) {
        if (!m)
                return NULL;
        while (m->steps)
                step_free(m->steps);
        timer_drop(m->tick);
        free(m);
        return NULL;
}

/* --- what is seen of it --- */

static json_t *server_name(const Api *a, const char *id) {
        ServerRow row = { 0 };
        json_t *name = json_null();

        if (store_server_get(a->config.context->store, id, &row) == STORE_OK)
                name = json_string(row.name);
        server_row_done(&row);
        return name;
}

void mover_describe(const Api *a, const char *project_id, json_t *object) {
        MoveRow row = { 0 };

        if (store_move_get(a->config.context->store, project_id, &row) != STORE_OK)
                return;
        (void) json_object_set_new(object, "move",
                                   json_pack("{s:o, s:o, s:s, s:s?, s:s, s:I, s:o}", "from", server_name(a, row.from_server), "to",
                                             server_name(a, row.to_server), "state", row.state, "failure", row.failure, "deployment",
                                             row.deployment_id, "linger_seconds", (json_int_t) row.linger_seconds, "changed_at",
                                             describe_time(row.changed_at_ms)));
        move_row_done(&row);
}

bool mover_refuses(const Api *a, HttpRequest *rq, const char *project_id, bool deploys) {
        MoveRow row = { 0 };
        bool refuses;

        if (store_move_get(a->config.context->store, project_id, &row) != STORE_OK)
                return false;
        refuses = strcmp(row.state, "failed") != 0 && !(deploys && strcmp(row.state, "undoing") == 0);
        if (refuses)
                reply_problem(rq, 409, "project-moving", "The project is moving", NULL,
                              strcmp(row.state, "lingering") == 0 ? "The project has just moved, and its old server still serves it. Wait "
                                                                    "until that has been removed."
                                                                  : "The project is moving to another server. Wait until it is there.");
        move_row_done(&row);
        return refuses;
}

/* --- requests --- */

/* What is live now, as its server says, or said last. */
static char *live_commit(const Api *a, const ProjectRow *project) {
        json_t *o = describe_any(a, project);
        const char *commit = json_string_value(json_object_get(o, "live_commit"));
        char *copy = strdup(valid_commit(commit) ? commit : "");

        json_decref(o);
        return copy;
}

static int begin(Api *a, const ProjectRow *project, const ServerRow *to, int64_t linger_seconds) {
        char id[13];
        auto_free char *commit = live_commit(a, project);
        MoveRow row = {
                .project_id = project->id,
                .from_server = project->server_id,
                .to_server = to->id,
                .state = (char *) (uintptr_t) "queued",
                .deployment_id = id,
                .commit = commit,
                .linger_seconds = linger_seconds,
                .changed_at_ms = clock_now_ms(),
                .created_at_ms = clock_now_ms(),
        };
        int r;

        if (!commit)
                return -ENOMEM;
        random_id(id);
        (void) store_move_delete(a->config.context->store, project->id); /* one that failed */
        r = store_move_put(a->config.context->store, &row);
        if (r == STORE_OK)
                (void) timer_rearm(a->mover->tick, 0);
        return r < 0 ? r : r == STORE_OK ? 0 : -EIO;
}

static bool can_take(const Api *a, const ServerRow *row) {
        return strcmp(row->id, a->config.context->server_id) == 0 || nodes_is_online(a->nodes, row->id);
}

static bool take_linger(HttpRequest *rq, const json_t *body, int64_t *ret) {
        const json_t *value = json_object_get(body, "linger_seconds");

        *ret = value ? json_integer_value(value) : LINGER_SECONDS;
        if (!value || (json_is_integer(value) && *ret >= 0 && *ret <= LINGER_MOST))
                return true;
        reply_problem(rq, 422, "invalid-field", "A field is not usable", "linger_seconds", "linger_seconds must be from 0 to 604800.");
        return false;
}

static void move(Api *a, HttpRequest *rq, const json_t *body, const ProjectRow *project) {
        ServerRow to = { 0 };
        const char *name = json_string_value(json_object_get(body, "server"));
        int64_t linger;
        int r;

        if (!name) {
                reply_problem(rq, 422, "invalid-field", "A field is not usable", "server", "server must be the name or id of a server.");
                return;
        }
        if (!take_linger(rq, body, &linger) || mover_refuses(a, rq, project->id, false) || !take_server(a, rq, name, &to))
                return;
        if (strcmp(to.id, project->server_id) == 0)
                reply_problem(rq, 409, "already-there", "The project is there already", "server", "The project is on that server already.");
        else if (to.draining)
                reply_problem(rq, 409, "server-draining", "The server takes no projects", "server",
                              "That server is being drained. Choose another one, or end that first: nanoscale servers undrain.");
        else if (!can_take(a, &to))
                reply_node_problem(a, rq, to.id, NODES_E_OFFLINE);
        else if ((r = begin(a, project, &to, linger)) < 0)
                reply_failure(a, rq, r, "The move could not be stored");
        else
                reply_json(rq, 202, describe_any(a, project));
        server_row_done(&to);
}

void api_project_move(Api *a, HttpRequest *rq, const char *argument) {
        json_t *body = take_json(rq);
        ProjectRow project = { 0 };

        if (!body)
                return;
        if (!a->nodes)
                reply_problem(rq, 409, "not-the-orchestrator", "This server is a worker", NULL, "Projects are moved on the orchestrator.");
        else if (take_project(a, rq, argument, &project)) {
                move(a, rq, body, &project);
                project_row_done(&project);
        }
        json_decref(body);
}

/* --- drain --- */

/* The server with the fewest projects, counting those that are on their way, that is online and takes some. */
static bool choose(const Api *a, const ServerRow *servers, size_t n, const char *but, const int64_t *extra, size_t *ret_at) {
        int64_t least = INT64_MAX;

        for (size_t i = 0; i < n; i++) {
                int64_t count = 0;
                if (servers[i].draining || strcmp(servers[i].id, but) == 0 || !can_take(a, &servers[i]))
                        continue;
                (void) store_project_count_on(a->config.context->store, servers[i].id, &count);
                if (count + extra[i] < least) {
                        least = count + extra[i];
                        *ret_at = i;
                }
        }
        return least != INT64_MAX;
}

/* The number of projects that were queued, or a negative errno. */
static int64_t move_all(Api *a, const ServerRow *from, int64_t linger) {
        Store *store = a->config.context->store;
        ServerRow *servers = NULL;
        ProjectRow *projects = NULL;
        size_t n_servers = 0, n_projects = 0, at;
        auto_free int64_t *extra = NULL;
        int64_t queued = 0;
        int r = store_server_list(store, &servers, &n_servers);

        if (r == STORE_OK)
                r = store_project_list_on(store, from->id, &projects, &n_projects);
        extra = calloc(n_servers + 1, sizeof *extra);
        for (size_t i = 0; i < n_projects; i++) {
                MoveRow move_row = { 0 };
                bool moving = store_move_get(store, projects[i].id, &move_row) == STORE_OK && strcmp(move_row.state, "failed") != 0;

                move_row_done(&move_row);
                if (r == STORE_OK && extra && !moving && choose(a, servers, n_servers, from->id, extra, &at)) {
                        r = begin(a, &projects[i], &servers[at], linger);
                        extra[at]++;
                        queued++;
                }
                project_row_done(&projects[i]);
        }
        for (size_t i = 0; i < n_servers; i++)
                server_row_done(&servers[i]);
        free(servers);
        free(projects);
        return r < 0 ? r : queued;
}

static bool another_takes(Api *a, const ServerRow *from) {
        ServerRow *servers = NULL;
        size_t n = 0;
        bool found = false;

        (void) store_server_list(a->config.context->store, &servers, &n);
        for (size_t i = 0; i < n; i++) {
                found = found || (!servers[i].draining && strcmp(servers[i].id, from->id) != 0 && can_take(a, &servers[i]));
                server_row_done(&servers[i]);
        }
        free(servers);
        return found;
}

static void set_draining(Api *a, HttpRequest *rq, const char *argument, bool draining) {
        json_t *body = take_json(rq);
        ServerRow row = { 0 };
        int64_t linger = 0, queued = 0;
        int r;

        if (!body)
                return;
        if (!a->nodes)
                reply_problem(rq, 409, "not-the-orchestrator", "This server is a worker", NULL, "Servers are managed on the orchestrator.");
        else if (take_linger(rq, body, &linger) && take_server(a, rq, argument, &row)) {
                if (draining && !another_takes(a, &row))
                        reply_problem(rq, 409, "no-other-server", "There is no other server", NULL,
                                      "No other server is online and takes projects. Add one first: nanoscale servers add.");
                else {
                        row.draining = draining;
                        r = store_server_put(a->config.context->store, &row);
                        if (r == STORE_OK && draining)
                                queued = move_all(a, &row, linger);
                        if (r != STORE_OK || queued < 0)
                                reply_failure(a, rq, r < 0 ? r : queued < 0 ? (int) queued : -EIO, "The server could not be drained");
                        else {
                                json_t *o = describe_node(a, &row);
                                (void) json_object_set_new(o, "moving", json_integer(queued));
                                reply_json(rq, draining ? 202 : 200, o);
                        }
                }
                server_row_done(&row);
        }
        json_decref(body);
}

void api_server_drain(Api *a, HttpRequest *rq, const char *argument) {
        set_draining(a, rq, argument, true);
}

void api_server_undrain(Api *a, HttpRequest *rq, const char *argument) {
        set_draining(a, rq, argument, false);
}
