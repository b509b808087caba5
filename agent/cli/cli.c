/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "cli.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "draft.h"
#include "out.h"
#include "security/validate.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>

/* The one way in which the CLI itself says that something is wrong. */
static void report(const Cli *cli, const char *type, const char *title, const char *hint, const char *sentence) {
        if (cli->json) {
                auto_json json_t *problem = json_pack("{s:s, s:s, s:s}", "type", type, "title", title, "detail", sentence);

                if (problem)
                        out_json(stderr, problem);
        } else
                complain("%s%s", sentence, hint);
}

int cli_usage(const Cli *cli, const char *format, ...) {
        auto_free char *sentence = NULL, *hint = NULL;
        va_list args;

        va_start(args, format);
        if (vasprintf(&sentence, format, args) < 0)
                sentence = NULL;
        va_end(args);
        if (asprintf(&hint, " See `nanoscale help%s%s`.", cli->command ? " " : "", cli->command ? cli->command : "") < 0)
                hint = NULL;
        report(cli, "usage", "The command line is wrong", hint ? hint : "", sentence ? sentence : "");
        return USAGE;
}

int cli_failed(const Cli *cli, const char *type, const char *format, ...) {
        auto_free char *sentence = NULL;
        va_list args;

        va_start(args, format);
        if (vasprintf(&sentence, format, args) < 0)
                sentence = NULL;
        va_end(args);
        report(cli, type, "It did not work", "", sentence ? sentence : "");
        return FAILED;
}

int cli_unreachable(const Cli *cli, int error) {
        if (error == -ENOMEM)
                return cli_out_of_memory(cli);
        report(cli, "unreachable", "The agent cannot be reached", "", client_sentence(cli->client));
        return UNREACHABLE;
}

int cli_out_of_memory(const Cli *cli) {
        return cli_failed(cli, "memory", "There is not enough memory.");
}

int cli_problem(const Cli *cli, const Reply *reply) {
        const char *detail = member_text(reply->json, "detail"), *title = member_text(reply->json, "title");
        const char *field = member_text(reply->json, "field"), *option = draft_option_of(field);

        if (!json_is_object(reply->json) || (!*detail && !*title))
                return cli_failed(
                                cli, "protocol",
                                "The agent answered with status %u and no explanation. Its log has more: `journalctl -u nanoscale-agent`.",
                                reply->status);
        if (cli->json)
                out_json(stderr, reply->json);
        else
                complain("%s%s%s%s", option ? "--" : "", option ? option : field, *field ? ": " : "", *detail ? detail : title);
        return FAILED;
}

enum { AGAIN_MS = 2000, AGAIN_MOST = 15 };

static int call(const Cli *cli, const char *method, const char *path, const json_t *body, bool absent_is_answer, json_t **ret_json) {
        auto_call(reply_done) Reply reply = { 0 };
        int r = client_call(cli->client, method, path, body, &reply);

        for (unsigned i = 0; r < 0 && r != -ENOMEM && cli->patient && strcmp(method, "GET") == 0 && i < AGAIN_MOST; i++) {
                (void) poll(NULL, 0, AGAIN_MS);
                r = client_call(cli->client, method, path, body, &reply);
        }
        if (r < 0)
                return cli_unreachable(cli, r);
        if (reply.status == 404 && absent_is_answer)
                return ABSENT;
        if (reply.status < 200 || reply.status > 299)
                return cli_problem(cli, &reply);
        if (reply.length > 0 && !reply.json)
                return cli_failed(cli, "protocol",
                                  "The agent's answer is not JSON. Is the CLI of another version than the agent? `nanoscale --version`.");
        if (ret_json)
                *ret_json = handover(reply.json);
        return DONE;
}

int cli_call(const Cli *cli, const char *method, const char *path, const json_t *body, json_t **ret_json) {
        return call(cli, method, path, body, false, ret_json);
}

int cli_look_up(const Cli *cli, const char *path, json_t **ret_json) {
        return call(cli, "GET", path, NULL, true, ret_json);
}

const char *cli_project_name(const Cli *cli) {
        const char *name = options_operand(cli->options, 0);

        /* It becomes a part of the path: nothing else than a name may get there. */
        if (name && valid_project_name(name))
                return name;
        (void) cli_usage(cli, "\"%s\" is not a project's name: use lower-case letters, digits and dashes.", name ? name : "");
        return NULL;
}

int cli_print(const Cli *cli, const json_t *answer, Print print) {
        if (!cli->json)
                return print(cli, answer);
        out_json(stdout, answer);
        return DONE;
}

int cli_call_project(const Cli *cli, const char *method, const char *rest, const json_t *body, json_t **ret_json) {
        const char *name = cli_project_name(cli);
        auto_free char *path = name ? cli_path("/api/projects/%s%s", name, rest) : NULL;

        if (!name)
                return USAGE;
        return path ? cli_call(cli, method, path, body, ret_json) : cli_out_of_memory(cli);
}

int cli_ask_project(const Cli *cli, const char *method, const char *rest, const json_t *body, Print print) {
        auto_json json_t *answer = NULL;
        int r = cli_call_project(cli, method, rest, body, &answer);

        return r == DONE ? cli_print(cli, answer, print) : r;
}

char *cli_path(const char *format, ...) {
        char *path = NULL;
        va_list args;

        va_start(args, format);
        if (vasprintf(&path, format, args) < 0)
                path = NULL;
        va_end(args);
        return path;
}

const char *member_text(const json_t *object, const char *key) {
        const char *text = json_string_value(json_object_get(object, key));

        return text ? text : "";
}

json_int_t member_number(const json_t *object, const char *key, json_int_t otherwise) {
        const json_t *number = json_object_get(object, key);

        return json_is_integer(number) ? json_integer_value(number) : otherwise;
}

bool member_is_true(const json_t *object, const char *key) {
        return json_is_true(json_object_get(object, key));
}
