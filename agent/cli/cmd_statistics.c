/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/cleanup.h"
#include "chart.h"
#include "commands.h"
#include "human.h"
#include "out.h"
#include "project.h"
#include "server.h"

#include <inttypes.h>
#include <string.h>

enum { LABELS = 14, FIGURES = 34, COLUMNS_LEAST = 10, COLUMNS_MOST = 60 };

typedef enum {
        PERCENT,
        BYTES,
        RATE,
        PLAIN,
} Unit;

typedef struct {
        const char *label, *series;
        Unit unit;
} Row;

static const Row server_rows[] = {
        { "cpu", "cpu_percent", PERCENT },
        { "memory", "memory_bytes", BYTES },
        { "swap", "swap_bytes", BYTES },
        { "disk", "disk_bytes", BYTES },
        { "received", "network_received_per_second", RATE },
        { "sent", "network_sent_per_second", RATE },
        { "load", "load", PLAIN },
};
static const Row project_rows[] = {
        { "cpu", "cpu_percent", PERCENT },
        { "memory", "memory_bytes", BYTES },
};

static const struct {
        const char *word, *title;
} ranges[] = { { "hour", "last hour" }, { "day", "last day" }, { "month", "last 30 days" } };

typedef char Figure[64];

static void format_value(double value, Unit unit, Figure ret) {
        /* Whatever an agent says: it has to fit. */
        int64_t whole = value < 0 ? 0 : value > 1e15 ? (int64_t) 1e15 : (int64_t) value;
        int64_t hundredths = value < 0 || value > 1e15 ? whole * 100 : (int64_t) (value * 100 + 0.5);

        switch (unit) {
        case PERCENT:
                hundredths += 5;
                (void) snprintf(ret, sizeof(Figure), "%" PRId64 ".%" PRId64 " %%", hundredths / 100, hundredths % 100 / 10);
                break;
        case PLAIN:
                (void) snprintf(ret, sizeof(Figure), "%" PRId64 ".%02" PRId64, hundredths / 100, hundredths % 100);
                break;
        case BYTES:
        case RATE:
                format_bytes(whole, ret, sizeof(Figure) - sizeof("/s"));
                (void) strcat(ret, unit == RATE ? "/s" : "");
                break;
        }
}

/* A member of the newest values; "unknown" where there is none yet. */
static void format_member(const json_t *now, const char *key, Unit unit, Figure ret) {
        const json_t *value = json_object_get(now, key);

        if (json_is_number(value))
                format_value(json_number_value(value), unit, ret);
        else
                (void) snprintf(ret, sizeof(Figure), "unknown");
}

static void print_charts(const json_t *answer, const Row *rows, size_t n_rows) {
        size_t columns = out_columns();

        columns = columns < LABELS + FIGURES + COLUMNS_LEAST ? COLUMNS_LEAST : columns - LABELS - FIGURES;
        if (columns > COLUMNS_MOST)
                columns = COLUMNS_MOST;
        for (size_t i = 0; i < ELEMENTS(ranges); i++) {
                const json_t *series = json_object_get(json_object_get(answer, ranges[i].word), "series");

                say(stdout, "\n");
                out_style(stdout, STYLE_BOLD);
                say(stdout, "%s\n", ranges[i].title);
                out_style(stdout, STYLE_PLAIN);
                for (size_t k = 0; k < n_rows; k++) {
                        Figure mean, most;
                        Chart chart;

                        chart_draw(json_object_get(series, rows[k].series), columns, out_is_utf8(), &chart);
                        format_value(chart.mean, rows[k].unit, mean);
                        format_value(chart.most, rows[k].unit, most);
                        if (chart.is_empty)
                                say(stdout, "  %-10s nothing known yet\n", rows[k].label);
                        else
                                say(stdout, "  %-10s %s  mean %s, most %s\n", rows[k].label, chart.line, mean, most);
                }
        }
}

/* Adds the series of each range to all. */
static int fetch_ranges(const Cli *cli, const char *kind, const char *name, json_t *all) {
        for (size_t i = 0; i < ELEMENTS(ranges); i++) {
                auto_free char *path = cli_path("/api/%s/%s/statistics?range=%s", kind, name, ranges[i].word);
                json_t *answer = NULL;
                int r = path ? cli_call(cli, "GET", path, NULL, &answer) : cli_out_of_memory(cli);

                if (r != DONE)
                        return r;
                if (json_object_set_new(all, ranges[i].word, answer) < 0)
                        return cli_failed(cli, "protocol", "The agent's answer has no series.");
        }
        return DONE;
}

/* --- servers show --- */

