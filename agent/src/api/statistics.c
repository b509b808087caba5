/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "api/statistics.h"

#include "api/elsewhere.h"
#include "api/reply.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "deployment/describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What a series is called in JSON, and how a sample becomes its number. */
typedef struct {
        const char *name;
        unsigned series;
        uint64_t factor;
        bool in_hundredths; /* the result is a number of hundredths, not an integer */
        bool is_shared;     /* among the processors of a node */
} Column;

static const Column node_columns[] = {
        { "cpu_percent", NODE_CPU, 10, true, true },
        { "memory_bytes", NODE_MEMORY, 1024 },
        { "swap_bytes", NODE_SWAP, 1024 },
        { "disk_bytes", NODE_DISK, 1024 },
        { "network_received_per_second", NODE_RECEIVED, 1 },
        { "network_sent_per_second", NODE_SENT, 1 },
        { "load", NODE_LOAD, 1, true },
};
/* Percent of one processor. */
static const Column project_columns[] = {
        { "cpu_percent", PROJECT_CPU, 10, true },
        { "memory_bytes", PROJECT_MEMORY, 1024 },
};

static uint64_t number_of(const Column *c, uint64_t sample, unsigned processors) {
        uint64_t number = sample * c->factor;

        return c->is_shared ? (number + processors / 2) / processors : number;
}

static json_t *describe_value(const Column *c, uint64_t sample, unsigned processors) {
        uint64_t number = number_of(c, sample, processors);

        if (sample >= SAMPLE_UNKNOWN)
                return json_null();
        return c->in_hundredths ? json_real((double) number / 100) : json_integer((json_int_t) number);
}

static json_t *describe_now(const Column *columns, size_t n, const uint64_t *values, unsigned processors) {
        json_t *o = json_object();

        for (size_t i = 0; i < n; i++)
                (void) json_object_set_new(o, columns[i].name, describe_value(&columns[i], values[columns[i].series], processors));
        return o;
}

json_t *describe_node_now(const Statistics *s) {
        StatisticsNode node;
        json_t *o;

        if (!statistics_node(s, &node))
                return json_null();
        o = describe_now(node_columns, ELEMENTS(node_columns), node.values, node.reading.processors);
        (void) json_object_set_new(o, "at", describe_time(node.at_ms));
        (void) json_object_set_new(o, "processors", json_integer((json_int_t) node.reading.processors));
        (void) json_object_set_new(o, "memory_total_bytes", json_integer((json_int_t) node.reading.memory.total));
        (void) json_object_set_new(o, "swap_total_bytes", json_integer((json_int_t) node.reading.memory.swap_total));
        (void) json_object_set_new(o, "disk_total_bytes", json_integer((json_int_t) node.reading.disk_total));
        (void) json_object_set_new(o, "disk_free_bytes", json_integer((json_int_t) node.reading.disk_free));
        (void) json_object_set_new(
                        o, "load_averages",
                        json_pack("[f, f, f]", node.reading.load[0] / 100.0, node.reading.load[1] / 100.0, node.reading.load[2] / 100.0));
        (void) json_object_set_new(o, "uptime_seconds", json_integer((json_int_t) node.reading.uptime_seconds));
        return o;
}

json_t *describe_project_now(const Statistics *s, const char *project_id) {
        StatisticsProjectNow now;
        json_t *o;

        if (!statistics_project(s, project_id, &now))
                return json_null();
        o = describe_now(project_columns, ELEMENTS(project_columns), now.values, 1);
        (void) json_object_set_new(o, "cpu_seconds", json_real((double) (now.cpu_us / 1000) / 1000));
        return o;
}

/* --- series --- */

static bool take_range(HttpRequest *rq, Range *ret) {
        const char *word = http_request_query(rq, "range");

        *ret = RANGE_HOUR;
        if (!word)
                return true;
        for (unsigned i = 0; i < RANGES; i++)
                if (strcmp(word, range_forms[i].word) == 0) {
                        *ret = (Range) i;
                        return true;
                }
        reply_problem(rq, 400, "malformed-query", "A query parameter is not usable", "range", "range must be hour, day or month.");
        return false;
}

