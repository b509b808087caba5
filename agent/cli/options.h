/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Command lines from tables: what a command takes is data, from which both the parser and `nanoscale help` are made. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct {
        const char *name;  /* without the dashes */
        char letter;       /* 0: none */
        const char *value; /* what stands for the value in the help; NULL: a flag */
        bool repeats;
        const char *help;
} Option;

/* A list of options ends with a NULL name; a command has up to three lists (its own, and shared ones). */
#define OPTION_LISTS 3

typedef struct Options Options;

/* Parses argv; options and operands in any order, "--" ends the options. On success 0 and *ret_options, which borrows argv.
 * -EINVAL and *ret_sentence (owned by the caller) when the command line is not what the lists allow; -ENOMEM. */
int options_parse(const Option *const lists[OPTION_LISTS], int argc, char **argv, Options **ret_options, char **ret_sentence);
Options *options_free(Options *o);
void options_free_cleanup(Options **o);

size_t options_operands(const Options *o);
const char *options_operand(const Options *o, size_t i);
bool options_has(const Options *o, const char *name);
/* The last value given, or NULL. */
const char *options_get(const Options *o, const char *name);
/* Calls each(owner, value) for every value given, in order, until one returns non-zero, and returns that. */
int options_each(const Options *o, const char *name, int (*each)(void *owner, const char *value), void *owner);
