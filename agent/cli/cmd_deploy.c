/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/cleanup.h"
#include "base/text.h"
#include "commands.h"
#include "draft.h"
#include "follow.h"
#include "out.h"
#include "security/validate.h"
#include "server.h"

#include <string.h>

/* The last part of the repository's path as a project's name: "https://git.example/Acme/My_Shop.git" gives "my-shop". NULL: there is none.
 */
static char *name_from_url(const char *url) {
        auto_call(text_cleanup) Text t = { 0 };
        const char *path = strstr(url, "://"), *end = url + strlen(url), *from;
        char *name = NULL;

        path = path ? strchr(path + 3, '/') : NULL;
        if (!path)
                return NULL;
        while (end > path && end[-1] == '/')
                end--;
        if (end - path > 4 && memcmp(end - 4, ".git", 4) == 0)
                end -= 4;
        for (from = end; from > path && from[-1] != '/';)
                from--;
        for (; from < end; from++) {
                char c = *from >= 'A' && *from <= 'Z' ? (char) (*from - 'A' + 'a') : *from;

                if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
                        text_put(&t, &c, 1);
                else if (t.length > 0 && t.data[t.length - 1] != '-')
                        text_put(&t, "-", 1);
        }
        if (t.length > 0 && t.data[t.length - 1] == '-')
                t.data[--t.length] = '\0';
        if (text_take(&t, &name, NULL) < 0)
                return NULL;
        if (valid_project_name(name))
                return name;
        free(name);
        return NULL;
}

/* What was given beside the name goes into a project that exists; --branch is the deployment's business. */
static int update(const Cli *cli, const char *name) {
        auto_free char *path = cli_path("/api/projects/%s", name), *env_path = cli_path("/api/projects/%s/env", name);
        auto_json json_t *draft = json_object(), *env = json_object(), *change = NULL;
        int r;

        if (!path || !env_path || !draft || !env)
                return cli_out_of_memory(cli);
        r = draft_fill(cli, draft);
        if (r == DONE)
                r = env_fill(cli, env);
        if (r != DONE)
                return r;
        (void) json_object_del(draft, "branch");
        if (json_object_size(draft) > 0)
                r = cli_call(cli, "PATCH", path, draft, NULL);
        if (r != DONE || json_object_size(env) == 0)
                return r;
        change = json_pack("{s:O}", "set", env);
        return change ? cli_call(cli, "PATCH", env_path, change, NULL) : cli_out_of_memory(cli);
}

/* Makes sure that there is a project of that name and, when a URL was given, of that repository. */
static int ensure_project(const Cli *cli, const char *name, const char *url, bool *ret_created) {
        auto_free char *path = cli_path("/api/projects/%s", name);
        auto_json json_t *project = NULL, *created = NULL;
        int r;

        if (!path)
                return cli_out_of_memory(cli);
        r = cli_look_up(cli, path, &project);
        if (r == ABSENT && !url)
                return cli_failed(cli, "not-found",
                                  "There is no project %s. Create it with its repository: `nanoscale deploy https://… --name %s`.", name,
                                  name);
        if (r == ABSENT) {
                *ret_created = true;
                r = project_create(cli, name, url, &created);
                if (r == DONE && !cli->json)
                        say(stdout, "Created project %s\n", name);
                return r;
        }
        if (r != DONE)
                return r;
        if (url && strcmp(member_text(project, "repo_url"), url) != 0)
                return cli_failed(cli, "other-repository",
                                  "--name: the project %s has another repository, %s. Choose another name with --name, or move it: "
                                  "`nanoscale projects set %s --repo %s`.",
                                  name, member_text(project, "repo_url"), name, url);
        r = server_option_fits(cli, project);
        return r == DONE ? update(cli, name) : r;
}

static int start(const Cli *cli, const char *name, bool created) {
        auto_json json_t *body = json_object();
        const char *branch = options_get(cli->options, "branch"), *commit = options_get(cli->options, "commit");

        if (!body)
                return cli_out_of_memory(cli);
        if ((branch && !created && json_object_set_new(body, "branch", json_string(branch)) < 0) ||
            (commit && json_object_set_new(body, "commit", json_string(commit)) < 0))
                return cli_usage(cli, "--branch or --commit is not UTF-8 text.");
        return follow_new(cli, name, "/deployments", body);
}

int command_deploy(const Cli *cli) {
        const char *what = options_operand(cli->options, 0), *given = options_get(cli->options, "name"), *name;
        bool is_url = strstr(what, "://") || strchr(what, '/'), created = false;
        auto_free char *derived = is_url && !given ? name_from_url(what) : NULL;
        int r;

        if (!is_url && given)
                return cli_usage(cli, "--name goes with a URL; \"%s\" is a name already.", what);
        if (is_url && options_has(cli->options, "repo"))
                return cli_usage(cli, "--repo: the repository is given twice.");
        name = !is_url ? what : given ? given : derived;
        if (!name)
                return cli_usage(cli, "%s has no last part that could be a name; give one with --name.", what);
        if (!valid_project_name(name))
                return cli_usage(cli, "\"%s\" is not a project's name: use lower-case letters, digits and dashes.", name);
        if (options_get(cli->options, "commit") && !valid_commit(options_get(cli->options, "commit")))
                return cli_usage(cli, "--commit: give all 40 hex digits of the commit, in lower case.");
        r = server_option_check(cli);
        if (r == DONE)
                r = ensure_project(cli, name, is_url ? what : NULL, &created);
        return r == DONE ? start(cli, name, created) : r;
}

/* The same for releases that are there already. */

int command_rollback(const Cli *cli) {
        const char *name = cli_project_name(cli), *release = options_operand(cli->options, 1);
        auto_json json_t *body = json_object();
        unsigned long number;

        if (!name)
                return USAGE;
        if (release && !text_to_number(release, 1, 999999999, &number))
                return cli_usage(cli, "\"%s\" is not the number of a release; `nanoscale releases %s` lists them.", release, name);
        if (!body || (release && json_object_set_new(body, "release", json_integer((json_int_t) number)) < 0))
                return cli_out_of_memory(cli);
        return follow_new(cli, name, "/rollback", body);
}

int command_restart(const Cli *cli) {
        const char *name = cli_project_name(cli);

        return name ? follow_new(cli, name, "/restart", NULL) : USAGE;
}
