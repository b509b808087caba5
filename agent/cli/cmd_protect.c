/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who may visit a project, and how. */
#include "ask.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "commands.h"
#include "draft.h"
#include "out.h"
#include "security/validate.h"
#include "server.h"

#include <errno.h>
#include <string.h>

static int fill_gate(const Cli *cli, json_t *draft) {
        const char *user = options_get(cli->options, "password-user");
        json_t *gate = NULL;
        char *password;
        int r;

        if (user && options_has(cli->options, "no-password"))
                return cli_usage(cli, "--password-user and --no-password contradict each other; give one.");
        if (options_has(cli->options, "no-password"))
                return json_object_set_new(draft, "gate", json_null()) == 0 ? DONE : cli_out_of_memory(cli);
        if (!user)
                return DONE;
        password = ask_or_read("Password for visitors (it is not shown): "); /* never an argument: the process list would show it */
        if (!password && errno == EINTR)
                return INTERRUPTED;
        if (!password && errno == EILSEQ)
                return cli_failed(cli, "value", "The password has a NUL byte.");
        if (!password)
                return cli_failed(cli, "value", "The password could not be read: %s.", strerror(errno));
        gate = json_pack("{s:s, s:s}", "user", user, "password", password);
        explicit_bzero(password, strlen(password));
        free(password);
        r = gate ? json_object_set_new(draft, "gate", gate) : -1;
        return r == 0 ? DONE : cli_usage(cli, "The user or the password is not UTF-8 text.");
}

static int add_network(void *list, const char *value) {
        return valid_cidr(value) ? json_array_append_new(list, json_string(value)) : 1;
}

static int fill_networks(const Cli *cli, json_t *draft) {
        auto_json json_t *list = json_array();
        int r;

        if (options_has(cli->options, "allow") && options_has(cli->options, "allow-all"))
                return cli_usage(cli, "--allow and --allow-all contradict each other; give one.");
        if (!options_has(cli->options, "allow") && !options_has(cli->options, "allow-all"))
                return DONE;
        r = list ? options_each(cli->options, "allow", add_network, list) : -1;
        if (r > 0)
                return cli_usage(cli, "--allow takes networks such as 203.0.113.0/24, 203.0.113.7/32 or 2001:db8::/32.");
        return r == 0 && json_object_set(draft, "allow", list) == 0 ? DONE : cli_out_of_memory(cli);
}

static int fill_switch(const Cli *cli, json_t *draft, const char *option, const char *field) {
        const char *value = options_get(cli->options, option);
        json_t *state = NULL;
        int r = value ? take_switch(cli, option, value, &state) : DONE;

        if (!value || r != DONE)
                return r;
        return json_object_set_new(draft, field, state) == 0 ? DONE : cli_out_of_memory(cli);
}

static int fill_rate(const Cli *cli, json_t *draft) {
        const char *value = options_get(cli->options, "rate");
        unsigned long rate;

        if (!value)
                return DONE;
        if (!text_to_number(value, 0, 10000, &rate))
                return cli_usage(cli, "--rate: \"%s\" is not a number up to 10000; 0 is no limit.", value);
        return json_object_set_new(draft, "rate", json_integer((json_int_t) rate)) == 0 ? DONE : cli_out_of_memory(cli);
}

static void print_networks(const json_t *list) {
        const json_t *network;
        size_t i;

        say(stdout, "visitors    ");
        json_array_foreach(list, i, network) say(stdout, " %s", json_string_value(network) ? json_string_value(network) : "");
        say(stdout, "%s\n", json_array_size(list) == 0 ? " from everywhere" : " only");
}

static int print(const Cli *cli, const json_t *project) {
        const char *user = member_text(json_object_get(project, "gate"), "user");
        json_int_t rate = member_number(project, "rate", 0);

        (void) cli;
        if (pending_print(project))
                return DONE;
        say(stdout, "password     %s%s\n", *user ? "is asked for, user " : "none", user);
        print_networks(json_object_get(project, "allow"));
        if (rate > 0)
                say(stdout, "rate         %" JSON_INTEGER_FORMAT " requests a second of one address\n", rate);
        else
                say(stdout, "rate         no limit\n");
        say(stdout, "maintenance  %s\n", member_is_true(project, "maintenance") ? "on: visitors get a page with status 503" : "off");
        say(stdout, "headers      %s\n", member_is_true(project, "security_headers") ? "on" : "off");
        if (*member_text(project, "site_problem"))
                say(stdout, "nginx does not have this yet: %s\n", member_text(project, "site_problem"));
        return DONE;
}

int command_projects_protect(const Cli *cli) {
        auto_json json_t *draft = json_object();
        int r;

        if (!cli_project_name(cli))
                return USAGE;
        r = draft ? fill_networks(cli, draft) : cli_out_of_memory(cli);
        if (r == DONE)
                r = fill_rate(cli, draft);
        if (r == DONE)
                r = fill_switch(cli, draft, "maintenance", "maintenance");
        if (r == DONE)
                r = fill_switch(cli, draft, "headers", "security_headers");
        if (r == DONE) /* asked for last: nobody types a password for a wrong command line */
                r = fill_gate(cli, draft);
        if (r != DONE)
                return r;
        return cli_ask_project(cli, json_object_size(draft) > 0 ? "PATCH" : "GET", "", json_object_size(draft) > 0 ? draft : NULL, print);
}
