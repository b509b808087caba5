/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/cleanup.h"
#include "base/text.h"
#include "commands.h"
#include "follow.h"
#include "human.h"
#include "out.h"
#include "security/validate.h"

#include <string.h>

static int print_list(const Cli *cli, const json_t *answer) {
        static const char *const heads[] = {
                "NUMBER", "KIND", "STATE", "RELEASE", "COMMIT", "BRANCH", "DURATION", "WHEN", "ID", "SUBJECT"
        };
        auto_call(table_free_cleanup) Table *table = NULL;
        const json_t *d;
        size_t i;

        if (table_new(heads, ELEMENTS(heads), &table) < 0)
                return cli_out_of_memory(cli);
        json_array_foreach(json_object_get(answer, "deployments"), i, d) {
                char number[24], release[24] = "", commit[11], duration[32] = "", when[64];

                (void) snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, member_number(d, "number", 0));
                if (member_number(d, "release", 0) > 0)
                        (void) snprintf(release, sizeof release, "%" JSON_INTEGER_FORMAT, member_number(d, "release", 0));
                (void) snprintf(commit, sizeof commit, "%.10s", member_text(d, "commit"));
                if (json_is_integer(json_object_get(d, "duration_ms")))
                        format_duration(member_number(d, "duration_ms", 0), true, duration, sizeof duration);
                format_time(member_text(d, "created_at"), true, when, sizeof when);
                if (table_row(table, (const char *[]){ number, member_text(d, "kind"), member_text(d, "state"), release, commit,
                                                       member_text(d, "branch"), duration, when, member_text(d, "id"),
                                                       member_text(d, "subject") }) < 0)
                        return cli_out_of_memory(cli);
        }
        table_print(table);
        return DONE;
}

int command_deployments_list(const Cli *cli) {
        const char *limit = options_get(cli->options, "limit"), *before = options_get(cli->options, "before");
        auto_free char *rest = NULL;

        if (!cli_project_name(cli))
                return USAGE;
        if (limit && !text_to_number(limit, 1, 200, NULL))
                return cli_usage(cli, "--limit: give a number from 1 to 200.");
        if (before && !text_to_number(before, 1, 1000000000, NULL))
                return cli_usage(cli, "--before: give the number of a deployment.");
        rest = cli_path("/deployments?limit=%s%s%s", limit ? limit : "20", before ? "&before=" : "", before ? before : "");
        return rest ? cli_ask_project(cli, "GET", rest, NULL, print_list) : cli_out_of_memory(cli);
}

/* Operand 0 is the id of a deployment, or the name of a project, whose latest one is meant. An id looks like a name, so it is tried first.
 */
static int find(const Cli *cli, json_t **ret_deployment) {
        const char *what = options_operand(cli->options, 0), *id;
        auto_free char *path = NULL, *project_path = NULL, *latest_path = NULL;
        auto_json json_t *project = NULL;
        int r = ABSENT;

        if (valid_id(what)) {
                path = cli_path("/api/deployments/%s", what);
                r = path ? cli_look_up(cli, path, ret_deployment) : cli_out_of_memory(cli);
        }
        if (r != ABSENT)
                return r;
        if (!cli_project_name(cli))
                return USAGE;
        project_path = cli_path("/api/projects/%s", what);
        if (!project_path)
                return cli_out_of_memory(cli);
        r = cli_look_up(cli, project_path, &project);
        if (r == ABSENT)
                return cli_failed(cli, "not-found",
                                  "There is neither a deployment nor a project %s. `nanoscale projects list` shows what there is.", what);
        if (r != DONE)
                return r;
        id = member_text(json_object_get(project, "latest_deployment"), "id");
        if (!valid_id(id))
                return cli_failed(cli, "not-found", "%s was never deployed. Deploy it: `nanoscale deploy %s`.", what, what);
        latest_path = cli_path("/api/deployments/%s", id);
        return latest_path ? cli_call(cli, "GET", latest_path, NULL, ret_deployment) : cli_out_of_memory(cli);
}

/* The log, line by line, so that no control character of a build reaches the terminal. */
static int print_log(const Cli *cli, const char *id) {
        auto_free char *path = cli_path("/api/deployments/%s/log", id);
        auto_call(reply_done) Reply reply = { 0 };
        int r;

        if (!path)
                return cli_out_of_memory(cli);
        r = client_call(cli->client, "GET", path, NULL, &reply);
        if (r < 0)
                return cli_unreachable(cli, r);
        if (reply.status != 200)
                return cli_problem(cli, &reply);
        for (char *at = reply.text, *end = reply.text + reply.length; at < end;) {
                char *stop = memchr(at, '\n', (size_t) (end - at));

                stop = stop ? stop : end;
                *stop = '\0'; /* the text ends with one already */
                say_printed(at);
                at = stop + 1;
        }
        return DONE;
}

