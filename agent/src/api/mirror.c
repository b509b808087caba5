/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What other servers said of their projects last. */
#include "api/domains.h"
#include "api/elsewhere.h"
#include "api/events.h"
#include "api/move.h"
#include "api/reply.h"

#include "base/cleanup.h"
#include "deployment/describe.h"
#include "deployment/project_draft.h"

#include <stdio.h>
#include <string.h>

void mirror_own(const ProjectRow *row, json_t *deployment) {
        (void) json_object_set_new(deployment, "project", json_string(row->name));
        (void) json_object_set_new(deployment, "project_id", json_string(row->id));
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

/* Only of deployments that were begun here: a server makes up none. One that was under way when it was told of last, and is not the latest
 * any more, came to an end that was missed. */
static void note_latest(Api *a, const ProjectRow *row, const json_t *before, const json_t *latest) {
        Store *store = a->config.context->store;
        auto_free char *text = json_is_object(latest) ? json_dumps(latest, JSON_COMPACT) : NULL;
        const char *id = json_string_value(json_object_get(latest, "id")), *id_before = json_string_value(json_object_get(before, "id"));

        if (id_before && (!id || strcmp(id, id_before) != 0) && json_is_null(json_object_get(before, "finished_at")))
                (void) store_place_set_told(store, id_before, row->id, NULL);
        if (id && text && strlen(text) <= TOLD_MAX)
                (void) store_place_set_told(store, id, row->id, text);
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
