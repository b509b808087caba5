/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "project.h"

#include "base/cleanup.h"
#include "human.h"
#include "move.h"
#include "out.h"

#include <inttypes.h>
#include <string.h>

void project_status(const json_t *project, char *ret, size_t size) {
        const char *status = member_text(project, "status"), *kind = member_text(json_object_get(project, "sleep"), "kind");

        if (strcmp(status, "sleeping") != 0)
                kind = ""; /* it is being deployed */
        (void) snprintf(ret, size, "%.20s%s%.20s%s", status, *kind ? " (" : "", kind, *kind ? ")" : "");
}

static const char *since(const json_t *project) {
        const json_t *crash = json_object_get(project, "crash");

        return member_text(json_is_object(crash) ? crash : json_object_get(project, "sleep"), "since");
}

void project_since(const json_t *project, char *ret, size_t size) {
        ret[0] = '\0';
        if (*since(project))
                format_age(since(project), ret, size);
}

void project_memory(const json_t *project, char *ret, size_t size) {
        json_int_t bytes = member_number(project, "memory_bytes", -1);

        ret[0] = '\0';
        if (bytes >= 0)
                format_bytes(bytes, ret, size);
}

void project_saved(const json_t *project, char *ret, size_t size) {
        json_int_t bytes = member_number(json_object_get(project, "sleep"), "ram_saved_bytes", 0);

        ret[0] = '\0';
        if (bytes > 0)
                format_bytes(bytes, ret, size);
}

static int ascending(const void *a, const void *b) {
        int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;

        return (x > y) - (x < y);
}

int wakes_print(const Cli *cli, const json_t *list) {
        size_t n = json_array_size(list), i;
        auto_free int64_t *waits = calloc(n + 1, sizeof *waits);
        const json_t *wake;
        char p50[32], p99[32];

        if (!waits)
                return cli_out_of_memory(cli);
        if (n == 0)
                return DONE;
        json_array_foreach(list, i, wake) waits[i] = member_number(wake, "duration_ms", 0);
        qsort(waits, n, sizeof *waits, ascending);
        format_wait(percentile(waits, n, 50), p50, sizeof p50);
        format_wait(percentile(waits, n, 99), p99, sizeof p99);
        say(stdout, "%zu wake%s: p50 %s, p99 %s\n", n, n == 1 ? "" : "s", p50, p99);
        return DONE;
}

/* --- the values of `projects show` --- */

typedef void (*Words)(const json_t *project, const json_t *value, char *ret, size_t size);

