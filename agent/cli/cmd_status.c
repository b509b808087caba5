/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/cleanup.h"
#include "commands.h"
#include "human.h"
#include "out.h"
#include "project.h"
#include "security/validate.h"
#include "server.h"

#include <string.h>

static int print_servers(const Cli *cli, const json_t *servers) {
        static const char *const heads[] = { "NAME", "STATUS", "ADDRESS", "ID" };
        auto_call(table_free_cleanup) Table *table = NULL;
        const json_t *server;
        size_t i;

        if (table_new(heads, ELEMENTS(heads), &table) < 0)
                return cli_out_of_memory(cli);
        json_array_foreach(servers, i, server) {
                char status[48];
                const char *cells[] = { member_text(server, "name"), status, member_text(server, "ip_address"), member_text(server, "id") };

                server_status(server, status, sizeof status);
                if (table_row(table, cells) < 0)
                        return cli_out_of_memory(cli);
        }
        table_print(table);
        json_array_foreach(servers, i, server) server_print_trouble(server);
        return DONE;
}

static int print_table(const Cli *cli, const json_t *projects) {
        static const char *const heads[] = { "PROJECT", "STATUS", "SINCE", "MEMORY", "RAM SAVED", "URL" };
        auto_call(table_free_cleanup) Table *table = NULL;
        const json_t *project;
        size_t i;

        if (table_new(heads, ELEMENTS(heads), &table) < 0)
                return cli_out_of_memory(cli);
        json_array_foreach(projects, i, project) {
                char status[64], since[64], memory[32], saved[32];

                project_status(project, status, sizeof status);
                project_since(project, since, sizeof since);
                project_memory(project, memory, sizeof memory);
                project_saved(project, saved, sizeof saved);
                if (table_row(table, (const char *[]){ member_text(project, "name"), status, since, memory, saved,
                                                       member_text(project, "url") }) < 0)
                        return cli_out_of_memory(cli);
        }
        table_print(table);
        return DONE;
}

/* "3 projects: 2 live, 1 failed" */
static void print_counts(const json_t *projects) {
        static const char *const states[] = { "live", "sleeping", "deploying", "new", "stopped", "failed", "crashed", "unreachable" };
        const char *separator = ": ";
        size_t n = json_array_size(projects);

        say(stdout, "%zu project%s", n, n == 1 ? "" : "s");
        for (size_t s = 0; s < ELEMENTS(states); s++) {
                const json_t *project;
                size_t i, count = 0;

                json_array_foreach(projects, i, project) if (strcmp(member_text(project, "status"), states[s]) == 0) count++;
                if (count == 0)
                        continue;
                say(stdout, "%s%zu %s", separator, count, states[s]);
                separator = ", ";
        }
        say(stdout, "\n");
}

static void print_ram(const json_t *projects) {
        char used[32], saved[32];
        int64_t use = 0, save = 0;
        const json_t *project;
        size_t i;

        json_array_foreach(projects, i, project) {
                use += member_number(project, "memory_bytes", 0);
                save += member_number(json_object_get(project, "sleep"), "ram_saved_bytes", 0);
        }
        format_bytes(use, used, sizeof used);
        format_bytes(save, saved, sizeof saved);
        if (use + save > 0)
                say(stdout, "RAM: %s in use by apps, %s saved by sleep\n", used, saved);
}

/* The wakes of all projects in one list: percentiles cannot be had from those of each project. */
static int fetch_wakes(const Cli *cli, const json_t *projects, json_t **ret_list) {
        auto_json json_t *all = json_array();
        const json_t *project;
        size_t i;

        if (!all)
                return cli_out_of_memory(cli);
        json_array_foreach(projects, i, project) {
                const json_t *wakes = json_object_get(json_object_get(project, "sleep"), "wakes");
                const char *name = member_text(project, "name");
                auto_json json_t *answer = NULL;
                auto_free char *path = NULL;
                int r;

                if (member_number(wakes, "count", 0) == 0 || !valid_project_name(name))
                        continue;
                path = cli_path("/api/projects/%s/wakes", name);
                r = path ? cli_look_up(cli, path, &answer) : cli_out_of_memory(cli);
                if (r != DONE && r != ABSENT) /* it may have been deleted meanwhile */
                        return r;
                if (r == DONE && json_array_extend(all, json_object_get(answer, "wakes")) < 0)
                        return cli_failed(cli, "protocol", "The agent's answer has no list of wakes.");
        }
        *ret_list = handover(all);
        return DONE;
}

static int print_status(const Cli *cli, const json_t *answer) {
        const json_t *health = json_object_get(answer, "health"), *projects = json_object_get(answer, "projects"), *project;
        auto_json json_t *wakes = NULL;
        size_t i;
        int r = fetch_wakes(cli, projects, &wakes);

        if (r != DONE)
                return r;
        say(stdout, "NanoScale %s, %s: %s\n", member_text(health, "version"), member_text(health, "role"), member_text(health, "status"));
        say(stdout, "\n");
        r = json_array_size(projects) > 0 ? print_table(cli, projects) : DONE;
        if (r != DONE)
                return r;
        if (json_array_size(projects) > 0)
                say(stdout, "\n");
        print_counts(projects);
        print_ram(projects);
        r = wakes_print(cli, wakes);
        if (r != DONE)
                return r;
        json_array_foreach(projects, i, project) project_print_crash(project);
        say(stdout, "\n");
        return print_servers(cli, json_object_get(answer, "servers"));
}

int command_status(const Cli *cli) {
        auto_json json_t *health = NULL, *servers = NULL, *projects = NULL, *all = NULL;
        int r;

        r = cli_call(cli, "GET", "/api/health", NULL, &health);
        if (r == DONE)
                r = cli_call(cli, "GET", "/api/servers", NULL, &servers);
        if (r == DONE)
                r = projects_fetch(cli, &projects);
        if (r != DONE)
                return r;
        all = json_pack("{s:O, s:O, s:O}", "health", health, "servers", json_object_get(servers, "servers"), "projects", projects);
        return all ? cli_print(cli, all, print_status) : cli_failed(cli, "protocol", "The agent's answer lacks the list of servers.");
}
