/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "api/usage.h"

#include "api/elsewhere.h"
#include "api/statistics.h"

#include "base/cleanup.h"
#include "deployment/describe.h"
#include "deployment/keeper.h"
#include "security/validate.h"

#include <string.h>

typedef struct {
        const Api *a;
        json_t *list;
} Gathering;

static void gather(void *owner, const char *project_id, const char *slot, LifeKind kind) {
        const Gathering *g = owner;
        json_t *o = *slot && (kind == LIFE_AWAKE || kind == LIFE_DOZING) ? describe_project_now(g->a->config.statistics, project_id) : NULL;

        if (!json_is_object(o)) {
                json_decref(o);
                return;
        }
        (void) json_object_del(o, "cpu_seconds");
        (void) json_object_set_new(o, "id", json_string(project_id));
        (void) json_array_append_new(g->list, o);
}

json_t *describe_own_usage(const Api *a) {
        Gathering g = { a, json_array() };

        if (g.list && a->config.context->keeper)
                keeper_each(a->config.context->keeper, gather, &g);
        return g.list;
}

/* A worker may say anything: numbers of projects that are its own are passed on, and nothing else. */
static void add_said(const Api *a, const ServerRow *server, json_t *projects) {
        const char *text = nodes_usage(a->nodes, server->id);
        json_t *list = text ? json_loads(text, 0, NULL) : NULL;

        for (size_t i = 0; i < json_array_size(list); i++) {
                const json_t *said = json_array_get(list, i);
                json_t *memory = json_object_get(said, "memory_bytes"), *cpu = json_object_get(said, "cpu_percent");
                const char *id = json_string_value(json_object_get(said, "id"));
                ProjectRow row = { 0 };

                if (valid_id(id) && store_project_get(a->config.context->store, id, &row) == STORE_OK &&
                    strcmp(row.server_id, server->id) == 0)
                        (void) json_array_append_new(projects, json_pack("{s:s, s:O, s:O}", "id", id, "memory_bytes",
                                                                         json_is_number(memory) ? memory : json_null(), "cpu_percent",
                                                                         json_is_number(cpu) ? cpu : json_null()));
                project_row_done(&row);
        }
        json_decref(list);
}

static json_t *describe_server_usage(const Api *a, const ServerRow *row) {
        json_t *said, *o, *seen_at = json_null();

        if (strcmp(row->id, a->config.context->server_id) == 0)
                o = describe_node_now(a->config.statistics);
        else {
                said = json_object();
                if (said && a->nodes && nodes_is_online(a->nodes, row->id))
                        nodes_describe(a->nodes, row->id, said);
                seen_at = describe_time(json_integer_value(json_object_get(said, "seen_at_ms")));
                o = json_incref(json_object_get(said, "statistics"));
                json_decref(said);
        }
        if (json_is_object(o)) {
                said = json_copy(o); /* what the node said stays as it is */
                json_decref(o);
                o = said;
                (void) json_object_set_new(o, "id", json_string(row->id));
                (void) json_object_set_new(o, "seen_at", seen_at);
                return o;
        }
        json_decref(seen_at);
        json_decref(o);
        return NULL;
}

json_t *describe_usage(const Api *a) {
        json_t *servers = json_array(), *projects = describe_own_usage(a), *one;
        ServerRow *rows = NULL;
        size_t n = 0;

        (void) store_server_list(a->config.context->store, &rows, &n);
        for (size_t i = 0; i < n; i++) {
                one = describe_server_usage(a, &rows[i]);
                if (one)
                        (void) json_array_append_new(servers, one);
                if (a->nodes && projects && nodes_is_online(a->nodes, rows[i].id))
                        add_said(a, &rows[i], projects);
                server_row_done(&rows[i]);
        }
        free(rows);
        return json_pack("{s:o, s:o}", "servers", servers, "projects", projects);
}
