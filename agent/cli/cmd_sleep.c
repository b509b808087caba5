/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/cleanup.h"
#include "commands.h"
#include "human.h"
#include "out.h"
#include "project.h"

static int print_asleep(const Cli *cli, const json_t *project) {
        const char *name = options_operand(cli->options, 0), *kind = member_text(json_object_get(project, "sleep"), "kind");

        say(stdout, "%s sleeps%s%s%s. The next request wakes it, or `nanoscale wake %s`.\n", name, *kind ? " (" : "", kind,
            *kind ? ")" : "", name);
        return DONE;
}

int command_sleep(const Cli *cli) {
        auto_json json_t *body = json_pack("{s:s}", "kind", options_has(cli->options, "deep") ? "asleep" : "armed");

        return body ? cli_ask_project(cli, "POST", "/sleep", body, print_asleep) : cli_out_of_memory(cli);
}

static int print_awake(const Cli *cli, const json_t *project) {
        (void) project;
        say(stdout, "%s is awake.\n", options_operand(cli->options, 0));
        return DONE;
}

int command_wake(const Cli *cli) {
        return cli_ask_project(cli, "POST", "/wake", NULL, print_awake);
}

static int print_wakes(const Cli *cli, const json_t *answer) {
        static const char *const heads[] = { "WHEN", "FROM", "WAITED" };
        const json_t *list = json_object_get(answer, "wakes"), *wake;
        auto_call(table_free_cleanup) Table *table = NULL;
        size_t i;

        if (json_array_size(list) == 0) {
                say(stdout, "%s was not woken yet.\n", options_operand(cli->options, 0));
                return DONE;
        }
        if (table_new(heads, ELEMENTS(heads), &table) < 0)
                return cli_out_of_memory(cli);
        json_array_foreach(list, i, wake) {
                char when[64], waited[32];

                format_time(member_text(wake, "at"), true, when, sizeof when);
                format_wait(member_number(wake, "duration_ms", 0), waited, sizeof waited);
                if (table_row(table, (const char *[]){ when, member_text(wake, "kind"), waited }) < 0)
                        return cli_out_of_memory(cli);
        }
        table_print(table);
        return wakes_print(cli, list);
}

int command_wakes(const Cli *cli) {
        return cli_ask_project(cli, "GET", "/wakes", NULL, print_wakes);
}

static int print_releases(const Cli *cli, const json_t *answer) {
        static const char *const heads[] = { "RELEASE", "STATE", "COMMIT", "CREATED", "KIND", "SUBJECT" };
        const char *name = options_operand(cli->options, 0);
        const json_t *list = json_object_get(answer, "releases"), *release;
        auto_call(table_free_cleanup) Table *table = NULL;
        size_t i;

        if (json_array_size(list) == 0) {
                say(stdout, "%s has no release yet. Deploy it: `nanoscale deploy %s`\n", name, name);
                return DONE;
        }
        if (table_new(heads, ELEMENTS(heads), &table) < 0)
                return cli_out_of_memory(cli);
        json_array_foreach(list, i, release) {
                char number[24], commit[11], when[64];

                (void) snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, member_number(release, "number", 0));
                (void) snprintf(commit, sizeof commit, "%.10s", member_text(release, "commit"));
                format_time(member_text(release, "created_at"), true, when, sizeof when);
                if (table_row(table, (const char *[]){ number, member_is_true(release, "live") ? "live" : "kept", commit, when,
                                                       member_text(release, "kind"), member_text(release, "subject") }) < 0)
                        return cli_out_of_memory(cli);
        }
        table_print(table);
        return DONE;
}

int command_releases(const Cli *cli) {
        return cli_ask_project(cli, "GET", "/releases", NULL, print_releases);
}
