/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/cleanup.h"
#include "commands.h"
#include "human.h"
#include "out.h"
#include "security/join_string.h"
#include "security/validate.h"
#include "server.h"

#include <poll.h>
#include <string.h>
#include <time.h>

enum {
        LOOK_MS = 2000,
        LOST_MOST = 15,      /* looks in a row that the agent may miss: it is restarted meanwhile */
        TOKEN_SECONDS = 600, /* where the agent does not say until when the string is good */
        ANSWER_SECONDS = 30, /* from joining in the last second until it answers */
};

/* --- servers list --- */

/* What it has of it, and how much there is: "1.2 GiB of 4.0 GiB". */
static void format_share(const json_t *now, const char *used, const char *total, char *ret, size_t size) {
        char a[32], b[32];

        ret[0] = '\0';
        if (member_number(now, used, -1) < 0 || member_number(now, total, -1) < 0)
                return;
        format_bytes(member_number(now, used, 0), a, sizeof a);
        format_bytes(member_number(now, total, 0), b, sizeof b);
        (void) snprintf(ret, size, "%s of %s", a, b);
}

static int add_row(Table *table, const json_t *server) {
        /* What an offline one said last is not how it is. */
        const json_t *now = server_is_online(server) ? json_object_get(server, "statistics") : NULL, *load = json_object_get(now, "load");
        char status[48], since[64], projects[24] = "", memory[80], disk[80], average[320] = "";

        server_status(server, status, sizeof status);
        server_since(server, since, sizeof since);
        if (member_number(server, "projects", -1) >= 0)
                (void) snprintf(projects, sizeof projects, "%" JSON_INTEGER_FORMAT, member_number(server, "projects", 0));
        format_share(now, "memory_bytes", "memory_total_bytes", memory, sizeof memory);
        format_share(now, "disk_bytes", "disk_total_bytes", disk, sizeof disk);
        if (json_is_number(load))
                (void) snprintf(average, sizeof average, "%.2f", json_number_value(load));
        return table_row(table,
                         (const char *[]){ member_text(server, "name"), status, since, member_text(server, "ip_address"),
                                           member_text(server, "version"), projects, memory, disk, average, member_text(server, "id") });
}

static int print_list(const Cli *cli, const json_t *answer) {
        static const char *const heads[] = { "NAME", "STATUS", "SINCE", "ADDRESS", "VERSION", "PROJECTS", "MEMORY", "DISK", "LOAD", "ID" };
        const json_t *servers = json_object_get(answer, "servers"), *server;
        auto_call(table_free_cleanup) Table *table = NULL;
        size_t i;

        if (table_new(heads, ELEMENTS(heads), &table) < 0)
                return cli_out_of_memory(cli);
        json_array_foreach(servers, i, server) if (add_row(table, server) < 0) return cli_out_of_memory(cli);
        table_print(table);
        json_array_foreach(servers, i, server) server_print_trouble(server);
        return DONE;
}

int command_servers_list(const Cli *cli) {
        auto_json json_t *answer = NULL;
        int r = cli_call(cli, "GET", "/api/servers", NULL, &answer);

        return r == DONE ? cli_print(cli, answer, print_list) : r;
}

/* --- servers add --- */

typedef struct {
        const Cli *cli;
        json_t *known;  /* by id: whether it is online; null for one that has joined since and did not answer yet */
        json_t *latest; /* the server that has joined last; NULL: none */
} Waiting;

/* True when a server that was not there before is online. */
static bool take_server(Waiting *w, json_t *server) {
        const char *id = member_text(server, "id"), *name = member_text(server, "name");
        const json_t *before = json_object_get(w->known, id);
        bool online = server_is_online(server), is_new = !before || json_is_null(before);

        if (is_new) {
                json_decref(w->latest);
                w->latest = json_incref(server);
        }
        if (is_new && online)
                return true;
        if (!before && !w->cli->json)
                say(stdout, "%s has joined. It does not answer yet.\n", name);
        else if (json_is_false(before) && online && !w->cli->json)
                say(stdout, "%s is online again.\n", name);
        (void) json_object_set_new(w->known, id, is_new ? json_null() : json_boolean(online));
        (void) fflush(stdout);
        return false;
}

static bool take_servers(Waiting *w, const json_t *servers) {
        json_t *server;
        size_t i;

        json_array_foreach((json_t *) (uintptr_t) servers, i, server) if (take_server(w, server)) return true;
        return false;
}

static int64_t monotonic_seconds(void) {
        struct timespec now = { 0 };

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec;
}

static int64_t seconds_until(const char *iso) {
        time_t at;
        int64_t seconds = time_parse(iso, &at) ? (int64_t) at - time(NULL) : TOKEN_SECONDS;

        return seconds < 0 ? 0 : seconds > TOKEN_SECONDS ? TOKEN_SECONDS : seconds;
}

static int give_up(const Waiting *w) {
        if (!w->latest)
                return cli_failed(w->cli, "timeout",
                                  "No server has joined, and the string is not good any more. Get another one: "
                                  "`nanoscale servers add`.");
        return cli_failed(w->cli, "timeout", "%s has joined, but does not answer: %s", member_text(w->latest, "name"),
                          *member_text(w->latest, "reason") ? member_text(w->latest, "reason") : "see `nanoscale servers list`.");
}

