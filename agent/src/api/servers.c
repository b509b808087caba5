/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "api/actor.h"
#include "api/domains.h"
#include "api/elsewhere.h"
#include "api/reply.h"

#include "api/statistics.h"
#include "base/cleanup.h"
#include "deployment/describe.h"
#include "security/validate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WARN_DAYS = 30 };
#define WARN_FREE_BYTES (1024.0 * 1024 * 1024)

void api_health(Api *a, HttpRequest *rq, const char *argument) {
        bool is_stranger = api_actor(rq)->kind == ACTOR_NOBODY; /* what it runs tells what it can be attacked with */

        (void) argument;
        reply_json(rq, 200,
                   is_stranger ? json_pack("{s:s}", "status", "ok")
                               : json_pack("{s:s, s:s, s:s}", "status", "ok", "version", NANOSCALE_VERSION, "role", a->config.role));
}

void describe_own(const Api *a, json_t *o) {
        (void) json_object_set_new(o, "version", json_string(NANOSCALE_VERSION));
        (void) json_object_set_new(o, "certificate_not_after", describe_time(a->config.not_after_ms));
        (void) json_object_set_new(o, "statistics", describe_node_now(a->config.statistics));
}

static void describe_worker(const Api *a, const char *server_id, json_t *o) {
        json_int_t seen_ms;

        nodes_describe(a->nodes, server_id, o);
        seen_ms = json_integer_value(json_object_get(o, "seen_at_ms"));
        if (seen_ms)
                (void) json_object_set_new(o, "seen_at", describe_time(seen_ms));
        (void) json_object_del(o, "seen_at_ms");
}

static void warn(json_t *list, const char *type, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void warn(json_t *list, const char *type, const char *format, ...) {
        char text[512];
        va_list args;

        va_start(args, format);
        (void) vsnprintf(text, sizeof text, format, args);
        va_end(args);
        (void) json_array_append_new(list, json_pack("{s:s, s:s}", "type", type, "sentence", text));
}

static void warn_of_domains(const Api *a, const char *server_id, json_t *list) {
        auto_free char *name = NULL;
        char end[32] = "";
        size_t n = domains_ending(a, server_id, &name, end);

        if (n == 1)
                warn(list, "domain-certificate-expires", "The certificate of %.200s ends on %.10s. `nanoscale domains show` says why.",
                     name, end);
        else if (n > 1)
                warn(list, "domain-certificate-expires",
                     "The certificates of %zu domains end soon, the first, of %.200s, on %.10s. `nanoscale domains list` says why.", n,
                     name, end);
}

/* What somebody should see to before it becomes a failure. */
static void describe_warnings(const Api *a, const char *server_id, json_t *o) {
        const json_t *now = json_object_get(o, "statistics");
        double total = json_number_value(json_object_get(now, "disk_total_bytes")),
               free_bytes = json_number_value(json_object_get(now, "disk_free_bytes"));
        const char *version = json_string_value(json_object_get(o, "version")),
                   *until = json_string_value(json_object_get(o, "certificate_not_after"));
        json_t *list = json_array();
        char soon[32];
        time_t at = time(NULL) + WARN_DAYS * 24 * 3600;
        struct tm tm;

        if (total > 0 && (free_bytes < total / 10 || free_bytes < WARN_FREE_BYTES))
                warn(list, "disk-nearly-full", "Its disk is nearly full: %.1f GiB of %.0f GiB are free.", free_bytes / (1 << 30),
                     total / (1 << 30));
        if (version && *version && strcmp(version, NANOSCALE_VERSION) != 0)
                warn(list, "version-differs",
                     "It runs NanoScale %.30s, this server %s. Run scripts/install.sh of the same version on both.", version,
                     NANOSCALE_VERSION);
        /* Both are UTC in one form, so their order is that of the texts. */
        if (until && gmtime_r(&at, &tm) && strftime(soon, sizeof soon, "%Y-%m-%dT%H:%M:%S", &tm) > 0 && strcmp(until, soon) < 0)
                warn(list, "certificate-expires",
                     "The certificate of its gateway ends on %.10s. Run scripts/install.sh there: it makes a new one of the same key.",
                     until);
        warn_of_domains(a, server_id, list);
        (void) json_object_set_new(o, "warnings", list);
}

json_t *describe_node(const Api *a, const ServerRow *row) {
        json_t *o = describe_server(row);
        int64_t n = 0;

        if (!o)
                return NULL;
        if (strcmp(row->id, a->config.context->server_id) == 0)
                describe_own(a, o);
        else if (a->nodes)
                describe_worker(a, row->id, o);
        describe_warnings(a, row->id, o);
        if (store_project_count_on(a->config.context->store, row->id, &n) == STORE_OK)
                (void) json_object_set_new(o, "projects", json_integer((json_int_t) n));
        return o;
}

void api_server_list(Api *a, HttpRequest *rq, const char *argument) {
        Store *store = a->config.context->store;
        ServerRow *rows = NULL;
        size_t n = 0;
        json_t *list, *next = json_null();
        long limit;
        int r;

        (void) argument;
        if (!take_number(rq, "limit", 1, 500, 0, &limit))
                return;
        if (limit) /* and one more, to see whether there is a next page */
                r = store_server_page(store, http_request_query(rq, "after"), (size_t) limit + 1, &rows, &n);
        else
                r = store_server_list(store, &rows, &n);
        if (r < 0) {
                reply_failure(a, rq, r, "The servers could not be listed");
                return;
        }
        list = json_array();
        for (size_t i = 0; i < n; i++) {
                if (!limit || i < (size_t) limit)
                        (void) json_array_append_new(list, describe_node(a, &rows[i]));
                else
                        next = json_string(rows[i - 1].name);
                if (i > 0)
                        server_row_done(&rows[i - 1]);
        }
        if (n > 0)
                server_row_done(&rows[n - 1]);
        free(rows);
        reply_json(rq, 200, json_pack("{s:o, s:o}", "servers", list, "next", next));
}

bool take_server(const Api *a, HttpRequest *rq, const char *argument, ServerRow *ret) {
        Store *store = a->config.context->store;
        int r = STORE_E_ABSENT;

        if (valid_server_name(argument))
                r = store_server_get_by_name(store, argument, ret);
        if (r == STORE_E_ABSENT && valid_id(argument))
                r = store_server_get(store, argument, ret);
        if (r < 0)
                reply_failure(a, rq, r, "The server could not be read");
        else if (r != STORE_OK)
                reply_problem(rq, 404, "server-absent", "There is no such server", "server",
                              "There is no server of that name or id. nanoscale servers list shows those that are.");
        return r == STORE_OK;
}

void api_server_show(Api *a, HttpRequest *rq, const char *argument) {
        ServerRow row = { 0 };

        if (!take_server(a, rq, argument, &row))
                return;
        reply_json(rq, 200, describe_node(a, &row));
        server_row_done(&row);
}
