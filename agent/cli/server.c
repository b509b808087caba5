/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server.h"

#include "base/cleanup.h"
#include "human.h"
#include "out.h"
#include "security/validate.h"

#include <string.h>

bool server_is_online(const json_t *server) {
        return strcmp(member_text(server, "status"), "online") == 0;
}

void server_status(const json_t *server, char *ret, size_t size) {
        (void) snprintf(ret, size, "%.20s%s", member_text(server, "status"), member_is_true(server, "draining") ? ", draining" : "");
}

/* An agent that does not say since when knows at least when an offline one has answered last. */
static const char *since(const json_t *server) {
        const char *known = member_text(server, "changed_at");

        return *known || server_is_online(server) ? known : member_text(server, "seen_at");
}

void server_since(const json_t *server, char *ret, size_t size) {
        ret[0] = '\0';
        if (*since(server))
                format_age(since(server), ret, size);
}

void server_print_trouble(const json_t *server) {
        const char *name = member_text(server, "name"), *reason = member_text(server, "reason");
        json_int_t difference = member_number(server, "clock_difference_seconds", 0);

        const json_t *warning;
        size_t i;

        if (!server_is_online(server) && *reason) {
                out_style(stdout, STYLE_RED);
                say(stdout, "%s is %s", name, member_text(server, "status"));
                out_style(stdout, STYLE_PLAIN);
                say(stdout, ": %s\n", reason);
        }
        if (difference != 0 && !strstr(reason, "clock differs")) {
                out_style(stdout, STYLE_YELLOW);
                say(stdout, "%s: clock differs by %" JSON_INTEGER_FORMAT " s.", name, difference);
                out_style(stdout, STYLE_PLAIN);
                say(stdout, " Set the time of both servers: `timedatectl set-ntp true`\n");
        }
        json_array_foreach((json_t *) (uintptr_t) json_object_get(server, "warnings"), i, warning) {
                out_style(stdout, STYLE_YELLOW);
                say(stdout, "%s", name);
                out_style(stdout, STYLE_PLAIN);
                say(stdout, ": %s\n", member_text(warning, "sentence"));
        }
}

void server_print_facts(const json_t *server) {
        char when[64], age[64];
        json_int_t projects = member_number(server, "projects", -1);

        server_since(server, age, sizeof age);
        format_time(since(server), true, when, sizeof when);
        if (*age)
                say(stdout, "  since      %s, %s\n", when, age);
        if (*member_text(server, "version"))
                say(stdout, "  version    %s\n", member_text(server, "version"));
        if (projects >= 0)
                say(stdout, "  projects   %" JSON_INTEGER_FORMAT "\n", projects);
        server_print_trouble(server);
}

const char *cli_server_name(const Cli *cli) {
        const char *name = options_operand(cli->options, 0);

        /* It becomes a part of the path: nothing else than a name may get there. An id is of the same letters. */
        if (name && valid_server_name(name))
                return name;
        (void) cli_usage(cli, "\"%s\" is not a server's name: use lower-case letters, digits and dashes.", name ? name : "");
        return NULL;
}

int server_option_check(const Cli *cli) {
        const char *given = options_get(cli->options, "server");

        if (!given || valid_server_name(given))
                return DONE;
        return cli_usage(cli, "--server: \"%s\" is not a server's name: use lower-case letters, digits and dashes.", given);
}

int server_option_fits(const Cli *cli, const json_t *project) {
        const char *given = options_get(cli->options, "server"), *there = member_text(project, "server");
        auto_free char *path = NULL;
        auto_json json_t *server = NULL;
        int r;

        if (!given || strcmp(given, there) == 0)
                return DONE;
        /* It may have been named by its id. */
        path = cli_path("/api/servers/%s", given);
        r = path ? cli_call(cli, "GET", path, NULL, &server) : cli_out_of_memory(cli);
        if (r != DONE || strcmp(member_text(server, "name"), there) == 0)
                return r;
        return cli_failed(cli, "other-server",
                          "--server: the project %s is on the server %s. Move it: `nanoscale projects move %s %s`. Without --server it is "
                          "deployed where it is.",
                          member_text(project, "name"), there, member_text(project, "name"), given);
}

bool pending_print(const json_t *answer) {
        if (!member_is_true(answer, "pending"))
                return false;
        say(stdout, "Stored. The server %s is not reached now; it gets the settings when it is back.\n", member_text(answer, "server"));
        return true;
}
