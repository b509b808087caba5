/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What other servers said of their projects last. */
#include "api/domains.h"
#include "api/elsewhere.h"
#include "api/events.h"
#include "api/move.h"
#include "api/reply.h"

#include "base/cleanup.h"
#include "cluster/answer.h"
#include "deployment/describe.h"
#include "deployment/project_draft.h"

#include <stdio.h>
#include <string.h>

void mirror_own(const ProjectRow *row, json_t *deployment) {
        (void) json_object_set_new(deployment, "project", json_string(row->name));
        (void) json_object_set_new(deployment, "project_id", json_string(row->id));
}

static bool is_one_of(const json_t *value, const char *const *words) {
        const char *text = json_string_value(value);

        while (text && *words && strcmp(*words, text) != 0)
                words++;
        return text && *words;
}

static json_t *of_type(const json_t *o, const char *key, json_type type) {
        json_t *value = json_object_get(o, key);

        return value && json_typeof(value) == type ? json_incref(value) : json_null();
}

static json_t *mirror_failure(const json_t *said) {
        if (!json_is_string(json_object_get(said, "sentence")))
                return json_null();
        return json_pack("{s:o, s:o, s:o, s:[]}", "step", of_type(said, "step", JSON_STRING), "sentence",
                         of_type(said, "sentence", JSON_STRING), "exit_code", of_type(said, "exit_code", JSON_INTEGER), "last_lines");
}

json_t *mirror_deployment(const json_t *said) {
        static const char *const kinds[] = { "deploy", "rollback", "restart", NULL };
        static const char *const states[] = { "queued", "fetch", "install", "build",    "release",    "start",
                                              "check",  "live",  "failed",  "canceled", "superseded", NULL };
        static const char *const texts[] = { "id",     "kind",    "state",      "source",     "branch",     "commit",
                                             "author", "subject", "created_at", "started_at", "finished_at" };
        static const char *const numbers[] = { "number", "release", "duration_ms" };
        json_t *o;

        if (!is_one_of(json_object_get(said, "kind"), kinds) || !is_one_of(json_object_get(said, "state"), states))
                return NULL;
        o = json_object();
        for (size_t i = 0; i < ELEMENTS(texts); i++)
                (void) json_object_set_new(o, texts[i], of_type(said, texts[i], JSON_STRING));
        for (size_t i = 0; i < ELEMENTS(numbers); i++)
                (void) json_object_set_new(o, numbers[i], of_type(said, numbers[i], JSON_INTEGER));
        (void) json_object_set_new(o, "failure", mirror_failure(json_object_get(said, "failure")));
        (void) json_object_set_new(o, "receipt", json_null());
        (void) json_object_set_new(o, "url", json_null());
        return o;
}

json_t *describe_elsewhere(const Api *a, const ProjectRow *row) {
        const DeployContext *c = a->config.context;
        json_t *o = row->mirror ? json_loads(row->mirror, 0, NULL) : NULL;
        ServerRow server = { 0 };
        bool online = nodes_is_online(a->nodes, row->server_id);

        if (!json_is_object(o)) { /* its node has said nothing yet: what a new project is */
                json_decref(o);
                o = describe_project(c, row);
        }
        if (!o || project_draft_describe(row, o) < 0) {
                json_decref(o);
                return NULL;
        }
        (void) json_object_set_new(o, "id", json_string(row->id));
        if (json_is_object(json_object_get(o, "latest_deployment")))
                mirror_own(row, json_object_get(o, "latest_deployment"));
        if (store_server_get(c->store, row->server_id, &server) == STORE_OK)
                (void) json_object_set_new(o, "server", json_string(server.name));
        server_row_done(&server);
        domains_overlay(a, row, o);
        mover_describe(a, row->id, o);
        /* Nobody knows how it is now; most probably it serves as before. */
        if (!online)
                (void) json_object_set_new(o, "status", json_string("unreachable"));
        return o;
}

bool is_elsewhere(const Api *a, const ProjectRow *row) {
        return a->nodes && strcmp(row->server_id, a->config.context->server_id) != 0;
}

json_t *describe_any(const Api *a, const ProjectRow *row) {
        json_t *o;

        if (is_elsewhere(a, row))
                return describe_elsewhere(a, row);
        o = describe_project(a->config.context, row);
        if (o)
                mover_describe(a, row->id, o);
        return o;
}

/* A description with the last lines of a crash is some KiB long; more is none. */
enum { MIRROR_MAX = 128 * 1024 };

/* A deployment is described in some hundred bytes. */
enum { TOLD_MAX = 16 * 1024 };

