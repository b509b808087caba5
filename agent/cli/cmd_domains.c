/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/cleanup.h"
#include "commands.h"
#include "draft.h"
#include "human.h"
#include "out.h"
#include "security/validate.h"
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>

enum {
        LOOK_MS = 1000,
        GLANCE_S = 10,
        PATIENCE_S = 12 * 60, /* an authority may take ten minutes */
};

/* --- one domain in words --- */

static const char *problem_of(const json_t *domain) {
        return member_text(json_object_get(domain, "problem"), "sentence");
}

static bool is_state(const json_t *domain, const char *state) {
        return strcmp(member_text(domain, "state"), state) == 0;
}

/* "own" where it is that; "renewed by itself" is the rule, and not said. */
static void describe_end(const json_t *domain, char *ret, size_t size) {
        char day[64], age[64];

        ret[0] = '\0';
        if (!*member_text(domain, "not_after"))
                return;
        format_time(member_text(domain, "not_after"), true, day, sizeof day);
        format_age(member_text(domain, "not_after"), age, sizeof age);
        (void) snprintf(ret, size, "%.10s (%s)%s", day, age, strcmp(member_text(domain, "source"), "own") == 0 ? ", own" : "");
}

/* A line each for what somebody should see to. */
static void print_trouble(const json_t *domain) {
        const char *name = member_text(domain, "name");
        char end[160];

        if (*problem_of(domain)) {
                out_style(stdout, STYLE_YELLOW);
                if (strncmp(problem_of(domain), name, strlen(name)) == 0)
                        say(stdout, "%s\n", problem_of(domain));
                else
                        say(stdout, "%s: %s\n", name, problem_of(domain));
                out_style(stdout, STYLE_PLAIN);
        }
        if (member_is_true(domain, "ends_soon")) {
                format_age(member_text(domain, "not_after"), end, sizeof end);
                out_style(stdout, STYLE_RED);
                say(stdout, "%s: its certificate ends %s.\n", name, end);
                out_style(stdout, STYLE_PLAIN);
        }
}

static int add_row(Table *table, const json_t *domain, const char *project) {
        const char *to = member_text(domain, "redirect_to");
        char end[160], target[300] = "";

        describe_end(domain, end, sizeof end);
        if (*to)
                (void) snprintf(target, sizeof target, "redirects to %s", to);
        else if (member_is_true(domain, "primary"))
                (void) snprintf(target, sizeof target, "primary");
        return table_row(table, (const char *[]){ member_text(domain, "name"), project, member_text(domain, "state"), end, target });
}

static int print_list(const Cli *cli, const json_t *answer) {
        static const char *const heads[] = { "DOMAIN", "PROJECT", "STATE", "CERTIFICATE ENDS", "NOTE" };
        const json_t *list = json_object_get(answer, "domains"), *domain;
        const char *project = options_operand(cli->options, 0);
        auto_call(table_free_cleanup) Table *table = NULL;
        size_t i;

        if (json_array_size(list) == 0) {
                say(stdout, "There is no domain yet. Add one: `nanoscale domains add %s shop.example.com`\n",
                    project ? project : "PROJECT");
                return DONE;
        }
        if (table_new(heads, ELEMENTS(heads), &table) < 0)
                return cli_out_of_memory(cli);
        json_array_foreach(list, i, domain) {
                if (add_row(table, domain, project ? project : member_text(domain, "project")) < 0)
                        return cli_out_of_memory(cli);
        }
        table_print(table);
        json_array_foreach(list, i, domain) print_trouble(domain);
        return DONE;
}

int command_domains_list(const Cli *cli) {
        auto_json json_t *answer = NULL;
        int r;

        if (options_operands(cli->options) > 0)
                return cli_ask_project(cli, "GET", "/domains", NULL, print_list);
        r = cli_call(cli, "GET", "/api/domains", NULL, &answer);
        return r == DONE ? cli_print(cli, answer, print_list) : r;
}

static void print_fact(const char *name, const char *value) {
        if (*value)
                say(stdout, "%-12s %s\n", name, value);
}

static int print_domain(const Cli *cli, const json_t *domain) {
        char end[160], next[64] = "";

        (void) cli;
        describe_end(domain, end, sizeof end);
        if (*member_text(domain, "next_try"))
                format_age(member_text(domain, "next_try"), next, sizeof next);
        out_style(stdout, STYLE_BOLD);
        say(stdout, "%s\n", member_text(domain, "name"));
        out_style(stdout, STYLE_PLAIN);
        print_fact("state", member_text(domain, "state"));
        print_fact("ends", end);
        print_fact("redirects to", member_text(domain, "redirect_to"));
        print_fact("primary", member_is_true(domain, "primary") ? "yes" : "no");
        print_fact("hsts", member_is_true(domain, "hsts") ? "on" : "off");
        print_fact("next try", next);
        print_trouble(domain);
        return DONE;
}

/* --- a domain of a command line --- */