static int print_server(const Cli *cli, const json_t *answer) {
        const json_t *server = json_object_get(answer, "server"), *now = json_object_get(server, "statistics"), *loads;
        char status[48], up[64];
        Figure a, b, c, d;

        (void) cli;
        server_status(server, status, sizeof status);
        say(stdout, "%s (%s): %s, %s\n", member_text(server, "name"), member_text(server, "id"), status, member_text(server, "ip_address"));
        server_print_facts(server);
        if (!server_is_online(server))
                return DONE; /* what it said last is not how it is */
        if (!json_is_object(now)) {
                say(stdout, "It was not measured yet.\n");
                return DONE;
        }
        loads = json_object_get(now, "load_averages");
        format_member(now, "cpu_percent", PERCENT, a);
        format_seconds(member_number(now, "uptime_seconds", 0) / 60 * 60, up, sizeof up);
        say(stdout, "  up         %s\n", up);
        say(stdout, "  cpu        %s of %d processors, load %.2f %.2f %.2f\n", a, (int) member_number(now, "processors", 0),
            json_number_value(json_array_get(loads, 0)), json_number_value(json_array_get(loads, 1)),
            json_number_value(json_array_get(loads, 2)));
        format_member(now, "memory_bytes", BYTES, a);
        format_member(now, "memory_total_bytes", BYTES, b);
        format_member(now, "swap_bytes", BYTES, c);
        format_member(now, "swap_total_bytes", BYTES, d);
        say(stdout, "  memory     %s of %s, swap %s of %s\n", a, b, c, d);
        format_member(now, "disk_bytes", BYTES, a);
        format_member(now, "disk_total_bytes", BYTES, b);
        format_member(now, "disk_free_bytes", BYTES, c);
        say(stdout, "  disk       %s of %s, %s free\n", a, b, c);
        format_member(now, "network_received_per_second", RATE, a);
        format_member(now, "network_sent_per_second", RATE, b);
        say(stdout, "  network    %s in, %s out\n", a, b);
        print_charts(answer, server_rows, ELEMENTS(server_rows));
        return DONE;
}

int command_servers_show(const Cli *cli) {
        const char *name = cli_server_name(cli);
        auto_json json_t *servers = NULL, *all = NULL;
        const json_t *server;
        size_t i;
        int r;

        if (!name)
                return USAGE;
        r = cli_call(cli, "GET", "/api/servers", NULL, &servers);
        if (r != DONE)
                return r;
        json_array_foreach(json_object_get(servers, "servers"), i, server) {
                if (strcmp(member_text(server, "name"), name) != 0 && strcmp(member_text(server, "id"), name) != 0)
                        continue;
                all = json_pack("{s:O}", "server", server);
                r = !all ? cli_out_of_memory(cli) : server_is_online(server) ? fetch_ranges(cli, "servers", name, all) : DONE;
                return r == DONE ? cli_print(cli, all, print_server) : r;
        }
        return cli_failed(cli, "not-found", "There is no server %s. `nanoscale servers list` lists them.", name);
}

/* --- projects stats --- */

static int print_project(const Cli *cli, const json_t *answer) {
        const json_t *project = json_object_get(answer, "project"), *now = json_object_get(project, "statistics");
        char status[64];
        Figure cpu, memory;

        (void) cli;
        project_status(project, status, sizeof status);
        say(stdout, "%s: %s\n", member_text(project, "name"), status);
        if (json_is_object(now)) {
                format_member(now, "cpu_percent", PERCENT, cpu);
                format_member(now, "memory_bytes", BYTES, memory);
                say(stdout, "  cpu        %s of one processor, %.1f s in all\n", cpu,
                    json_number_value(json_object_get(now, "cpu_seconds")));
                say(stdout, "  memory     %s\n", memory);
        } else
                say(stdout, "It was not measured yet: it never was awake.\n");
        print_charts(answer, project_rows, ELEMENTS(project_rows));
        return DONE;
}

int command_projects_stats(const Cli *cli) {
        auto_json json_t *project = NULL, *all = NULL;
        int r = cli_call_project(cli, "GET", "", NULL, &project);

        if (r != DONE)
                return r;
        all = json_pack("{s:O}", "project", project);
        r = all ? fetch_ranges(cli, "projects", options_operand(cli->options, 0), all) : cli_out_of_memory(cli);
        return r == DONE ? cli_print(cli, all, print_project) : r;
}

/* --- metrics --- */

static int print_token(const Cli *cli, const json_t *answer) {
        (void) cli;
        say(stdout, "%s\n", member_text(answer, "token"));
        (void) fflush(stdout);
        say(stderr,
            "Shown once. It ends an earlier one. For Prometheus: scheme https, port 4000, path /metrics, authorization type Bearer with\n"
            "this as credentials, and tls_config with /opt/nanoscale/tls/certificate.pem of this server as ca_file.\n");
        return DONE;
}

int command_metrics_token(const Cli *cli) {
        auto_json json_t *answer = NULL;
        int r = cli_call(cli, "POST", "/api/metrics/token", NULL, &answer);

        return r == DONE ? cli_print(cli, answer, print_token) : r;
}

static int print_off(const Cli *cli, const json_t *answer) {
        (void) cli;
        (void) answer;
        say(stdout, "The metrics of this server are told to nobody at its gateway any more.\n");
        return DONE;
}

int command_metrics_off(const Cli *cli) {
        auto_json json_t *answer = NULL;
        int r = cli_call(cli, "DELETE", "/api/metrics/token", NULL, &answer);

        return r == DONE ? cli_print(cli, answer, print_off) : r;
}
