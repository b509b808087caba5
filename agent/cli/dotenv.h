/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Parser of .env files.
 *
 *     # a comment
 *     export KEY=value          # `export` is allowed; a comment after an unquoted value needs a space in front
 *     KEY='as it is, over as many lines as it takes'
 *     KEY="with \n, \t, \\, \" and \$; any other backslash stays"
 *
 * Nothing is expanded: $ is a character like others. A key that comes again replaces the earlier one. What is not understood is an error
 * with a line number: a secret is never cut off in silence. */
#pragma once

#include <stddef.h>

typedef struct Dotenv Dotenv;

/* Parses length bytes. 0 and *ret_env; -EBADMSG, and then *ret_line (from 1) and *ret_sentence (static text) say what is wrong; -ENOMEM. */
int dotenv_parse(const char *text, size_t length, Dotenv **ret_env, size_t *ret_line, const char **ret_sentence);
Dotenv *dotenv_free(Dotenv *e); /* NULL-safe, returns NULL */
void dotenv_free_cleanup(Dotenv **e);

size_t dotenv_count(const Dotenv *e);
const char *dotenv_key(const Dotenv *e, size_t i);
const char *dotenv_value(const Dotenv *e, size_t i);