/* Operand i as a domain: it becomes a part of a path. NULL after the error was reported. */
static const char *domain_operand(const Cli *cli, size_t i) {
        const char *name = options_operand(cli->options, i);

        if (name && valid_host_name(name))
                return name;
        (void) cli_usage(cli, "\"%s\" is not a domain: give a host name in lower case, such as shop.example.com.", name ? name : "");
        return NULL;
}

/* "/api/projects/PROJECT/domains/NAME" of operand 0, whichever project has it. */
static int find_path(const Cli *cli, char **ret_path) {
        const char *name = domain_operand(cli, 0), *project = NULL;
        auto_json json_t *answer = NULL;
        const json_t *domain;
        size_t i;
        int r;

        if (!name)
                return USAGE;
        r = cli_call(cli, "GET", "/api/domains", NULL, &answer);
        if (r != DONE)
                return r;
        json_array_foreach(json_object_get(answer, "domains"), i, domain) if (strcmp(member_text(domain, "name"), name) == 0) project =
                        member_text(domain, "project");
        if (!project)
                return cli_failed(cli, "domain-absent", "There is no domain %s. See `nanoscale domains list`.", name);
        if (!valid_project_name(project))
                return cli_failed(cli, "protocol", "The agent's answer has no project for %s.", name);
        *ret_path = cli_path("/api/projects/%s/domains/%s", project, name);
        return *ret_path ? DONE : cli_out_of_memory(cli);
}

static int ask_domain(const Cli *cli, const char *method, const char *rest, const json_t *body, Print print) {
        auto_free char *path = NULL, *whole = NULL;
        auto_json json_t *answer = NULL;
        int r = find_path(cli, &path);

        if (r != DONE)
                return r;
        whole = cli_path("%s%s", path, rest);
        r = whole ? cli_call(cli, method, whole, body, &answer) : cli_out_of_memory(cli);
        return r == DONE && print ? cli_print(cli, answer, print) : r;
}

int command_domains_show(const Cli *cli) {
        return ask_domain(cli, "GET", "", NULL, print_domain);
}

/* --- add, set, remove --- */

/* Looks again and again until it is over, or for so many seconds: *domain is what was seen last. */
static int follow(const Cli *cli, const char *path, int seconds, bool (*is_over)(const json_t *domain), json_t **domain) {
        time_t end = time(NULL) + seconds;
        int r = DONE;

        while (r == DONE && !is_over(*domain) && time(NULL) <= end) {
                (void) poll(NULL, 0, LOOK_MS);
                json_decref(handover(*domain));
                r = cli_call(cli, "GET", path, NULL, domain);
        }
        return r;
}

static bool is_looked_at(const json_t *domain) {
        return !is_state(domain, "waiting") || *problem_of(domain);
}

/* What its DNS is found to be, which takes a moment: who has just added it wants to know which record to set. */
static int look_at_added(const Cli *cli, const char *name, json_t **ret_domain) {
        auto_free char *path = cli_path("/api/projects/%s/domains/%s", cli_project_name(cli), name);
        int r = path ? cli_call(cli, "GET", path, NULL, ret_domain) : cli_out_of_memory(cli);

        return r == DONE ? follow(cli, path, GLANCE_S, is_looked_at, ret_domain) : r;
}

static int print_added(const Cli *cli, const json_t *domain) {
        const char *name = member_text(domain, "name");
        auto_json json_t *now = NULL;
        int r;

        if (pending_print(domain))
                return DONE;
        say(stdout, "%s is added.\n", name);
        r = look_at_added(cli, name, &now);
        if (r != DONE)
                return r;
        print_trouble(now);
        if (is_state(now, "valid"))
                say(stdout, "It is served by https.\n");
        else if (strcmp(member_text(json_object_get(now, "problem"), "type"), "dns") == 0)
                say(stdout,
                    "Its certificate is asked for as soon as it points to the server. To have that looked at now: `nanoscale domains check "
                    "%s`\n",
                    name);
        else
                say(stdout, "Its certificate is on its way: `nanoscale domains show %s`\n", name);
        return DONE;
}

/* --redirect and the others, as far as they were given. */
static int fill(const Cli *cli, json_t *body) {
        const char *to = options_get(cli->options, "redirect"), *hsts = options_get(cli->options, "hsts");
        json_t *has_hsts = NULL;
        int r = DONE;

        if (to && options_has(cli->options, "no-redirect"))
                return cli_usage(cli, "--redirect and --no-redirect contradict each other; give one.");
        if (to && !valid_host_name(to))
                return cli_usage(cli, "--redirect: \"%s\" is not a domain.", to);
        if (hsts)
                r = take_switch(cli, "hsts", hsts, &has_hsts);
        if (r != DONE)
                return r;
        if (to)
                r = json_object_set_new(body, "redirect_to", json_string(to));
        if (options_has(cli->options, "no-redirect"))
                r |= json_object_set_new(body, "redirect_to", json_null());
        if (hsts)
                r |= json_object_set_new(body, "hsts", has_hsts);
        if (options_has(cli->options, "primary"))
                r |= json_object_set_new(body, "primary", json_true());
        if (options_has(cli->options, "automatic"))
                r |= json_object_set_new(body, "source", json_string("acme"));
        return r == 0 ? DONE : cli_out_of_memory(cli);
}