/* Only of deployments that were begun here: a server makes up none. */
static void note(Api *a, const char *project_id, const char *id, const json_t *deployment) {
        json_t *told = mirror_deployment(deployment);
        auto_free char *text = told ? json_dumps(told, JSON_COMPACT) : NULL;

        if (text && strlen(text) <= TOLD_MAX)
                (void) store_place_set_told(a->config.context->store, id, project_id, text);
        json_decref(told);
}

typedef struct {
        Api *a;
        NodeCall *call;
        char project[13];
} History;

enum { ASKING_MOST = 16 };

static void history_told(void *owner, const FetchResult *result) {
        History *h = owner;
        json_t *body = !result->error && result->status == 200 ? answer_parse(result->body, result->length) : NULL, *d;
        size_t i;

        json_array_foreach(json_object_get(body, "deployments"), i, d) {
                const char *id = json_string_value(json_object_get(d, "id"));

                if (id)
                        note(h->a, h->project, id, d);
        }
        json_decref(body);
        events_latest(h->a->events, h->project);
        h->a->asking--;
        node_call_drop(h->call);
        free(h);
}

/* There is another latest one: those before it have ended, and whole ones may have come and gone between two looks. */
static void ask_history(Api *a, const ProjectRow *row) {
        History *h = a->asking < ASKING_MOST ? calloc(1, sizeof *h) : NULL;
        char target[96];

        if (!h)
                return;
        h->a = a;
        (void) snprintf(h->project, sizeof h->project, "%s", row->id);
        (void) snprintf(target, sizeof target, "/internal/projects/%s/deployments?limit=20", row->id);
        if (node_call(a->nodes, row->server_id, &(NodeRequest){ .method = "GET", .target = target, .repeatable = true }, history_told, h,
                      &h->call) == 0)
                a->asking++;
        else
                free(h);
}

static void note_latest(Api *a, const ProjectRow *row, const json_t *before, const json_t *latest) {
        const char *id = json_string_value(json_object_get(latest, "id")), *id_before = json_string_value(json_object_get(before, "id"));

        if (id)
                note(a, row->id, id, latest);
        if (id && id_before && strcmp(id, id_before) == 0)
                return;
        /* Under way when it was told of last: until its end is known, nothing is. */
        if (id_before && json_is_null(json_object_get(before, "finished_at")))
                (void) store_place_set_told(a->config.context->store, id_before, row->id, NULL);
        if (id)
                ask_history(a, row);
}

static void take_one(Api *a, const ProjectRow *row, const json_t *description) {
        auto_free char *text = json_dumps(description, JSON_COMPACT);
        json_t *said, *before, *latest = json_object_get(description, "latest_deployment");

        if (!text || strlen(text) > MIRROR_MAX || (row->mirror && strcmp(text, row->mirror) == 0) ||
            store_project_set_mirror(a->config.context->store, row->id, text) != STORE_OK)
                return;
        said = row->mirror ? json_loads(row->mirror, 0, NULL) : NULL;
        before = json_object_get(said, "latest_deployment");
        if (!json_equal(before, latest)) {
                note_latest(a, row, before, latest);
                events_latest(a->events, row->id);
        }
        json_decref(said);
}

static json_t *by_id(const json_t *list) {
        json_t *o = json_object();

        for (size_t i = 0; o && i < json_array_size(list); i++) {
                json_t *description = json_array_get(list, i);
                const char *id = json_string_value(json_object_get(description, "id"));
                if (id)
                        (void) json_object_set(o, id, description);
        }
        return o;
}

/* A node may speak of its own projects only: ours are looked up in what it says, not the reverse, however much that is. In one transaction:
 * each would wait for the disk, and nobody is answered meanwhile. */
void mirror_take(Api *a, const char *server_id, const json_t *list) {
        Store *store = a->config.context->store;
        ProjectRow *rows = NULL;
        size_t n = 0;
        json_t *said, *description;
        bool begun;

        if (strcmp(server_id, a->config.context->server_id) == 0 || store_project_list_on(store, server_id, &rows, &n) != STORE_OK)
                return;
        said = by_id(list);
        begun = store_begin(store) == 0; /* else all stays as it was until the next change */
        for (size_t i = 0; i < n; i++) {
                if (begun && (description = json_object_get(said, rows[i].id)))
                        take_one(a, &rows[i], description);
                project_row_done(&rows[i]);
        }
        if (begun)
                (void) store_commit(store);
        free(rows);
        json_decref(said);
}

void mirror_take_one(Api *a, const char *project_id, unsigned status, const json_t *description) {
        ProjectRow row = { 0 };
        const char *id = json_string_value(json_object_get(description, "id"));

        if (status / 100 != 2 || !id || strcmp(id, project_id) != 0 ||
            store_project_get(a->config.context->store, project_id, &row) != STORE_OK)
                return;
        if (is_elsewhere(a, &row))
                take_one(a, &row, description);
        project_row_done(&row);
}
