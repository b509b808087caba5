/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Rows on their way to their nodes: one that has been changed, or all of a node that was away. */
#include "api/domains.h"
#include "api/elsewhere.h"
#include "api/reply.h"

#include "base/cleanup.h"
#include "cluster/answer.h"
#include "deployment/environment.h"
#include "deployment/project_draft.h"
#include "deployment/protection.h"
#include "security/validate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { AT_ONCE = 8 }; /* of all rows of a node: the other calls that it may have are for people */

typedef struct PushAll PushAll;

/* All rows of a node. */
struct PushAll {
        PushAll *next;
        Api *a;
        char server_id[13];
        char (*ids)[13];
        size_t n, at;
        unsigned under_way;
};

typedef struct Push {
        struct Push *next; /* of those that give another name */
        Api *a;
        HttpRequest *rq; /* NULL: on our own account */
        NodeCall *call;
        PushAll *all; /* whose part it is; may be NULL */
        char id[13], server_id[13];
        ProjectRow undo;                                                 /* id NULL: there was no row before */
        char sent[65];                                                   /* hash of what was sent */
        char then[256], domain[ARGUMENT_SECOND], added[ARGUMENT_SECOND]; /* as in PushOptions */
        unsigned status;
        bool or_not_at_all;
        char name[64]; /* that the project is to get */
} Push;

int describe_push(const Api *a, const ProjectRow *row, char **ret_text) {
        json_t *env = NULL, *settings = json_object(), *o = NULL;
        int r = settings ? project_draft_describe(row, settings) : -ENOMEM;

        if (r == 0)
                r = json_object_set_new(settings, "gate", protection_describe_gate(row, true)) < 0 ? -ENOMEM : 0;
        if (r == 0)
                r = environment_unseal(a->config.context->sealer, row->id, row->env_vars, &env);
        if (r == 0) {
                o = json_pack("{s:s, s:O, s:O, s:I, s:o}", "id", row->id, "settings", settings, "env", env, "env_changed_at_ms",
                              (json_int_t) row->env_changed_at_ms, "domains", domains_for_push(a, row->id));
                *ret_text = o ? json_dumps(o, JSON_COMPACT) : NULL;
                r = *ret_text ? 0 : -ENOMEM;
        }
        json_decref(o);
        json_decref(settings);
        json_decref(env);
        return r;
}