int command_domains_add(const Cli *cli) {
        auto_json json_t *body = json_object();
        const char *name;
        int r;

        if (!cli_project_name(cli))
                return USAGE;
        name = domain_operand(cli, 1);
        if (!name)
                return USAGE;
        r = body && json_object_set_new(body, "name", json_string(name)) == 0 ? fill(cli, body) : cli_out_of_memory(cli);
        return r == DONE ? cli_ask_project(cli, "POST", "/domains", body, print_added) : r;
}

static int print_stored(const Cli *cli, const json_t *domain) {
        (void) cli;
        if (!pending_print(domain))
                say(stdout, "Stored, and in effect.\n");
        return DONE;
}

int command_domains_set(const Cli *cli) {
        auto_json json_t *body = json_object();
        int r = body ? fill(cli, body) : cli_out_of_memory(cli);

        if (r != DONE)
                return r;
        if (json_object_size(body) == 0)
                return cli_usage(cli, "Nothing to set: give at least one option, as in --hsts on.");
        return ask_domain(cli, "PATCH", "", body, print_stored);
}

int command_domains_remove(const Cli *cli) {
        const char *name = domain_operand(cli, 0);
        auto_free char *consequence = NULL;
        int r = DONE;

        if (!name)
                return USAGE;
        if (!options_has(cli->options, "yes")) {
                if (asprintf(&consequence, "Visitors of %s then get status 404, and its certificate is deleted.", name) < 0) {
                        consequence = NULL;
                        return cli_out_of_memory(cli);
                }
                r = ask_domain(cli, "GET", "", NULL, NULL); /* nobody should type the name of one that does not exist */
                if (r == DONE)
                        r = confirm_by_name(cli, name, "Removing", "removed", consequence);
        }
        if (r == DONE)
                r = ask_domain(cli, "DELETE", "", NULL, NULL);
        if (r == DONE && !cli->json)
                say(stdout, "%s is removed.\n", name);
        return r;
}

/* --- certificates --- */

static bool is_decided(const json_t *domain) {
        return is_state(domain, "valid") || is_state(domain, "failed") || *problem_of(domain);
}

static int print_checked(const Cli *cli, const json_t *domain) {
        char end[160];

        (void) cli;
        describe_end(domain, end, sizeof end);
        if (is_state(domain, "valid") && !*problem_of(domain))
                say(stdout, "%s is served by https. Its certificate ends %s.\n", member_text(domain, "name"), end);
        else if (!is_decided(domain))
                say(stdout, "%s is %s.\n", member_text(domain, "name"), member_text(domain, "state"));
        print_trouble(domain);
        return DONE;
}

/* Asks until there is an outcome. */
static int wait_for(const Cli *cli, const char *path, json_t **domain) {
        int r = follow(cli, path, PATIENCE_S, is_decided, domain);

        if (r == DONE && !is_decided(*domain))
                return cli_failed(cli, "timeout", "There is no outcome yet. Look again: `nanoscale domains list`.");
        return r;
}

int command_domains_check(const Cli *cli) {
        auto_free char *path = NULL, *check = NULL;
        auto_json json_t *body = json_pack("{s:b}", "force", (int) options_has(cli->options, "force")), *domain = NULL;
        int r = body ? find_path(cli, &path) : cli_out_of_memory(cli);

        if (r != DONE)
                return r;
        check = cli_path("%s/check", path);
        r = check ? cli_call(cli, "POST", check, body, &domain) : cli_out_of_memory(cli);
        if (r == DONE && !options_has(cli->options, "no-wait"))
                r = wait_for(cli, path, &domain);
        if (r == DONE)
                r = cli_print(cli, domain, print_checked);
        return r == DONE && *problem_of(domain) ? FAILED : r;
}

static int read_pem(const Cli *cli, const char *option, json_t *body, const char *key) {
        const char *path = options_get(cli->options, option);
        auto_close int fd = -1;
        size_t length = 0;
        char *text;
        int r;

        if (!path)
                return cli_usage(cli, "--%s is missing: give the file.", option);
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        text = fd >= 0 ? read_all(fd, &length) : NULL;
        if (!text)
                return cli_failed(cli, "file", "%s: %s.", path, strerror(errno));
        r = strlen(text) == length ? json_object_set_new(body, key, json_string(text)) : -1;
        explicit_bzero(text, length);
        free(text);
        return r == 0 ? DONE : cli_failed(cli, "file", "%s is not a text in PEM form.", path);
}

int command_domains_certificate(const Cli *cli) {
        auto_json json_t *body = json_object();
        int r = body ? read_pem(cli, "chain", body, "chain") : cli_out_of_memory(cli);

        if (r == DONE)
                r = read_pem(cli, "key", body, "key");
        return r == DONE ? ask_domain(cli, "PUT", "/certificate", body, print_checked) : r;
}
