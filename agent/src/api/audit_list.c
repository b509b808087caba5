/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* GET /api/audit, as JSON and as CSV. */
#include "api/audit.h"

#include "api/reply.h"

#include "base/cleanup.h"
#include "deployment/describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PAGE = 500, CSV_MOST = 5000 };

static json_t *describe_entry(const AuditRow *row) {
        return json_pack("{s:I, s:o, s:{s:s, s:s}, s:s, s:s?, s:s?, s:I, s:s?, s:s?, s:I}", "id", (json_int_t) row->id, "at",
                         describe_time(row->at_ms), "actor", "kind", row->actor_kind, "name", row->actor_name, "action", row->action,
                         "project", row->project, "target", row->target, "status", (json_int_t) row->status, "detail", row->detail,
                         "address", row->address, "count", (json_int_t) row->count);
}

static void reply_page(const Api *a, HttpRequest *rq, const AuditFilter *filter, size_t limit) {
        AuditRow *rows = NULL;
        json_t *list, *next = json_null();
        size_t n = 0;
        int r = store_audit_list(a->config.context->store, filter, limit + 1, &rows, &n);

        if (r < 0) {
                reply_failure(a, rq, r, "The audit log could not be read");
                return;
        }
        list = json_array();
        for (size_t i = 0; i < n; i++) {
                if (i < limit)
                        (void) json_array_append_new(list, describe_entry(&rows[i]));
                if (i + 1 == limit && n > limit)
                        next = json_integer((json_int_t) rows[i].id);
                audit_row_done(&rows[i]);
        }
        free(rows);
        reply_json(rq, 200, json_pack("{s:o, s:o}", "entries", list, "next", next));
}

/* --- csv --- */

void audit_csv_cell(Text *t, const char *cell) {
        bool is_formula, quoted;

        if (!cell)
                return;
        is_formula = *cell && strchr("=+-@\t\r\n", *cell);
        quoted = is_formula || strpbrk(cell, ",\"\r\n");
        if (quoted)
                text_puts(t, "\"");
        if (is_formula)
                text_puts(t, "'");
        for (; *cell; cell++) {
                if (*cell == '"')
                        text_puts(t, "\"");
                text_put(t, cell, 1);
        }
        if (quoted)
                text_puts(t, "\"");
}

static void put_row(Text *t, const AuditRow *row) {
        json_t *at = describe_time(row->at_ms);
        const char *const cells[] = { json_string_value(at), row->actor_kind, row->actor_name, row->action, row->project, row->target };

        text_printf(t, "%" PRId64, row->id);
        for (size_t i = 0; i < ELEMENTS(cells); i++) {
                text_puts(t, ",");
                audit_csv_cell(t, cells[i]);
        }
        text_printf(t, ",%" PRId64 ",", row->status);
        audit_csv_cell(t, row->detail);
        text_puts(t, ",");
        audit_csv_cell(t, row->address);
        text_printf(t, ",%" PRId64 "\r\n", row->count);
        json_decref(at);
}

/* By pages, so that rows and text are not both in memory as a whole. */
static int put_rows(const Api *a, AuditFilter filter, size_t limit, Text *t) {
        while (limit > 0) {
                AuditRow *rows = NULL;
                size_t n = 0, wanted = limit < PAGE ? limit : PAGE;
                int r = store_audit_list(a->config.context->store, &filter, wanted, &rows, &n);

                if (r < 0)
                        return r;
                for (size_t i = 0; i < n; i++) {
                        put_row(t, &rows[i]);
                        filter.before = rows[i].id;
                        audit_row_done(&rows[i]);
                }
                free(rows);
                if (n < wanted)
                        break;
                limit -= n;
        }
        return t->error;
}

static void reply_csv(const Api *a, HttpRequest *rq, const AuditFilter *filter, size_t limit) {
        static const char *const headers[] = { "Content-Disposition: attachment; filename=\"audit.csv\"", "X-Content-Type-Options: nosniff",
                                               NULL };
        auto_call(text_cleanup) Text t = { 0 };
        int r;

        text_puts(&t, "id,at,actor_kind,actor,action,project,target,status,detail,address,count\r\n");
        r = put_rows(a, *filter, limit, &t);
        if (r < 0)
                reply_failure(a, rq, r, "The audit log could not be read");
        else
                http_reply(rq, 200, "text/csv; charset=utf-8", t.data, t.length, headers);
}

/* An empty one is none: what a form sends that is not filled in. */
static const char *take_filter(HttpRequest *rq, const char *name) {
        const char *value = http_request_query(rq, name);

        return value && *value ? value : NULL;
}

void api_audit(Api *a, HttpRequest *rq, const char *argument) {
        const char *format = http_request_query(rq, "format");
        bool is_csv = format && strcmp(format, "csv") == 0;
        AuditFilter filter = { .actor = take_filter(rq, "actor"),
                               .action = take_filter(rq, "action"),
                               .project = take_filter(rq, "project") };
        long before, limit;

        (void) argument;
        if (format && !is_csv && strcmp(format, "json") != 0) {
                reply_problem(rq, 400, "malformed-query", "A query parameter is not usable", "format", "format must be json or csv.");
                return;
        }
        if (!take_number(rq, "before", 1, 1000000000000000, 0, &before) ||
            !take_number(rq, "limit", 1, is_csv ? CSV_MOST : PAGE, is_csv ? CSV_MOST : 50, &limit))
                return;
        filter.before = before;
        if (is_csv)
                reply_csv(a, rq, &filter, (size_t) limit);
        else
                reply_page(a, rq, &filter, (size_t) limit);
}
