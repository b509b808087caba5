/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What other servers said of their projects last. */
#include "api/domains.h"
#include "api/elsewhere.h"
#include "api/move.h"
#include "api/reply.h"

#include "base/cleanup.h"
#include "deployment/describe.h"
#include "deployment/project_draft.h"

#include <stdio.h>
#include <string.h>

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

/* A node may speak of its own projects only. */
static void take_one(Api *a, const char *server_id, const json_t *description) {
        Store *store = a->config.context->store;
        const char *id = json_string_value(json_object_get(description, "id"));
        ProjectRow row = { 0 };
        auto_free char *text = NULL;

        if (!id || store_project_get(store, id, &row) != STORE_OK)
                return;
        if (strcmp(row.server_id, server_id) == 0 && is_elsewhere(a, &row)) {
                text = json_dumps(description, JSON_COMPACT);
                if (text && (!row.mirror || strcmp(text, row.mirror) != 0))
                        (void) store_project_set_mirror(store, id, text);
        }
        project_row_done(&row);
}

void mirror_take(Api *a, const char *server_id, const json_t *list) {
        json_t *description;
        size_t i;

        json_array_foreach((json_t *) (uintptr_t) list, i, description) take_one(a, server_id, description);
}

void mirror_take_one(Api *a, const char *project_id, unsigned status, const json_t *description) {
        ProjectRow row = { 0 };
        const char *id = json_string_value(json_object_get(description, "id"));

        if (status / 100 != 2 || !id || strcmp(id, project_id) != 0 ||
            store_project_get(a->config.context->store, project_id, &row) != STORE_OK)
                return;
        take_one(a, row.server_id, description);
        project_row_done(&row);
}
