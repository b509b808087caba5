/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "api/reply.h"

#include "api/statistics.h"
#include "deployment/describe.h"

#include <string.h>

void api_health(Api *a, HttpRequest *rq, const char *argument) {
        (void) argument;
        reply_json(rq, 200, json_pack("{s:s, s:s, s:s}", "status", "ok", "version", NANOSCALE_VERSION, "role", a->config.role));
}

void api_server_list(Api *a, HttpRequest *rq, const char *argument) {
        ServerRow *rows = NULL;
        size_t n = 0;
        json_t *list;
        int r;

        (void) argument;
        r = store_server_list(a->config.context->store, &rows, &n);
        if (r < 0) {
                reply_failure(a, rq, r, "The servers could not be listed");
                return;
        }
        list = json_array();
        for (size_t i = 0; i < n; i++) {
                bool own = strcmp(rows[i].id, a->config.context->server_id) == 0;
                json_t *server = describe_server(&rows[i]);

                (void) json_object_set_new(server, "statistics", describe_node_now(own ? a->config.statistics : NULL));
                (void) json_array_append_new(list, server);
                server_row_done(&rows[i]);
        }
        free(rows);
        reply_json(rq, 200, json_pack("{s:o}", "servers", list));
}