static void put_value(Text *t, const Column *c, uint64_t sample, unsigned processors) {
        uint64_t number = number_of(c, sample, processors);
        char digits[48];
        int n;

        if (sample >= SAMPLE_UNKNOWN) {
                text_puts(t, "null");
                return;
        }
        n = c->in_hundredths ? snprintf(digits, sizeof(digits), "%" PRIu64 ".%02" PRIu64, number / 100, number % 100)
                             : snprintf(digits, sizeof(digits), "%" PRIu64, number);
        text_put(t, digits, (size_t) n);
}

/* Written by hand: twenty thousand numbers as objects of jansson would be more than the rest of the agent. */
static void reply_series(const Api *a, HttpRequest *rq, const char *project, Range range, const Column *columns, size_t n_columns) {
        const struct RangeForm *form = &range_forms[range];
        Statistics *s = a->config.statistics;
        int64_t last = statistics_last_period(range, clock_now_ms()), first = last - form->samples + 1;
        auto_call(text_cleanup) Text t = { 0 };
        uint64_t samples[SAMPLES_MOST];
        StatisticsNode node = { .reading.processors = 1 };
        json_t *start = describe_time(first * form->step_seconds * 1000);

        if (!project)
                (void) statistics_node(s, &node);
        text_printf(&t, "{\"range\":\"%s\",\"start\":\"%s\",\"step_seconds\":%u,\"count\":%u,\"series\":{", form->word,
                    json_string_value(start), form->step_seconds, form->samples);
        json_decref(start);
        for (size_t i = 0; i < n_columns; i++) {
                text_printf(&t, "%s\"%s\":", i == 0 ? "" : ",", columns[i].name);
                statistics_read(s, project, range, columns[i].series, last, form->samples, samples);
                for (size_t k = 0; k < form->samples; k++) {
                        text_puts(&t, k == 0 ? "[" : ",");
                        put_value(&t, &columns[i], samples[k], node.reading.processors);
                }
                text_puts(&t, "]");
        }
        text_puts(&t, "}}");
        if (t.error < 0)
                reply_failure(a, rq, t.error, "The statistics could not be written");
        else
                http_reply(rq, 200, "application/json", t.data, t.length, NULL);
}

static void reply_own(Api *a, HttpRequest *rq, Range range) {
        if (a->config.statistics)
                reply_series(a, rq, NULL, range, node_columns, ELEMENTS(node_columns));
        else
                reply_problem(rq, 404, "statistics-absent", "There are no statistics", "server",
                              "The agent could not open its files of statistics; its journal says why.");
}

void api_server_statistics(Api *a, HttpRequest *rq, const char *argument) {
        ServerRow row = { 0 };
        char target[64];
        Range range;

        if (!take_range(rq, &range) || !take_server(a, rq, argument, &row))
                return;
        if (strcmp(row.id, a->config.context->server_id) == 0)
                reply_own(a, rq, range);
        else if (!a->nodes) /* a worker that was an orchestrator before has rows of others */
                reply_problem(rq, 409, "not-the-orchestrator", "This server is a worker", NULL, "Servers are managed on the orchestrator.");
        else {
                (void) snprintf(target, sizeof target, "/internal/statistics?range=%s", range_forms[range].word);
                forward(a, rq, row.id, &(Forward){ .method = "GET", .target = target });
        }
        server_row_done(&row);
}

void api_internal_statistics(Api *a, HttpRequest *rq, const char *argument) {
        Range range;

        (void) argument;
        if (take_range(rq, &range))
                reply_own(a, rq, range);
}

void api_project_statistics(Api *a, HttpRequest *rq, const char *argument) {
        ProjectRow project = { 0 };
        Range range;

        if (!take_range(rq, &range) || !take_project(a, rq, argument, &project))
                return;
        if (!a->config.statistics)
                reply_problem(rq, 404, "statistics-absent", "There are no statistics", "project",
                              "The agent could not open its files of statistics; its journal says why.");
        else
                reply_series(a, rq, project.id, range, project_columns, ELEMENTS(project_columns));
        project_row_done(&project);
}