static void push_free(Push *p) {
        for (Push **at = &p->a->renames; *at; at = &(*at)->next)
                if (*at == p) {
                        *at = p->next;
                        break;
                }
        node_call_drop(p->call);
        project_row_done(&p->undo);
        free(p);
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

static void answer(const Push *p, bool pending) {
        ProjectRow row = { 0 };

        if (!p->domain[0])
                reply_elsewhere(p->a, p->rq, p->id, p->status, pending);
        else if (take_project(p->a, p->rq, p->id, &row))
                reply_domain(p->a, p->rq, &row, p->domain, p->status, pending);
        project_row_done(&row);
}

/* Still what was sent: not moved or removed meanwhile, and not changed by somebody else, whose change has a push of its own. */
static bool is_as_sent(const Push *p) {
        auto_free char *text = NULL;
        ProjectRow now = { 0 };
        char hash[65] = "";
        bool same = store_project_get(p->a->config.context->store, p->id, &now) == STORE_OK && strcmp(now.server_id, p->server_id) == 0 &&
                    describe_push(p->a, &now, &text) == 0;

        project_row_done(&now);
        if (text) {
                token_hash(text, hash);
                secret_zero(text, strlen(text));
        }
        return same && secret_equal(hash, p->sent);
}

/* Something else has been changed meanwhile, and stays. */
static bool take_name_back(const Push *p) {
        Store *store = p->a->config.context->store;
        ProjectRow now = { 0 };
        bool taken = false;

        if (p->or_not_at_all && p->undo.id && store_project_get(store, p->id, &now) == STORE_OK && strcmp(now.name, p->name) == 0) {
                ProjectRow changed = now; /* borrows */

                changed.name = p->undo.name;
                taken = store_project_update(store, &changed) == STORE_OK;
                nodes_push_again(p->a->nodes, p->server_id);
        }
        project_row_done(&now);
        return taken;
}

/* The node refuses the row, for a limit of its own: as if it had never been asked. False: the row stays as it is now. */
static bool take_back(Push *p) {
        Store *store = p->a->config.context->store;
        int r;

        if (!is_as_sent(p))
                return take_name_back(p);
        r = p->undo.id ? store_project_update(store, &p->undo) : store_project_delete(store, p->id);
        if (r == STORE_OK && p->undo.id && p->added[0])
                r = store_domain_delete(store, p->added);
        if (r != STORE_OK)
                (void) fprintf(stderr, "<3>Project %s: its change could not be taken back: %s\n", p->id, store_error(store));
        return r == STORE_OK;
}

static void push_client_gone(void *owner) {
        Push *p = owner;

        if (p->or_not_at_all)
                (void) take_back(p);
        nodes_push_again(p->a->nodes, p->server_id); /* the row is what it is; whether it has arrived nobody waits to hear */
        push_free(p);
}

/* The node may have got it or not. */
static void answer_unreached(Push *p) {
        if (p->or_not_at_all && take_back(p))
                reply_problem(p->rq, 503, "server-unreachable", "The project's server was not reached", NULL,
                              "The project's server was not reached, or its answer was lost. All stays as it was. Try again.");
        else
                answer(p, true);
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

static void pushed_one(PushAll *all, bool reached);

static void push_done(void *owner, const FetchResult *result) {
        Push *p = owner;
        PushAll *all = p->all;
        bool reached = true;
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
                        answer(p, false);
        } else if (!result->error && result->status / 100 == 4 && result->status != 401 && result->status != 410 && result->status != 429) {
                if (rq) {
                        (void) take_back(p);
                        http_reply(rq, result->status, "application/problem+json", result->body, result->length, NULL);
                } else
                        tell_refusal(p->id, result);
        } else {
                reached = !result->error && result->status == 500; /* that is about the one row, and no reason to keep back the others */
                nodes_push_again(a->nodes, p->server_id);
                if (rq)
                        answer_unreached(p);
        }
        push_free(p);
        if (all)
                pushed_one(all, reached);
}

/* What the gateway of a node takes: a body that is larger would be written to its disk, with all the variables in it. */
enum { PUSH_MAX = 1024 * 1024 };

static void set_options(Push *p, const PushOptions *o) {
        p->status = o->status;
        p->or_not_at_all = o->or_not_at_all;
        if (o->undo) {
                p->undo = *o->undo;
                *o->undo = (ProjectRow){ 0 };
        }
        (void) snprintf(p->then, sizeof p->then, "%s", o->then ? o->then : "");
        (void) snprintf(p->domain, sizeof p->domain, "%s", o->domain ? o->domain : "");
        (void) snprintf(p->added, sizeof p->added, "%s", o->added ? o->added : "");
}

static bool is_being_renamed(const Api *a, const char *project_id) {
        for (const Push *p = a->renames; p; p = p->next)
                if (strcmp(p->id, project_id) == 0)
                        return true;
        return false;
}

/* *ret_taken_back is set when it could not be sent: with rq, of a change that is not to wait for its node. */
static int push(Api *a, HttpRequest *rq, PushAll *all, const ProjectRow *row, const PushOptions *options, bool *ret_taken_back) {
        static const char *const headers[] = { "Content-Type: application/json", NULL };
        auto_free char *body = NULL;
        Push *p = calloc(1, sizeof *p);
        int r = p ? describe_push(a, row, &body) : -ENOMEM;

        if (r == 0 && strlen(body) > PUSH_MAX)
                r = -E2BIG;
        if (p) {
                p->a = a;
                p->rq = rq;
                p->all = all;
                set_options(p, options);
                (void) snprintf(p->id, sizeof p->id, "%s", row->id);
                (void) snprintf(p->name, sizeof p->name, "%s", row->name);
                (void) snprintf(p->server_id, sizeof p->server_id, "%s", row->server_id);
                if (body)
                        token_hash(body, p->sent);
        }
        /* What is changed while the project gets another name waits until it has that or not: taken back would be both or neither. */
        if (r == 0 && rq && is_being_renamed(a, row->id))
                r = NODES_E_BUSY;
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
        if (r == 0 && p->or_not_at_all) {
                p->next = a->renames;
                a->renames = p;
        }
        if (r == 0 && rq)
                http_request_on_gone(rq, push_client_gone, p);
        if (r == 0 && all)
                all->under_way++;
        /* a row that nobody is changing stays what it is */
        if (rq && p && (r == -E2BIG || (r != 0 && p->or_not_at_all)))
                *ret_taken_back = take_back(p);
        if (r != 0 && p)
                push_free(p);
        return r;
}

void push_then_answer(Api *a, HttpRequest *rq, const ProjectRow *row, const PushOptions *options) {
        bool taken_back = false;
        int r = push(a, rq, NULL, row, options, &taken_back);

        if (r > 0 && taken_back)
                reply_node_problem(a, rq, row->server_id, r);
        else if (r > 0) {
                nodes_push_again(a->nodes, row->server_id);
                if (options->domain)
                        reply_domain(a, rq, row, options->domain, options->status, true);
                else
                        reply_elsewhere(a, rq, row->id, options->status, true);
        } else if (r == -E2BIG)
                reply_problem(rq, 422, "invalid-env", "The variables are too large", "env",
                              "All variables of a project on another server together may have 1 MiB at most.");
        else if (r < 0)
                reply_node_problem(a, rq, row->server_id, r);
}

/* --- all rows of a node --- */

static PushAll *push_all_of(const Api *a, const char *server_id) {
        for (PushAll *all = a->pushes; all; all = all->next)
                if (strcmp(all->server_id, server_id) == 0)
                        return all;
        return NULL;
}

static void push_all_free(PushAll *all) {
        for (PushAll **p = &all->a->pushes; *p; p = &(*p)->next)
                if (*p == all) {
                        *p = all->next;
                        break;
                }
        free(all->ids);
        free(all);
}

/* As it is by now. False: the node takes no more. */
static bool push_one(PushAll *all, const char *id) {
        Api *a = all->a;
        ProjectRow row = { 0 };
        int r = 0;

        if (store_project_get(a->config.context->store, id, &row) != STORE_OK)
                return true;
        if (strcmp(row.server_id, all->server_id) == 0)
                r = push(a, NULL, all, &row, &(PushOptions){ 0 }, NULL);
        project_row_done(&row);
        if (r < 0) /* what cannot be read now cannot be read in ten seconds either */
                (void) fprintf(stderr, "<3>Project %s could not be sent to its server: %s\n", id, strerror(-r));
        return r <= 0;
}

static void push_more(PushAll *all) {
        while (all->at < all->n && all->under_way < AT_ONCE)
                if (!push_one(all, all->ids[all->at++])) {
                        nodes_push_again(all->a->nodes, all->server_id);
                        all->at = all->n;
                }
        if (all->under_way == 0)
                push_all_free(all);
}

static void pushed_one(PushAll *all, bool reached) {
        all->under_way--;
        if (!reached) /* all of them again, when it answers */
                all->at = all->n;
        push_more(all);
}

static int list_ids(const Api *a, const char *server_id, char (**ret_ids)[13], size_t *ret_n) {
        ProjectRow *rows = NULL;
        size_t n = 0;
        int r = store_project_list_on(a->config.context->store, server_id, &rows, &n);
        char(*ids)[13] = r == STORE_OK ? calloc(n + 1, sizeof *ids) : NULL;

        for (size_t i = 0; i < n; i++) {
                if (ids)
                        (void) snprintf(ids[i], sizeof ids[i], "%s", rows[i].id);
                project_row_done(&rows[i]);
        }
        free(rows);
        *ret_ids = ids;
        *ret_n = n;
        return ids ? 0 : -ENOMEM;
}

void push_all(Api *a, const char *server_id) {
        PushAll *all = push_all_of(a, server_id);
        char(*ids)[13] = NULL;
        size_t n = 0;

        if (list_ids(a, server_id, &ids, &n) == 0 && !all && (all = calloc(1, sizeof *all))) {
                all->a = a;
                (void) snprintf(all->server_id, sizeof all->server_id, "%s", server_id);
                all->next = a->pushes;
                a->pushes = all;
        }
        if (!ids || !all) {
                free(ids);
                nodes_push_again(a->nodes, server_id);
                return;
        }
        free(all->ids); /* those of before that are under way come to their end beside the new ones */
        all->ids = ids;
        all->n = n;
        all->at = 0;
        push_more(all);
}
