/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "security/command.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define TEXT_MAX 4096
#define WORDS_MAX 128

typedef enum { PLAIN, SINGLE, DOUBLE } Quote;

typedef struct {
        char *argv[WORDS_MAX + 1];
        char bytes[TEXT_MAX +
                   1]; /* the words, each with its NUL; never longer than the text: a word's NUL takes a space's or a quote's place */
        size_t n_words, used;
        size_t at; /* offset of what was refused */
} Split;

static bool operator_char(char c, Quote quote) {
        return strchr(quote == DOUBLE ? "$`" : ";&|<>()`$*?[]{}~!#\n", c) != NULL;
}

/* Only printable characters may get into a word; a newline as an operator has its own answer. */
static int check_characters(const char *text, size_t length, Split *s) {
        for (size_t i = 0; i <= length;) {
                size_t piece = strcspn(text + i, "\n");

                if (!text_is_line(text + i, piece)) {
                        s->at = i;
                        return COMMAND_E_CONTROL;
                }
                i += piece + 1;
        }
        return COMMAND_OK;
}

static int scan(const char *text, Split *s) {
        Quote quote = PLAIN;
        size_t opened = 0;
        bool in_word = false;

        for (size_t i = 0; text[i]; i++) {
                char c = text[i];

                s->at = i;
                if (c == ' ' && quote == PLAIN) {
                        if (in_word)
                                s->bytes[s->used++] = '\0';
                        in_word = false;
                        continue;
                }
                if (quote != SINGLE && operator_char(c, quote))
                        return COMMAND_E_OPERATOR;
                if (!in_word) {
                        if (s->n_words == WORDS_MAX)
                                return COMMAND_E_LONG;
                        s->argv[s->n_words++] = s->bytes + s->used;
                        in_word = true;
                }
                if (c == '\'' && quote != DOUBLE) {
                        quote = quote == SINGLE ? PLAIN : SINGLE;
                        opened = i;
                        continue;
                }
                if (c == '"' && quote != SINGLE) {
                        quote = quote == DOUBLE ? PLAIN : DOUBLE;
                        opened = i;
                        continue;
                }
                if (c == '\\' && quote != SINGLE) {
                        c = text[++i];
                        if (!c)
                                return COMMAND_E_QUOTE;
                }
                if (c == '\n') /* quoted or escaped: nothing that a start command needs, and no spec could carry it */
                        return COMMAND_E_CONTROL;
                s->bytes[s->used++] = c;
        }
        if (quote != PLAIN) {
                s->at = opened;
                return COMMAND_E_QUOTE;
        }
        if (in_word)
                s->bytes[s->used++] = '\0';
        return COMMAND_OK;
}

/* What the first word, the program, must not be. */
static int check_program(const char *word) {
        size_t name = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

        if (!*word)
                return COMMAND_E_EMPTY;
        if (*word == '-')
                return COMMAND_E_DASH;
        if (name > 0 && word[name] == '=' && (*word < '0' || *word > '9'))
                return COMMAND_E_ASSIGN;
        return COMMAND_OK;
}

static int hand_out(const Split *s, char ***ret_argv) {
        size_t pointers = (s->n_words + 1) * sizeof(char *);
        char **argv = malloc(pointers + s->used);
        char *bytes;

        if (!argv)
                return -ENOMEM;
        bytes = (char *) argv + pointers;
        memcpy(bytes, s->bytes, s->used);
        for (size_t i = 0; i < s->n_words; i++)
                argv[i] = bytes + (s->argv[i] - s->bytes);
        argv[s->n_words] = NULL;
        *ret_argv = argv;
        return COMMAND_OK;
}

int command_split(const char *text, char ***ret_argv, size_t *ret_at) {
        Split s = { 0 };
        size_t length = strnlen(text, TEXT_MAX + 1);
        int r;

        r = length > TEXT_MAX ? COMMAND_E_LONG : check_characters(text, length, &s);
        if (r == COMMAND_OK)
                r = scan(text, &s);
        if (r == COMMAND_OK) {
                s.at = 0;
                r = s.n_words == 0 ? COMMAND_E_EMPTY : check_program(s.argv[0]);
        }
        if (ret_at)
                *ret_at = s.at;
        if (r != COMMAND_OK || !ret_argv)
                return r;
        return hand_out(&s, ret_argv);
}

const char *command_explain(int code) {
        static const char *const sentences[] = {
                [COMMAND_OK] = "the command is fine",
                [COMMAND_E_EMPTY] = "the command is empty; name a program, for instance `bun run start`",
                [COMMAND_E_OPERATOR] =
                                ("no shell reads the command, so operators and expansions do not work; put the line into a script of "
                                 "package.json and use `bun run NAME`, or quote the character"),
                [COMMAND_E_QUOTE] = "a quote is not closed or a backslash stands at the end",
                [COMMAND_E_CONTROL] = "the command has a control character or is not UTF-8; type it on one line, with spaces between words",
                [COMMAND_E_LONG] = "the command is too long; put it into a script of package.json and use `bun run NAME`",
                [COMMAND_E_ASSIGN] = "the command starts with NAME=value; set that variable in the project's environment instead",
                [COMMAND_E_DASH] = "the command starts with a dash; the first word must be a program",
        };

        if (code < 0 || (size_t) code >= ELEMENTS(sentences))
                return "the command could not be read";
        return sentences[code];
}
