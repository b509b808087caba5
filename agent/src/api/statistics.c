/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "api/statistics.h"

#include "api/elsewhere.h"
#include "api/reply.h"
#include "base/cleanup.h"
#include "deployment/describe.h"

#include <stdio.h>
#include <string.h>

/* What a series is called in JSON, and how a sample becomes its number. */
typedef struct {
        const char *name;
        unsigned series;
        uint64_t factor;
        double divisor; /* 0: an integer */
} Column;

/* Percent of one processor; of a node, divided by their number as well. */
static const Column node_columns[] = {
        { "cpu_percent", NODE_CPU, 1, 10 },
        { "memory_bytes", NODE_MEMORY, 1024, 0 },
        { "swap_bytes", NODE_SWAP, 1024, 0 },
        { "disk_bytes", NODE_DISK, 1024, 0 },
        { "network_received_per_second", NODE_RECEIVED, 1, 0 },
        { "network_sent_per_second", NODE_SENT, 1, 0 },
        { "load", NODE_LOAD, 1, 100 },
};
static const Column project_columns[] = {
        { "cpu_percent", PROJECT_CPU, 1, 10 },
        { "memory_bytes", PROJECT_MEMORY, 1024, 0 },
};

static json_t *describe_value(const Column *c, uint64_t value, unsigned processors) {
        double scaled;

        if (value >= SAMPLE_UNKNOWN)
                return json_null();
        if (c->divisor == 0)
                return json_integer((json_int_t) (value * c->factor));
        scaled = (double) value / c->divisor / processors;
        /* Two decimals, and no more digits than a reader can use. */
        return json_real((double) (uint64_t) (scaled * 100 + 0.5) / 100);
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

static void reply_series(const Api *a, HttpRequest *rq, const char *project, Range range, const Column *columns, size_t n_columns) {
        const struct RangeForm *form = &range_forms[range];
        Statistics *s = a->config.statistics;
        int64_t last = statistics_last_period(range, clock_now_ms()), first = last - form->samples + 1;
        uint64_t samples[SAMPLES_MOST];
        StatisticsNode node = { .reading.processors = 1 };
        json_t *series = json_object();

        if (!project)
                (void) statistics_node(s, &node);
        for (size_t i = 0; i < n_columns; i++) {
                json_t *list = json_array();

                statistics_read(s, project, range, columns[i].series, last, form->samples, samples);
                for (size_t k = 0; k < form->samples; k++)
                        (void) json_array_append_new(list, describe_value(&columns[i], samples[k], node.reading.processors));
                (void) json_object_set_new(series, columns[i].name, list);
        }
        reply_json(rq, 200,
                   json_pack("{s:s, s:o, s:i, s:i, s:o}", "range", form->word, "start", describe_time(first * form->step_seconds * 1000),
                             "step_seconds", (int) form->step_seconds, "count", (int) form->samples, "series", series));
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
