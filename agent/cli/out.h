/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the CLI writes. Every text goes through say(): it takes control characters out of the whole formatted line, so that no command can
 * forget it. Colours and cursor movements have functions of their own and are silent where the output is no terminal. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef enum {
        STYLE_PLAIN,
        STYLE_DIM,
        STYLE_BOLD,
        STYLE_GREEN,
        STYLE_RED,
        STYLE_YELLOW,
} Style;

/* Looks at the terminal and the environment (TERM, NO_COLOR); to be called once, at the start. */
void out_init(void);
/* Standard output is a terminal that moves its cursor, and NO_COLOR is not set. */
bool out_is_live(void);
bool out_is_utf8(void);
/* Columns of the terminal; 80 when it does not tell. */
size_t out_columns(void);

/* Prints the format without control characters; a newline is printed only where the format itself ends with one. */
void say(FILE *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same, cut off after columns. */
void say_cut(FILE *f, size_t columns, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* A line that a program printed, to standard output: where that shows colours, the line's own as well (text_style()). */
void say_printed(const char *line);
/* "nanoscale: …" on standard error, one line. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

void out_style(FILE *f, Style style);
/* For the list that is updated in place. */
void out_cursor_up(size_t lines);
void out_clear_below(void);
void out_cursor_show(bool show);

/* One JSON document on one line. */
void out_json(FILE *f, const json_t *json);

/* Aligned columns: rows of n_columns cells, at most TABLE_MAX_COLUMNS; the strings are copied, NULL or "" shows as "-". */
#define TABLE_MAX_COLUMNS 10
typedef struct Table Table;

int table_new(const char *const *headers, size_t n_columns, Table **ret_table);
Table *table_free(Table *t);
void table_free_cleanup(Table **t);
int table_row(Table *t, const char *const *cells);
void table_print(const Table *t);
