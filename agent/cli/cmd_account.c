/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who signs in to the dashboard, and programs with tokens. */
#include "base/cleanup.h"
#include "base/text.h"
#include "commands.h"
#include "human.h"
#include "out.h"

#include <stdio.h>
#include <string.h>

static int print_claim(const Cli *cli, const json_t *answer) {
        const char *address = member_text(answer, "address");
        bool is_v6 = strchr(address, ':') != NULL;

        (void) cli;
        say(stdout, "Claim code: %s\n", member_text(answer, "code"));
        say(stdout, "\n");
        say(stdout, "Open https://%s%s%s/setup and type it there. It is good once, for 24 hours.\n", is_v6 ? "[" : "",
            *address ? address : "THIS-SERVER", is_v6 ? "]" : "");
        say(stdout, "Until the dashboard has a domain with a certificate, the browser warns of its own one.\n");
        return DONE;
}

int command_claim(const Cli *cli) {
        auto_json json_t *body = json_pack("{s:b}", "reset", (int) options_has(cli->options, "reset")), *answer = NULL;
        int r = body ? cli_call(cli, "POST", "/api/auth/claim", body, &answer) : cli_out_of_memory(cli);

        return r == DONE ? cli_print(cli, answer, print_claim) : r;
}

/* --- tokens --- */

static void age_of(const json_t *row, const char *member, char *ret, size_t size) {
        (void) snprintf(ret, size, "never");
        if (*member_text(row, member))
                format_age(member_text(row, member), ret, size);
}

static int print_tokens(const Cli *cli, const json_t *answer) {
        static const char *const heads[] = { "NAME", "SCOPE", "USED", "ENDS", "ID" };
        const json_t *list = json_object_get(answer, "tokens"), *row;
        auto_call(table_free_cleanup) Table *table = NULL;
        char used[64], ends[64];
        size_t i;

        if (json_array_size(list) == 0) {
                say(stdout, "There is no API token yet. Make one: `nanoscale tokens create NAME --scope deploy`\n");
                return DONE;
        }
        if (table_new(heads, ELEMENTS(heads), &table) < 0)
                return cli_out_of_memory(cli);
        json_array_foreach(list, i, row) {
                age_of(row, "used_at", used, sizeof used);
                age_of(row, "expires_at", ends, sizeof ends);
                if (table_row(table, (const char *[]){ member_text(row, "name"), member_text(row, "scope"), used, ends,
                                                       member_text(row, "id") }) < 0)
                        return cli_out_of_memory(cli);
        }
        table_print(table);
        return DONE;
}

int command_tokens_list(const Cli *cli) {
        auto_json json_t *answer = NULL;
        int r = cli_call(cli, "GET", "/api/tokens", NULL, &answer);

        return r == DONE ? cli_print(cli, answer, print_tokens) : r;
}

static int print_created(const Cli *cli, const json_t *answer) {
        (void) cli;
        say(stdout, "%s\n", member_text(answer, "token"));
        (void) fflush(stdout);
        say(stderr, "Shown once. Send it as `Authorization: Bearer TOKEN` to https://SERVER/api/…\n");
        return DONE;
}

int command_tokens_create(const Cli *cli) {
        const char *scope = options_get(cli->options, "scope"), *days = options_get(cli->options, "days");
        auto_json json_t *body = NULL, *answer = NULL;
        unsigned long n = 0;
        int r;

        if (days && !text_to_number(days, 1, 3660, &n))
                return cli_usage(cli, "--days: \"%s\" is not a number from 1 to 3660.", days);
        body = json_pack("{s:s, s:s}", "name", options_operand(cli->options, 0), "scope", scope ? scope : "deploy");
        if (!body || (days && json_object_set_new(body, "days", json_integer((json_int_t) n)) < 0))
                return cli_out_of_memory(cli);
        r = cli_call(cli, "POST", "/api/tokens", body, &answer);
        return r == DONE ? cli_print(cli, answer, print_created) : r;
}

int command_tokens_revoke(const Cli *cli) {
        const char *name = options_operand(cli->options, 0), *id = NULL;
        auto_json json_t *answer = NULL;
        auto_free char *path = NULL;
        const json_t *row;
        size_t i;
        int r = cli_call(cli, "GET", "/api/tokens", NULL, &answer);

        if (r != DONE)
                return r;
        json_array_foreach(json_object_get(answer, "tokens"), i, row) {
                if (strcmp(member_text(row, "name"), name) == 0 || strcmp(member_text(row, "id"), name) == 0)
                        id = member_text(row, "id");
        }
        if (!id)
                return cli_failed(cli, "token-absent", "There is no token %s. `nanoscale tokens list` shows them.", name);
        path = cli_path("/api/tokens/%s", id);
        r = path ? cli_call(cli, "DELETE", path, NULL, NULL) : cli_out_of_memory(cli);
        if (r == DONE && !cli->json)
                say(stdout, "%s is good for nothing any more.\n", name);
        return r;
}
