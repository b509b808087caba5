/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Small questions about text, and a text that grows.
 *
 * A Text starts as { 0 }. Errors stick (an allocation that failed, a format that did): everything after one is ignored and text_take()
 * reports it, so that a renderer is a list of text_printf() calls without a check after each. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Well-formed UTF-8: no overlong forms, surrogates or code points above U+10FFFF. NUL is an ordinary character here. */
bool text_is_utf8(const char *s, size_t length);
/* Well-formed UTF-8 without control characters: C0, DEL and C1 (U+0080 … U+009F, which some terminals obey as escapes). */
bool text_is_line(const char *s, size_t length);

/* Length of the sequence at s with which a terminal changes how text looks and nothing else (`ESC [ 1;31 m`, ECMA-48's SGR); 0: there is
 * none, or it is longer than 40 bytes. */
size_t text_style(const char *s, size_t length);
/* A copy without these; NULL when memory ran out. */
char *text_without_styles(const char *s);

/* Makes s a line for which text_is_line() holds: unless it is one, every byte that is not printable ASCII becomes '?'. */
void text_make_line(char *s);

bool text_starts(const char *s, const char *prefix);

/* True if s is a decimal number in [min, max] without sign or leading zero; *ret then has it (ret may be NULL). */
bool text_to_number(const char *s, unsigned long min, unsigned long max, unsigned long *ret);

/* Decodes lower-case hex digits into a new string with a NUL behind it. 0; -EBADMSG (odd length, other characters, a NUL byte inside: the
 * result is a C string); -ENOMEM. */
int text_from_hex(const char *hex, char **ret);

typedef struct {
        char *data; /* owned, NUL-terminated once anything was put */
        size_t length, size;
        int error;
} Text;

void text_put(Text *t, const char *s, size_t length);
void text_puts(Text *t, const char *s);
void text_printf(Text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Hands the text over and empties t. 0 or the error that stuck; ret_length may be NULL. */
int text_take(Text *t, char **ret, size_t *ret_length);
void text_cleanup(Text *t); /* for auto_call() */
