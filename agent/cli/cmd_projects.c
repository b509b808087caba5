/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/cleanup.h"
#include "commands.h"
#include "draft.h"
#include "human.h"
#include "out.h"
#include "project.h"
#include "security/validate.h"
#include "server.h"

#include <poll.h>
#include <string.h>
#include <time.h>

#define PAGE 200
#define GONE_TIMEOUT_S 120

int projects_fetch(const Cli *cli, json_t **ret_list) {
        auto_json json_t *all = json_array();
        auto_free char *after = NULL;

        if (!all)
                return cli_out_of_memory(cli);
        do {
                auto_free char *path =
                                after ? cli_path("/api/projects?after=%s&limit=%d", after, PAGE) : cli_path("/api/projects?limit=%d", PAGE);
                auto_json json_t *page = NULL;
                const char *next;
                int r;

                if (!path)
                        return cli_out_of_memory(cli);
                r = cli_call(cli, "GET", path, NULL, &page);
                if (r != DONE)
                        return r;
                if (!json_is_array(json_object_get(page, "projects")))
                        return cli_failed(cli, "protocol", "The agent's answer has no list of projects.");
                if (json_array_extend(all, json_object_get(page, "projects")) < 0)
                        return cli_out_of_memory(cli);
                next = member_text(page, "next");
                /* Names grow from page to page; anything else would go on for ever. */
                if (*next && (!valid_project_name(next) || (after && strcmp(next, after) <= 0)))
                        return cli_failed(cli, "protocol", "The agent's list of projects does not end.");
                free(after);
                after = *next ? strdup(next) : NULL;
        } while (after);
        *ret_list = handover(all);
        return DONE;
}

static int print_list(const Cli *cli, const json_t *answer) {
        static const char *const heads[] = { "NAME",    "STATUS", "SERVER", "MEMORY",         "RAM SAVED",
                                             "RELEASE", "URL",    "BRANCH", "LAST DEPLOYMENT" };
        const json_t *list = json_object_get(answer, "projects"), *project;
        auto_call(table_free_cleanup) Table *table = NULL;
        size_t i;

        if (json_array_size(list) == 0) {
                say(stdout, "There is no project yet. Deploy one: `nanoscale deploy https://git.example/app.git`\n");
                return DONE;
        }
        if (table_new(heads, ELEMENTS(heads), &table) < 0)
                return cli_out_of_memory(cli);
        json_array_foreach(list, i, project) {
                const json_t *latest = json_object_get(project, "latest_deployment");
                char status[64], memory[32], saved[32], release[24] = "", when[64] = "", last[128] = "";

                project_status(project, status, sizeof status);
                project_memory(project, memory, sizeof memory);
                project_saved(project, saved, sizeof saved);
                if (member_number(project, "live_release", 0) > 0)
                        (void) snprintf(release, sizeof release, "%" JSON_INTEGER_FORMAT, member_number(project, "live_release", 0));
                if (json_is_object(latest)) {
                        format_time(member_text(latest, "created_at"), true, when, sizeof when);
                        (void) snprintf(last, sizeof last, "%.20s %s", member_text(latest, "state"), when);
                }
                if (table_row(table, (const char *[]){ member_text(project, "name"), status, member_text(project, "server"), memory, saved,
                                                       release, member_text(project, "url"), member_text(project, "branch"), last }) < 0)
                        return cli_out_of_memory(cli);
        }
        table_print(table);
        return DONE;
}

int command_projects_list(const Cli *cli) {
        auto_json json_t *list = NULL, *answer = NULL;
        int r = projects_fetch(cli, &list);

        if (r != DONE)
                return r;
        answer = json_pack("{s:O, s:n}", "projects", list, "next");
        return answer ? cli_print(cli, answer, print_list) : cli_out_of_memory(cli);
}

int command_projects_show(const Cli *cli) {
        return cli_ask_project(cli, "GET", "", NULL, project_print);
}

int project_create(const Cli *cli, const char *name, const char *repo_url, json_t **ret_project) {
        auto_json json_t *draft = json_object(), *env = json_object();
        const char *server = options_get(cli->options, "server");
        int r;

        if (!draft || !env)
                return cli_out_of_memory(cli);
        r = server_option_check(cli);
        if (r == DONE)
                r = draft_fill(cli, draft);
        if (r == DONE)
                r = env_fill(cli, env);
        if (r != DONE)
                return r;
        if (json_object_set_new(draft, "name", json_string(name)) < 0 ||
            (repo_url && json_object_set_new(draft, "repo_url", json_string(repo_url)) < 0))
                return cli_usage(cli, "The name or the repository is not UTF-8 text.");
        if (server && json_object_set_new(draft, "server", json_string(server)) < 0)
                return cli_out_of_memory(cli);
        if (json_object_size(env) > 0 && json_object_set(draft, "env", env) < 0)
                return cli_out_of_memory(cli);
        return cli_call(cli, "POST", "/api/projects", draft, ret_project);
}