static void row(const char *label, const char *words) {
        if (*words)
                say(stdout, "  %-10s %s\n", label, words);
}

/* "healthy after 1.2 s, switched, drained 3 connections in 2.1 s, 0 cut" */
static void print_receipt(const json_t *receipt) {
        json_int_t drained = member_number(receipt, "connections_drained", 0), cut = member_number(receipt, "connections_cut", 0);
        char healthy[32], took[32];

        if (!json_is_object(receipt))
                return;
        format_wait(member_number(receipt, "healthy_ms", 0), healthy, sizeof healthy);
        format_wait(member_number(receipt, "drain_ms", 0), took, sizeof took);
        say(stdout, "  %-10s healthy after %s, switched, ", "receipt", healthy);
        if (drained + cut > 0)
                say(stdout, "drained %" JSON_INTEGER_FORMAT " connection%s in %s, %" JSON_INTEGER_FORMAT " cut\n", drained,
                    drained == 1 ? "" : "s", took, cut);
        else
                say(stdout, "no connection to drain\n");
}

static void print_steps(const json_t *steps) {
        const json_t *step;
        size_t i;

        json_array_foreach(steps, i, step) {
                char duration[32] = "";

                if (json_is_integer(json_object_get(step, "duration_ms")))
                        format_duration(member_number(step, "duration_ms", 0), true, duration, sizeof duration);
                say(stdout, "  %-10s %-8s %s\n", member_text(step, "name"), member_text(step, "result"), duration);
        }
}

static int print(const Cli *cli, const json_t *d) {
        const json_t *line;
        char when[64];
        size_t i;

        format_time(member_text(d, "created_at"), true, when, sizeof when);
        out_style(stdout, STYLE_BOLD);
        say(stdout, "%s, deployment %" JSON_INTEGER_FORMAT ": %s\n", member_text(d, "project"), member_number(d, "number", 0),
            member_text(d, "state"));
        out_style(stdout, STYLE_PLAIN);
        row("id", member_text(d, "id"));
        row("kind", member_text(d, "kind"));
        row("begun", when);
        row("branch", member_text(d, "branch"));
        row("commit", member_text(d, "commit"));
        row("subject", member_text(d, "subject"));
        row("author", member_text(d, "author"));
        if (member_number(d, "release", 0) > 0)
                say(stdout, "  %-10s %" JSON_INTEGER_FORMAT "\n", "release", member_number(d, "release", 0));
        row("url", member_text(d, "url"));
        print_steps(json_object_get(d, "steps"));
        print_receipt(json_object_get(d, "receipt"));
        if (strcmp(member_text(d, "state"), "failed") != 0)
                return DONE;
        json_array_foreach(json_object_get(json_object_get(d, "failure"), "last_lines"), i, line)
                        say(stdout, "    %s\n", json_string_value(line) ? json_string_value(line) : "");
        (void) fflush(stdout);
        follow_explain(cli, d);
        return DONE;
}

int command_deployments_show(const Cli *cli) {
        auto_json json_t *deployment = NULL;
        int r;

        if (cli->json && options_has(cli->options, "log"))
                return cli_usage(cli, "--log prints text; it cannot be had as --json.");
        r = find(cli, &deployment);
        if (r != DONE)
                return r;
        if (options_has(cli->options, "log"))
                return print_log(cli, member_text(deployment, "id"));
        return cli_print(cli, deployment, print);
}

int command_deployments_follow(const Cli *cli) {
        auto_json json_t *deployment = NULL;
        int r = find(cli, &deployment);

        return r == DONE ? follow_deployment(cli, member_text(deployment, "id"), true) : r;
}

static int print_canceled(const Cli *cli, const json_t *d) {
        (void) cli;
        say(stdout, "Deployment %" JSON_INTEGER_FORMAT " of %s is being canceled.\n", member_number(d, "number", 0),
            member_text(d, "project"));
        return DONE;
}

int command_deployments_cancel(const Cli *cli) {
        auto_json json_t *deployment = NULL, *answer = NULL;
        auto_free char *path = NULL;
        int r = find(cli, &deployment);

        if (r != DONE)
                return r;
        path = cli_path("/api/deployments/%s/cancel", member_text(deployment, "id"));
        r = path ? cli_call(cli, "POST", path, NULL, &answer) : cli_out_of_memory(cli);
        if (r != DONE)
                return r;
        return cli_print(cli, answer, print_canceled);
}
