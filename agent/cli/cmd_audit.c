/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/cleanup.h"
#include "base/text.h"
#include "commands.h"
#include "human.h"
#include "out.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

enum { MOST = 500, MOST_CSV = 5000 };

static const char *actor_of(const json_t *entry, char *ret, size_t size) {
        const json_t *actor = json_object_get(entry, "actor");
        const char *kind = member_text(actor, "kind"), *name = member_text(actor, "name");

        if (strcmp(kind, "root") == 0)
                return name;
        (void) snprintf(ret, size, "%s %.200s", kind, name);
        return ret;
}

static int print_entries(const Cli *cli, const json_t *answer) {
        static const char *const heads[] = { "WHEN", "WHO", "FROM", "ACTION", "PROJECT", "ABOUT", "STATUS", "DETAIL" };
        const json_t *list = json_object_get(answer, "entries"), *entry;
        auto_call(table_free_cleanup) Table *table = NULL;
        size_t i;

        if (json_array_size(list) == 0) {
                say(stdout, "Nothing of that was done yet.\n");
                return DONE;
        }
        if (table_new(heads, ELEMENTS(heads), &table) < 0)
                return cli_out_of_memory(cli);
        json_array_foreach(list, i, entry) {
                json_int_t count = member_number(entry, "count", 1);
                char when[64], who[256], status[64];

                format_time(member_text(entry, "at"), true, when, sizeof when);
                if (count > 1)
                        (void) snprintf(status, sizeof status, "%" JSON_INTEGER_FORMAT ", %" JSON_INTEGER_FORMAT " times",
                                        member_number(entry, "status", 0), count);
                else
                        (void) snprintf(status, sizeof status, "%" JSON_INTEGER_FORMAT, member_number(entry, "status", 0));
                if (table_row(table, (const char *[]){ when, actor_of(entry, who, sizeof who), member_text(entry, "address"),
                                                       member_text(entry, "action"), member_text(entry, "project"),
                                                       member_text(entry, "target"), status, member_text(entry, "detail") }) < 0)
                        return cli_out_of_memory(cli);
        }
        table_print(table);
        return DONE;
}

/* Line by line, so that no control character reaches a terminal. */
static int print_csv(const Cli *cli, const char *path) {
        auto_call(reply_done) Reply reply = { 0 };
        int r = client_call(cli->client, "GET", path, NULL, &reply);

        if (r < 0)
                return cli_unreachable(cli, r);
        if (reply.status != 200)
                return cli_problem(cli, &reply);
        for (char *at = reply.text, *end = reply.text + reply.length; at < end;) {
                char *stop = memchr(at, '\n', (size_t) (end - at));
                size_t length = (size_t) ((stop ? stop : end) - at);

                say(stdout, "%.*s\n", (int) (length && at[length - 1] == '\r' ? length - 1 : length), at);
                at += length + 1;
        }
        return DONE;
}

static void put_filter(const Cli *cli, const char *name, Text *t) {
        const char *value = options_get(cli->options, name);

        if (!value)
                return;
        text_printf(t, "&%s=", name);
        for (; *value; value++)
                if (isalnum((unsigned char) *value) || strchr("-._~", *value))
                        text_put(t, value, 1);
                else
                        text_printf(t, "%%%02X", (unsigned) (unsigned char) *value);
}

int command_audit(const Cli *cli) {
        bool is_csv = options_has(cli->options, "csv");
        const char *limit = options_get(cli->options, "limit");
        auto_call(text_cleanup) Text t = { 0 };
        auto_free char *path = NULL;
        auto_json json_t *answer = NULL;
        int r;

        if (cli->json && is_csv)
                return cli_usage(cli, "--csv and --json are two forms; choose one.");
        if (limit && !text_to_number(limit, 1, is_csv ? MOST_CSV : MOST, NULL))
                return cli_usage(cli, "--limit: give a number from 1 to %d.", is_csv ? (int) MOST_CSV : (int) MOST);
        text_printf(&t, "/api/audit?limit=%s%s", limit ? limit : is_csv ? "5000" : "50", is_csv ? "&format=csv" : "");
        put_filter(cli, "project", &t);
        put_filter(cli, "actor", &t);
        put_filter(cli, "action", &t);
        if (text_take(&t, &path, NULL) < 0)
                return cli_out_of_memory(cli);
        if (is_csv)
                return print_csv(cli, path);
        r = cli_call(cli, "GET", path, NULL, &answer);
        return r == DONE ? cli_print(cli, answer, print_entries) : r;
}
