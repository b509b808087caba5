/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* nanoscale: the command line. Finds the command in the table, parses its options, runs it. */
#include "base/cleanup.h"
#include "base/paths.h"
#include "commands.h"
#include "draft.h"
#include "out.h"

#include <errno.h>
#include <string.h>

static const Option shared_options[] = {
        { "json", 0, NULL, false, "print the API's JSON (of a stream: one object a line), errors as problem documents" },
        { "socket", 0, "PATH", false, "the agent's socket (" NS_AGENT_SOCKET ")" },
        { "help", 'h', NULL, false, "explain the command" },
        { "version", 0, NULL, false, "print the version" },
        { 0 },
};

#define LIST_MAX 48

/* Joins up to three lists: options_parse() takes as many, and a command may have four. */
static void join(Option list[static LIST_MAX], const Option *first, const Option *second) {
        const Option *const both[] = { first, second };
        size_t n = 0;

        for (size_t l = 0; l < ELEMENTS(both); l++)
                for (const Option *o = both[l]; o && o->name && n < LIST_MAX - 1; o++)
                        list[n++] = *o;
        list[n] = (Option){ 0 };
}

static void print_options(const Option *list) {
        for (; list && list->name; list++) {
                char left[64];

                (void) snprintf(left, sizeof left, "%s%c%s--%s %s", list->letter ? "-" : "  ", list->letter ? list->letter : ' ',
                                list->letter ? ", " : " ", list->name, list->value ? list->value : "");
                say(stdout, "  %-30s %s\n", left, list->help);
        }
}

/* Words of our own, in lines of at most 80 columns. */
static void print_wrapped(const char *text) {
        while (*text) {
                size_t length = strlen(text);

                if (length > 80)
                        for (length = 80; length > 1 && text[length] != ' ';)
                                length--;
                say(stdout, "%.*s\n", (int) length, text);
                text += length;
                while (*text == ' ')
                        text++;
        }
}

static void print_command(const Command *c) {
        say(stdout, "nanoscale %s%s%s [options]: %s\n", c->words, *c->operands ? " " : "", c->operands, c->summary);
        if (c->text) {
                (void) fputc('\n', stdout);
                print_wrapped(c->text);
        }
        (void) fputs("\nOptions:\n", stdout);
        print_options(c->own);
        print_options(c->settings ? draft_options() : NULL);
        print_options(c->env);
        print_options(shared_options);
}

/* All commands, or those that begin with the word. Returns how many. */
static size_t print_overview(const char *word) {
        size_t found = 0;

        if (!word)
                (void) fputs("nanoscale COMMAND [options]: a small platform for Next.js, Node.js and Bun apps on your own "
                             "servers\n\nCommands:\n",
                             stdout);
        for (size_t i = 0; i < n_commands; i++) {
                char left[64];
                size_t length = word ? strlen(word) : 0;

                if (word &&
                    (strncmp(commands[i].words, word, length) != 0 || (commands[i].words[length] != ' ' && commands[i].words[length])))
                        continue;
                found++;
                (void) snprintf(left, sizeof left, "%s %s", commands[i].words, commands[i].operands);
                say(stdout, "  %-42s %s\n", left, commands[i].summary);
        }
        if (!word) {
                (void) fputs("\n`nanoscale help COMMAND` explains a command with its options.\n\nOptions of every command:\n", stdout);
                print_options(shared_options);
                (void) fputs("\nExit codes: 0 done, 1 failed, 2 wrong command line, 3 the agent cannot be reached.\n", stdout);
        }
        return found;
}

/* The command whose words begin argv. *ret_taken is their number. */
static const Command *find(int argc, char **argv, int *ret_taken) {
        for (size_t i = 0; i < n_commands; i++) {
                const char *words = commands[i].words, *space = strchr(words, ' ');
                size_t first = space ? (size_t) (space - words) : strlen(words);

                if (argc < 1 || strlen(argv[0]) != first || memcmp(argv[0], words, first) != 0)
                        continue;
                if (space && (argc < 2 || strcmp(argv[1], space + 1) != 0))
                        continue;
                *ret_taken = space ? 2 : 1;
                return &commands[i];
        }
        return NULL;
}