static void plain(const json_t *project, const json_t *value, char *ret, size_t size) {
        (void) project;
        if (json_is_string(value))
                (void) snprintf(ret, size, "%s", json_string_value(value));
        else if (json_is_integer(value))
                (void) snprintf(ret, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        else if (json_is_boolean(value))
                (void) snprintf(ret, size, "%s", json_is_true(value) ? "yes" : "no");
}

static void status(const json_t *project, const json_t *value, char *ret, size_t size) {
        char state[64], when[64], age[64];

        (void) value;
        project_status(project, state, sizeof state);
        format_time(since(project), true, when, sizeof when);
        format_age(since(project), age, sizeof age);
        if (*since(project))
                (void) snprintf(ret, size, "%s since %s, %s", state, when, age);
        else
                (void) snprintf(ret, size, "%s", state);
}

/* A setting is shown as it was set, not rounded. */
static void mib(const json_t *project, const json_t *value, char *ret, size_t size) {
        json_int_t n = json_integer_value(value);

        (void) project;
        if (json_is_integer(value))
                (void) snprintf(ret, size, "%" JSON_INTEGER_FORMAT " %s", n % 1024 == 0 ? n / 1024 : n, n % 1024 == 0 ? "GiB" : "MiB");
}

static void bytes(const json_t *project, const json_t *value, char *ret, size_t size) {
        (void) project;
        if (json_is_integer(value))
                format_bytes(json_integer_value(value), ret, size);
}

static void percent(const json_t *project, const json_t *value, char *ret, size_t size) {
        (void) project;
        if (json_is_integer(value))
                (void) snprintf(ret, size, "%" JSON_INTEGER_FORMAT " %% of a core", json_integer_value(value));
}

static void seconds(const json_t *project, const json_t *value, char *ret, size_t size) {
        (void) project;
        if (json_is_integer(value))
                format_seconds(json_integer_value(value), ret, size);
}

static void idle(const json_t *project, const json_t *value, char *ret, size_t size) {
        char time[64];

        if (!member_is_true(project, "scale_to_zero") || (json_is_integer(value) && json_integer_value(value) == 0))
                (void) snprintf(ret, size, "never");
        else if (json_is_integer(value)) {
                format_seconds(json_integer_value(value), time, sizeof time);
                (void) snprintf(ret, size, "after %s without a request", time);
        }
}

static void time_of(const json_t *project, const json_t *value, char *ret, size_t size) {
        (void) project;
        if (json_is_string(value))
                format_time(json_string_value(value), true, ret, size);
}

static void saved(const json_t *project, const json_t *value, char *ret, size_t size) {
        (void) value;
        project_saved(project, ret, size);
}

static void moving(const json_t *project, const json_t *value, char *ret, size_t size) {
        (void) project;
        if (json_is_object(value))
                move_describe(value, ret, size);
}

static void wakes(const json_t *project, const json_t *value, char *ret, size_t size) {
        const json_t *wakes = json_object_get(value, "wakes");
        json_int_t count = member_number(wakes, "count", 0), last_ms = member_number(wakes, "last_ms", -1);
        char p50[32], p99[32], last[32], age[64];

        (void) project;
        if (count == 0)
                return;
        format_wait(member_number(wakes, "p50_ms", 0), p50, sizeof p50);
        format_wait(member_number(wakes, "p99_ms", 0), p99, sizeof p99);
        format_wait(last_ms, last, sizeof last);
        format_age(member_text(wakes, "last_at"), age, sizeof age);
        (void) snprintf(ret, size, "%" JSON_INTEGER_FORMAT ": p50 %s, p99 %s; the last took %s, %s", count, p50, p99, last, age);
}

static const struct {
        const char *label, *field;
        Words words;
} shown[] = {
        { "id", "id", plain },
        { "status", "status", status },
        { "memory", "memory_bytes", bytes },
        { "RAM saved", "sleep", saved },
        { "wakes", "sleep", wakes },
        { "url", "url", plain },
        { "domain", "domain", plain },
        { "server", "server", plain },
        { "move", "move", moving },
        { "repository", "repo_url", plain },
        { "branch", "branch", plain },
        { "directory", "root_directory", plain },
        { "release", "live_release", plain },
        { "commit", "live_commit", plain },
        { "node", "node_version", plain },
        { "bun", "bun_version", plain },
        { "install", "install_command", plain },
        { "build", "build_command", plain },
        { "start", "start_command", plain },
        { "static directory", "static_directory", plain },
        { "port", "port", plain },
        { "health path", "health_path", plain },
        { "sleeps", "idle_seconds", idle },
        { "dozes before", "doze", plain },
        { "exclusive", "exclusive", plain },
        { "drain", "drain_seconds", seconds },
        { "memory limit", "memory_mib", mib },
        { "cpu limit", "cpu_percent", percent },
        { "tasks limit", "tasks_max", plain },
        { "build memory", "build_memory_mib", mib },
        { "build cpu", "build_cpu_percent", percent },
        { "build time", "build_seconds", seconds },
        { "variables", "env_count", plain },
        { "created", "created_at", time_of },
};

void project_print_crash(const json_t *project) {
        const json_t *crash = json_object_get(project, "crash");
        const char *name = member_text(project, "name"), *sentence = member_text(crash, "sentence");
        size_t length = strlen(sentence);
        char since[64], next[64];

        if (!json_is_object(crash))
                return;
        format_age(member_text(crash, "since"), since, sizeof since);
        format_age(member_text(crash, "next_attempt"), next, sizeof next);
        out_style(stdout, STYLE_RED);
        say(stdout, "%s crashed", name);
        out_style(stdout, STYLE_PLAIN);
        say(stdout, " %s: %s%s", since, sentence, length > 0 && sentence[length - 1] == '.' ? "" : ".");
        if (*member_text(crash, "next_attempt"))
                say(stdout, " It is tried again %s.", next);
        else
                say(stdout, " It is being tried again.");
        say(stdout, " See `nanoscale logs %s`.\n", name);
}

int project_print(const Cli *cli, const json_t *project) {
        const json_t *lines = json_object_get(json_object_get(project, "crash"), "last_lines"), *line;
        size_t i;

        (void) cli;
        out_style(stdout, STYLE_BOLD);
        say(stdout, "%s\n", member_text(project, "name"));
        out_style(stdout, STYLE_PLAIN);
        for (i = 0; i < ELEMENTS(shown); i++) {
                char words[1024] = "";

                shown[i].words(project, json_object_get(project, shown[i].field), words, sizeof words);
                if (*words)
                        say(stdout, "  %-17s %s\n", shown[i].label, words);
        }
        project_print_crash(project);
        json_array_foreach(lines, i, line) say(stdout, "    %s\n", json_string_value(line) ? json_string_value(line) : "");
        return DONE;
}
