/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "move.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "commands.h"
#include "human.h"
#include "out.h"

#include <string.h>

enum { LINGER_MOST = 7 * 24 * 3600 };

MoveState move_state(const json_t *project) {
        const json_t *move = json_object_get(project, "move");
        const char *state = member_text(move, "state");

        if (!json_is_object(move))
                return MOVE_NONE;
        return strcmp(state, "undoing") == 0     ? MOVE_UNDOING
               : strcmp(state, "failed") == 0    ? MOVE_FAILED
               : strcmp(state, "lingering") == 0 ? MOVE_LINGERING
                                                 : MOVE_UNDER_WAY;
}

/* When the old place is removed: "2025-11-24 22:50 (in 5 min)". */
static void format_until(const json_t *move, char *ret, size_t size) {
        char iso[32] = "", at[64], age[64];
        struct tm tm = { 0 };
        time_t until;

        if (time_parse(member_text(move, "changed_at"), &until)) {
                until += member_number(move, "linger_seconds", 0);
                if (gmtime_r(&until, &tm))
                        (void) strftime(iso, sizeof iso, "%Y-%m-%dT%H:%M:%S", &tm);
        }
        format_time(iso, true, at, sizeof at);
        format_age(iso, age, sizeof age);
        (void) snprintf(ret, size, "%s (%s)", at, age);
}

/* A server that was removed meanwhile has no name. */
static const char *server_of(const json_t *move, const char *key) {
        return *member_text(move, key) ? member_text(move, key) : "a server that is gone";
}

void move_failure(const json_t *project, char *ret, size_t size) {
        const char *sentence = member_text(json_object_get(project, "move"), "failure");
        size_t length = strlen(sentence);

        (void) snprintf(ret, size, "%s%s", length > 0 ? sentence : "The agent gave no reason.",
                        length > 0 && sentence[length - 1] != '.' ? "." : "");
}

void move_describe(const json_t *move, char *ret, size_t size) {
        const char *from = server_of(move, "from"), *to = server_of(move, "to"), *state = member_text(move, "state");
        char until[160], age[64];

        format_age(member_text(move, "changed_at"), age, sizeof age);
        format_until(move, until, sizeof until);
        if (strcmp(state, "lingering") == 0)
                (void) snprintf(ret, size, "from %s to %s: done %s; %s still serves it until %s", from, to, age, from, until);
        else if (strcmp(state, "failed") == 0 || strcmp(state, "undoing") == 0)
                (void) snprintf(ret, size, "from %s to %s: failed %s: %s", from, to, age, member_text(move, "failure"));
        else
                (void) snprintf(ret, size, "from %s to %s: %s since %s", from, to, state, age);
}

void move_hosts(const json_t *project, char *ret, size_t size) {
        const char *host = member_text(project, "host"), *domain = member_text(project, "domain");

        (void) snprintf(ret, size, "%s%s%s", host, *host && *domain ? " and " : "", domain);
        if (!*ret)
                (void) snprintf(ret, size, "%s", member_text(project, "name"));
}

void move_address(const json_t *server, char *ret, size_t size) {
        const char *address = member_text(server, "ip_address"), *name = member_text(server, "name");

        if (!*address || strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 || strcmp(address, "localhost") == 0)
                (void) snprintf(ret, size, "the public address of %s", *name ? name : "the new server");
        else
                (void) snprintf(ret, size, "%s, the address of %s", address, name);
}

void move_print_arrival(const json_t *project, const json_t *server) {
        const json_t *move = json_object_get(project, "move");
        char hosts[1100], address[400], until[160];

        move_hosts(project, hosts, sizeof hosts);
        move_address(server, address, sizeof address);
        out_style(stdout, STYLE_BOLD);
        say(stdout, "%s is live on %s.", member_text(project, "name"), member_text(project, "server"));
        out_style(stdout, STYLE_PLAIN);
        say(stdout, " Point the DNS of %s to %s.", hosts, address);
        if (move_state(project) == MOVE_LINGERING) {
                format_until(move, until, sizeof until);
                say(stdout, " %s still serves it until %s.\n", server_of(move, "from"), until);
        } else
                say(stdout, " The old place is removed.\n");
        (void) fflush(stdout);
}

int move_body(const Cli *cli, json_t **ret_body) {
        const char *linger = options_get(cli->options, "linger");
        auto_json json_t *body = json_object();
        unsigned long seconds;

        if (linger && !text_to_number(linger, 0, LINGER_MOST, &seconds))
                return cli_usage(cli, "--linger: \"%s\" is not a number of seconds from 0 to %d (7 days).", linger, LINGER_MOST);
        if (!body || (linger && json_object_set_new(body, "linger_seconds", json_integer((json_int_t) seconds)) < 0))
                return cli_out_of_memory(cli);
        *ret_body = handover(body);
        return DONE;
}

int move_confirm(const Cli *cli, const char *name, const char *doing, const char *done, const char *consequence) {
        if (!options_has(cli->options, "yes"))
                return confirm_by_name(cli, name, doing, done, consequence);
        if (!cli->json) {
                say(stdout, "%s\n", consequence);
                (void) fflush(stdout);
        }
        return DONE;
}