static int help(const Cli *cli, int argc, char **argv) {
        int taken = 0;
        const Command *c = find(argc, argv, &taken);

        if (argc == 0)
                (void) print_overview(NULL);
        else if (c)
                print_command(c);
        else if (print_overview(argv[0]) == 0)
                return cli_usage(cli, "There is no command \"%s\".", argv[0]);
        return DONE;
}

static int run(Cli *cli, const Command *c, const char *socket_path, int argc, char **argv) {
        Option own[LIST_MAX], more[LIST_MAX];
        const Option *const lists[OPTION_LISTS] = { own, more, shared_options };
        auto_call(options_free_cleanup) Options *options = NULL;
        auto_call(client_free_cleanup) Client *client = NULL;
        auto_free char *sentence = NULL;
        const char *second = strchr(c->operands, ' ');
        size_t operands;
        int r;

        join(own, c->own, c->settings ? draft_options() : NULL);
        join(more, c->env, NULL);
        cli->command = c->words;
        for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
                cli->json = cli->json || strcmp(argv[i], "--json") == 0; /* so that a wrong command line is reported as wanted, too */
        r = options_parse(lists, argc, argv, &options, &sentence);
        if (r == -EINVAL)
                return cli_usage(cli, "%s", sentence);
        if (r < 0)
                return cli_out_of_memory(cli);
        cli->options = options;
        cli->json = cli->json || options_has(options, "json");
        if (options_has(options, "help")) {
                print_command(c);
                return DONE;
        }
        operands = options_operands(options);
        if (operands < c->min_operands)
                return cli_usage(cli, "%.*s is missing.", (int) (second && operands > 0 ? strcspn(second + 1, " ") : strlen(c->operands)),
                                 second && operands > 0 ? second + 1 : c->operands);
        if (operands > c->max_operands)
                return cli_usage(cli, "\"%s\" is one word too many.", options_operand(options, c->max_operands));
        if (options_get(options, "socket"))
                socket_path = options_get(options, "socket");
        if (client_new(socket_path, &client) < 0)
                return cli_out_of_memory(cli);
        cli->client = client;
        return c->run(cli);
}

static int dispatch(Cli *cli, int argc, char **argv) {
        const char *socket_path = NS_AGENT_SOCKET, *second;
        const Command *c;
        int i = 1, taken = 0;

        for (; i < argc && argv[i][0] == '-'; i++) {
                if (strcmp(argv[i], "--json") == 0)
                        cli->json = true;
                else if (strcmp(argv[i], "--socket") == 0 && i + 1 < argc)
                        socket_path = argv[++i];
                else if (strcmp(argv[i], "--version") == 0) {
                        say(stdout, "nanoscale %s\n", NANOSCALE_VERSION);
                        return DONE;
                } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
                        return help(cli, 0, NULL);
                else
                        return cli_usage(cli, "%s is not an option that can stand before a command.", argv[i]);
        }
        if (i == argc) {
                (void) print_overview(NULL);
                return USAGE;
        }
        if (strcmp(argv[i], "help") == 0)
                return help(cli, argc - i - 1, argv + i + 1);
        c = find(argc - i, argv + i, &taken);
        if (c)
                return run(cli, c, socket_path, argc - i - taken, argv + i + taken);
        second = i + 1 < argc && argv[i + 1][0] != '-' ? argv[i + 1] : NULL;
        if (!second && print_overview(argv[i]) > 0)
                return USAGE;
        return cli_usage(cli, "There is no command \"%s%s%s\".", argv[i], second ? " " : "", second ? second : "");
}

int main(int argc, char **argv) {
        Cli cli = { 0 };
        int r;

        out_init();
        r = dispatch(&cli, argc, argv);
        if ((fflush(stdout) != 0 || ferror(stdout)) && r == DONE)
                return cli_failed(&cli, "output", "Standard output could not be written: %s.", strerror(errno));
        return r;
}