/* Looks every two seconds; the string is good for so many. */
static int wait_for_server(Waiting *w, int64_t seconds) {
        int64_t end = monotonic_seconds() + seconds + ANSWER_SECONDS;
        unsigned lost = 0;

        for (;;) {
                auto_call(reply_done) Reply reply = { 0 };
                int r = client_call(w->cli->client, "GET", "/api/servers", NULL, &reply);

                if (r < 0 && ++lost > LOST_MOST)
                        return cli_unreachable(w->cli, r);
                if (r == 0 && reply.status != 200)
                        return cli_problem(w->cli, &reply);
                if (r == 0) {
                        lost = 0;
                        if (take_servers(w, json_object_get(reply.json, "servers")))
                                return DONE;
                }
                if (monotonic_seconds() >= end)
                        return give_up(w);
                (void) poll(NULL, 0, LOOK_MS);
        }
}

static int print_token(const Cli *cli, const json_t *answer) {
        const char *expires = member_text(answer, "expires_at");
        char at[64], age[64];

        format_time(expires, false, at, sizeof at);
        format_age(expires, age, sizeof age);
        say(stdout, "On the new server, as root, in a clone of NanoScale:\n");
        say(stdout, "\n");
        say(stdout, "  ./scripts/install.sh --join %s\n", member_text(answer, "join"));
        say(stdout, "\n");
        say(stdout, "The string is a secret: one server can join with it, until %s (%s).\n", at, age);
        if (!options_has(cli->options, "no-wait"))
                say(stdout, "Waiting for the server. Ctrl-C ends the waiting; the string stays good.\n");
        return DONE;
}

static int print_joined(const Cli *cli, const json_t *server) {
        (void) cli;
        out_style(stdout, STYLE_BOLD);
        say(stdout, "%s is online", member_text(server, "name"));
        out_style(stdout, STYLE_PLAIN);
        say(stdout, " at %s. Deploy on it: `nanoscale deploy https://git.example/app.git --server %s`\n", member_text(server, "ip_address"),
            member_text(server, "name"));
        return DONE;
}

/* It is to be pasted into a root shell: nothing but a join string may stand there. */
static bool is_join_string(const char *text) {
        JoinString parsed = { 0 };
        bool is_one = join_string_parse(text, &parsed) == JOIN_STRING_OK;

        explicit_bzero(&parsed, sizeof parsed);
        return is_one;
}

/* The servers that are there before anyone can have the string. */
static int remember_servers(Waiting *w) {
        auto_json json_t *answer = NULL;
        const json_t *server;
        size_t i;
        int r = cli_call(w->cli, "GET", "/api/servers", NULL, &answer);

        if (r != DONE)
                return r;
        json_array_foreach(json_object_get(answer, "servers"), i, server) {
                if (json_object_set_new(w->known, member_text(server, "id"), json_boolean(server_is_online(server))) < 0)
                        return cli_out_of_memory(w->cli);
        }
        return DONE;
}

int command_servers_add(const Cli *cli) {
        auto_json json_t *known = json_object(), *token = NULL, *latest = NULL;
        Waiting w = { .cli = cli, .known = known };
        int r = known ? remember_servers(&w) : cli_out_of_memory(cli);

        if (r == DONE)
                r = cli_call(cli, "POST", "/api/cluster/generate-token", NULL, &token);
        if (r != DONE)
                return r;
        if (!is_join_string(member_text(token, "join")))
                return cli_failed(cli, "protocol", "The agent's answer has no string to join with.");
        r = cli_print(cli, token, print_token);
        (void) fflush(stdout);
        if (r != DONE || options_has(cli->options, "no-wait"))
                return r;
        r = wait_for_server(&w, seconds_until(member_text(token, "expires_at")));
        latest = w.latest;
        return r == DONE ? cli_print(cli, latest, print_joined) : r;
}

/* --- servers remove, rotate-key --- */

static int confirm_removal(const Cli *cli, const char *name, const char *path) {
        auto_json json_t *server = NULL;
        auto_free char *projects = NULL, *consequence = NULL;
        json_int_t n;
        int r = cli_call(cli, "GET", path, NULL, &server); /* nobody should type the name of a server that does not exist */

        if (r != DONE)
                return r;
        n = member_number(server, "projects", 0);
        if (n > 0 && options_has(cli->options, "force") &&
            asprintf(&projects, " Its %" JSON_INTEGER_FORMAT " project%s forgotten here; what runs on it is left as it is.", n,
                     n == 1 ? " is" : "s are") < 0)
                projects = NULL;
        if (asprintf(&consequence, "This removes %s from the cluster.%s", name, projects ? projects : "") < 0) {
                consequence = NULL;
                return cli_out_of_memory(cli);
        }
        return confirm_by_name(cli, name, "Removing", "removed", consequence);
}

int command_servers_remove(const Cli *cli) {
        const char *name = cli_server_name(cli);
        auto_free char *path = name ? cli_path("/api/servers/%s", name) : NULL, *target = NULL;
        int r = DONE;

        if (!name)
                return USAGE;
        target = cli_path("/api/servers/%s%s", name, options_has(cli->options, "force") ? "?force=1" : "");
        if (!path || !target)
                return cli_out_of_memory(cli);
        if (!options_has(cli->options, "yes"))
                r = confirm_removal(cli, name, path);
        if (r == DONE)
                r = cli_call(cli, "DELETE", target, NULL, NULL);
        if (r == DONE && !cli->json)
                say(stdout, "%s is removed.\n", name);
        return r;
}

static int print_rotated(const Cli *cli, const json_t *server) {
        (void) server;
        say(stdout, "%s has a new key.\n", options_operand(cli->options, 0));
        return DONE;
}

int command_servers_rotate_key(const Cli *cli) {
        const char *name = cli_server_name(cli);
        auto_free char *path = name ? cli_path("/api/servers/%s/rotate-key", name) : NULL;
        auto_json json_t *server = NULL;
        int r;

        if (!name)
                return USAGE;
        r = path ? cli_call(cli, "POST", path, NULL, &server) : cli_out_of_memory(cli);
        return r == DONE ? cli_print(cli, server, print_rotated) : r;
}
