/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Field lines: `key value` lines closed by `end`, the form of helper requests and runner specs (docs/design/interfaces.md).
 *
 * A Fields owns a copy of the text and an ordered list of its fields. Values are valid UTF-8 without control characters.
 * Keys are [a-z_]{1,32}. What keys a text may have, and which may repeat, is the caller's business: fields_check(). */
#pragma once

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct Fields Fields;

typedef struct {
        const char *key;
        bool required;
        bool repeats;
} FieldRule;

/* Reads a text from fd, appended to ret: up to its closing line, the end of the file, or until there are more than most bytes, which the
 * caller refuses. 0, or a negative errno. The alarm ends the process when that takes longer than so many seconds: for programs that serve
 * one request. */
int fields_read(int fd, size_t most, unsigned seconds, Text *ret);

/* Parses text of length bytes. 0 and *ret_fields, to be freed with fields_free(); -EBADMSG on a malformed or cut-off text, and
 * *ret_line then has the 1-based number of the first bad line (ret_line may be NULL); -ENOMEM. */
int fields_parse(const char *text, size_t length, Fields **ret_fields, size_t *ret_line);
Fields *fields_free(Fields *f); /* NULL-safe, returns NULL */
void fields_free_cleanup(Fields **f);

/* Checks that every key is in rules, that required ones are there and that only repeating ones repeat. 0, or -EBADMSG with the
 * offending key in *ret_key (points into rules or into f). */
int fields_check(const Fields *f, const FieldRule *rules, size_t n_rules, const char **ret_key);

size_t fields_count(const Fields *f);
/* The i-th field, in order of the text. */
const char *fields_key(const Fields *f, size_t i);
const char *fields_value(const Fields *f, size_t i);
/* Value of the first field with that key, or NULL. */
const char *fields_get(const Fields *f, const char *key);
/* Decimal value of key within [min, max], no sign, no leading zero; 0 and *ret, -ENOENT if absent, -ERANGE otherwise. */
int fields_get_number(const Fields *f, const char *key, unsigned long min, unsigned long max, unsigned long *ret);

/* Appends `key value\n` to the stream-like buffer that FieldWriter is. Errors stick: fields_finish() tells. */
typedef struct {
        char *text; /* owned */
        size_t length, size;
        int error;
} FieldWriter;

void fields_put(FieldWriter *w, const char *key, const char *value);
void fields_put_number(FieldWriter *w, const char *key, unsigned long value);
/* Appends a line as it is (a helper verb). */
void fields_put_line(FieldWriter *w, const char *line);
/* Appends `end`, hands the text over. 0; -EBADMSG if a key or value was not representable; -ENOMEM. */
int fields_finish(FieldWriter *w, char **ret_text, size_t *ret_length);
