/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ask.h"
#include "base/cleanup.h"
#include "commands.h"
#include "draft.h"
#include "out.h"
#include "security/validate.h"
#include "server.h"

#include <errno.h>
#include <string.h>

static int print(const Cli *cli, const json_t *answer) {
        static const char *const heads[] = { "KEY", "VALUE", "LENGTH" };
        const char *name = options_operand(cli->options, 0);
        const json_t *env = json_object_get(answer, "env"), *variable;
        auto_call(table_free_cleanup) Table *table = NULL;
        size_t i;

        if (pending_print(answer))
                return DONE;
        if (table_new(heads, ELEMENTS(heads), &table) < 0)
                return cli_out_of_memory(cli);
        json_array_foreach(env, i, variable) {
                char length[24];

                (void) snprintf(length, sizeof length, "%" JSON_INTEGER_FORMAT, member_number(variable, "length", 0));
                if (table_row(table, (const char *[]){ member_text(variable, "key"), member_text(variable, "masked"), length }) < 0)
                        return cli_out_of_memory(cli);
        }
        if (json_array_size(env) > 0)
                table_print(table);
        else
                say(stdout, "%s has no environment variables.\n", name);
        if (member_is_true(answer, "changed_since_deploy") && !options_has(cli->options, "restart"))
                say(stdout, "What was changed takes effect with the next deployment or restart: `nanoscale restart %s`\n", name);
        return DONE;
}

int command_env_list(const Cli *cli) {
        return cli_ask_project(cli, "GET", "/env", NULL, print);
}

static int change(const Cli *cli, const char *what, json_t *value) {
        auto_json json_t *body = json_pack("{s:O}", what, value);
        int r = body ? cli_ask_project(cli, "PATCH", "/env", body, print) : cli_out_of_memory(cli);

        return r == DONE && options_has(cli->options, "restart") ? command_restart(cli) : r;
}

/* The value of a KEY without =: asked for on a terminal, else all of standard input without the last newline. */
static int set_hidden(const Cli *cli, json_t *set, const char *key, bool *stdin_used) {
        auto_free char *value = NULL, *question = NULL;

        if (!valid_env_key(key))
                return cli_usage(cli,
                                 "\"%s\" is not a name for an environment variable: use letters, digits and underscores, and no digit "
                                 "first.",
                                 key);
        if (isatty(STDIN_FILENO) != 1) {
                if (*stdin_used)
                        return cli_usage(cli, "Only one value can be read from standard input; give several as a .env file with \"-\".");
                *stdin_used = true;
        }
        if (asprintf(&question, "Value of %s (it is not shown): ", key) < 0) {
                question = NULL;
                return cli_out_of_memory(cli);
        }
        value = ask_or_read(question);
        if (!value && errno == EINTR)
                return INTERRUPTED;
        if (!value && errno == EILSEQ)
                return cli_failed(cli, "value", "%s: the value has a NUL byte.", key);
        if (!value)
                return cli_failed(cli, "value", "The value of %s could not be read: %s.", key, strerror(errno));
        if (!valid_env_value(value))
                return cli_failed(cli, "value", "%s: the value has a control character, is not UTF-8 or is over 32 KiB.", key);
        return json_object_set_new(set, key, json_string(value)) < 0 ? cli_out_of_memory(cli) : DONE;
}

typedef struct {
        const Cli *cli;
        json_t *set;
        bool stdin_used, in_history;
} Setting;

static int set_file(Setting *s, const char *path) {
        if (strcmp(path, "-") == 0) {
                if (s->stdin_used)
                        return cli_usage(s->cli, "Standard input can be read once only.");
                s->stdin_used = true;
        }
        return env_fill_file(s->cli, s->set, path);
}

static int set_word(Setting *s, const char *word) {
        if (strcmp(word, "-") == 0)
                return set_file(s, word);
        if (!strchr(word, '='))
                return set_hidden(s->cli, s->set, word, &s->stdin_used);
        s->in_history = true;
        return env_fill_pair(s->cli, s->set, word);
}

int command_env_set(const Cli *cli) {
        const char *name = cli_project_name(cli), *file = options_get(cli->options, "file");
        auto_json json_t *set = json_object();
        Setting setting = { .cli = cli, .set = set };
        int r = DONE;

        if (!name)
                return USAGE;
        if (!set)
                return cli_out_of_memory(cli);
        if (file)
                r = set_file(&setting, file);
        for (size_t i = 1; r == DONE && i < options_operands(cli->options); i++)
                r = set_word(&setting, options_operand(cli->options, i));
        if (r != DONE)
                return r;
        if (json_object_size(set) == 0)
                return cli_usage(cli, "Nothing to set: give KEY=VALUE, KEY, \"-\" or --file FILE.");
        if (setting.in_history && isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1)
                complain("The value now stands in the shell's history. For a secret: `nanoscale env set %s KEY` asks for it.", name);
        return change(cli, "set", set);
}

int command_env_unset(const Cli *cli) {
        auto_json json_t *unset = json_array();

        if (!cli_project_name(cli))
                return USAGE;
        if (!unset)
                return cli_out_of_memory(cli);
        for (size_t i = 1; i < options_operands(cli->options); i++) {
                const char *key = options_operand(cli->options, i);

                if (!valid_env_key(key))
                        return cli_usage(cli, "\"%s\" is not a name for an environment variable.", key);
                if (json_array_append_new(unset, json_string(key)) < 0)
                        return cli_out_of_memory(cli);
        }
        return change(cli, "unset", unset);
}
