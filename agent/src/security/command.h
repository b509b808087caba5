/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A user's command line becomes an argv here, never in a shell. Words are separated by spaces; single and double quotes group; a
 * backslash escapes the next character outside single quotes. Shell operators and expansions outside quotes are refused, so that nobody
 * believes that they work: ; & | < > ( ) ` $ * ? [ ] { } ~ ! # and newline, and $ or ` inside double quotes as well. */
#pragma once

#include <stddef.h>

enum {
        COMMAND_OK = 0,
        COMMAND_E_EMPTY,    /* no word */
        COMMAND_E_OPERATOR, /* shell operator or expansion; *ret_at is its offset */
        COMMAND_E_QUOTE,    /* quote without end, or a lone backslash at the end; *ret_at is its offset */
        COMMAND_E_CONTROL,  /* control character or invalid UTF-8 */
        COMMAND_E_LONG,     /* over 4096 bytes or 128 words */
        COMMAND_E_ASSIGN,   /* first word is NAME=value: an env var belongs into the project's environment */
        COMMAND_E_DASH,     /* first word starts with a dash */
};

/* Splits text. COMMAND_OK and *ret_argv, NULL-terminated, one block to be freed with free(); a positive code above; -ENOMEM.
 * ret_argv NULL checks only. ret_at may be NULL. */
int command_split(const char *text, char ***ret_argv, size_t *ret_at);

/* A sentence for people: what is wrong and what to do instead ("… is a shell operator; put the command line into a script of
 * package.json and use `bun run NAME`"). Static text. */
const char *command_explain(int code);