static int print_created(const Cli *cli, const json_t *project) {
        const char *name = options_operand(cli->options, 0);

        (void) pending_print(project);
        say(stdout, "%s is created. Deploy it: `nanoscale deploy %s`\n", name, name);
        return DONE;
}

int command_projects_create(const Cli *cli) {
        const char *name = cli_project_name(cli);
        auto_json json_t *project = NULL;
        int r;

        if (!name)
                return USAGE;
        if (!options_has(cli->options, "repo"))
                return cli_usage(cli, "--repo is missing: give the https:// address of the git repository.");
        r = project_create(cli, name, NULL, &project);
        return r == DONE ? cli_print(cli, project, print_created) : r;
}

static int print_stored(const Cli *cli, const json_t *project) {
        const char *name = options_operand(cli->options, 0);
        bool was_live = member_number(project, "live_release", 0) > 0, restart = options_has(cli->options, "restart");
        Counts counts = draft_counts(cli);

        if (pending_print(project))
                return DONE;
        if (counts == COUNTS_NOW)
                say(stdout, "Stored, and in effect.\n");
        else if (counts == COUNTS_AFTER_DEPLOYMENT || !was_live)
                say(stdout, "Stored. %s takes effect with the next deployment: `nanoscale deploy %s`\n",
                    restart ? "What concerns the build" : "It", name);
        else if (!restart)
                say(stdout, "Stored. It takes effect with the next deployment or restart: `nanoscale restart %s`\n", name);
        return DONE;
}

int command_projects_set(const Cli *cli) {
        auto_json json_t *draft = json_object();
        int r;

        if (!cli_project_name(cli))
                return USAGE;
        if (!draft)
                return cli_out_of_memory(cli);
        r = draft_fill(cli, draft);
        if (r != DONE)
                return r;
        if (json_object_size(draft) == 0)
                return cli_usage(cli, "Nothing to set: give at least one option, as in --memory 1024.");
        r = cli_ask_project(cli, "PATCH", "", draft, print_stored);
        return r == DONE && options_has(cli->options, "restart") ? command_restart(cli) : r;
}

static int print_renamed(const Cli *cli, const json_t *project) {
        say(stdout, "%s is called %s now, and its address is %s.\n", options_operand(cli->options, 0), member_text(project, "name"),
            member_text(project, "host"));
        say(stdout, "Nobody is served at the old address any more; its other domains stay.\n");
        return DONE;
}

int command_projects_rename(const Cli *cli) {
        auto_json json_t *draft = json_pack("{s:s?}", "name", options_operand(cli->options, 1));

        return draft ? cli_ask_project(cli, "PATCH", "", draft, print_renamed) : cli_usage(cli, "The name is not UTF-8 text.");
}

int confirm_by_name(const Cli *cli, const char *name, const char *doing, const char *done, const char *consequence) {
        auto_free char *line = NULL;
        size_t size = 0;
        ssize_t n;

        if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
                return cli_usage(cli, "%s %s needs --yes where nobody can be asked.", doing, name);
        say(stderr, "%s Type its name: ", consequence);
        n = getline(&line, &size, stdin);
        if (n > 0 && line[n - 1] == '\n')
                line[n - 1] = '\0';
        if (n <= 0 || strcmp(line, name) != 0)
                return cli_failed(cli, "not-confirmed", "Nothing was %s: that is not the name.", done);
        return DONE;
}

static int confirm_deletion(const Cli *cli, const char *name) {
        auto_free char *consequence = NULL;

        if (asprintf(&consequence, "This deletes %s with all its releases, its data and its variables.", name) < 0) {
                consequence = NULL;
                return cli_out_of_memory(cli);
        }
        return confirm_by_name(cli, name, "Deleting", "deleted", consequence);
}

/* The agent may answer before all is removed: wait until the project is not there any more. */
static int wait_until_gone(const Cli *cli, const char *path) {
        time_t end = time(NULL) + GONE_TIMEOUT_S;
        int r;

        for (;;) {
                r = cli_look_up(cli, path, NULL);
                if (r != DONE)
                        return r == ABSENT ? DONE : r;
                if (time(NULL) > end)
                        return cli_failed(cli, "timeout", "The project is still being removed. Look again: `nanoscale projects list`.");
                (void) poll(NULL, 0, 300);
        }
}

int command_projects_delete(const Cli *cli) {
        const char *name = cli_project_name(cli);
        auto_free char *path = name ? cli_path("/api/projects/%s", name) : NULL;
        auto_json json_t *project = NULL;
        int r;

        if (!name)
                return USAGE;
        if (!path)
                return cli_out_of_memory(cli);
        if (!options_has(cli->options, "yes")) {
                r = cli_call(cli, "GET", path, NULL, &project); /* nobody should type the name of a project that does not exist */
                if (r == DONE)
                        r = confirm_deletion(cli, name);
                if (r != DONE)
                        return r;
        }
        r = cli_call(cli, "DELETE", path, NULL, NULL);
        if (r == DONE)
                r = wait_until_gone(cli, path);
        if (r == DONE && !cli->json)
                say(stdout, "%s is deleted.\n", name);
        return r;
}
