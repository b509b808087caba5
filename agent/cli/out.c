/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "out.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "clean.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

static struct { bool terminal, colour, utf8; } out;

void out_init(void) {
        const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

        (void) setlocale(LC_CTYPE, "");
        out.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
        out.terminal = isatty(STDOUT_FILENO) == 1;
        out.colour = out.terminal && term && *term && strcmp(term, "dumb") != 0 && !(no_color && *no_color);
}

bool out_is_live(void) {
        return out.colour;
}

bool out_is_utf8(void) {
        return out.utf8;
}

size_t out_columns(void) {
        struct winsize size = { 0 };

        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 20)
                return 80;
        return size.ws_col;
}

static __attribute__((format(printf, 3, 0))) void vsay(FILE *f, size_t columns, const char *format, va_list args) {
        auto_free char *raw = NULL;
        auto_call(text_cleanup) Text text = { 0 };
        size_t length = strlen(format);

        if (vasprintf(&raw, format, args) < 0) {
                raw = NULL;
                return;
        }
        (void) clean_put(&text, raw, strlen(raw), columns);
        if (text.data && !text.error)
                (void) fwrite(text.data, 1, text.length, f);
        if (length > 0 && format[length - 1] == '\n')
                (void) fputc('\n', f);
}

void say(FILE *f, const char *format, ...) {
        va_list args;

        va_start(args, format);
        vsay(f, CLEAN_ALL, format, args);
        va_end(args);
}

void say_cut(FILE *f, size_t columns, const char *format, ...) {
        va_list args;

        va_start(args, format);
        vsay(f, columns, format, args);
        va_end(args);
}

static const char *next_style(const char *s) {
        while ((s = strchr(s, '\033')) && !text_style(s, strlen(s)))
                s++;
        return s;
}

static void put_clean(const char *s, size_t length) {
        auto_call(text_cleanup) Text text = { 0 };

        (void) clean_put(&text, s, length, CLEAN_ALL);
        if (text.data && !text.error)
                (void) fwrite(text.data, 1, text.length, stdout);
}

void say_printed(const char *line) {
        bool styled = false;

        for (const char *end; *line; line = end) {
                size_t style = text_style(line, strlen(line));

                if (style) {
                        end = line + style;
                        styled = out.colour;
                        if (out.colour)
                                (void) fwrite(line, 1, style, stdout);
                } else {
                        end = next_style(line + 1);
                        end = end ? end : line + strlen(line);
                        put_clean(line, (size_t) (end - line));
                }
        }
        (void) fputs(styled ? "\033[0m\n" : "\n", stdout);
}

void complain(const char *format, ...) {
        va_list args;

        (void) fflush(stdout);
        (void) fputs("nanoscale: ", stderr);
        va_start(args, format);
        vsay(stderr, CLEAN_ALL, format, args);
        va_end(args);
        (void) fputc('\n', stderr);
}

void out_style(FILE *f, Style style) {
        static const char *const codes[] = {
                [STYLE_PLAIN] = "\033[0m",  [STYLE_DIM] = "\033[2m",  [STYLE_BOLD] = "\033[1m",
                [STYLE_GREEN] = "\033[32m", [STYLE_RED] = "\033[31m", [STYLE_YELLOW] = "\033[33m",
        };

        if (f == stdout && out.colour)
                (void) fputs(codes[style], f);
}

void out_cursor_up(size_t lines) {
        if (out.colour && lines > 0)
                (void) printf("\033[%zuA", lines);
}

void out_clear_below(void) {
        if (out.colour)
                (void) fputs("\r\033[J", stdout);
}

void out_cursor_show(bool show) {
        if (out.colour)
                (void) fputs(show ? "\033[?25h" : "\033[?25l", stdout);
}

void out_json(FILE *f, const json_t *json) {
        /* To a terminal in ASCII alone: an escape sequence could hide in C1 characters, which JSON lets pass. */
        char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY | (isatty(fileno(f)) ? (size_t) JSON_ENSURE_ASCII : 0));

        if (!text)
                return;
        for (const char *c = text; *c; c++)
                if (*c == 0x7f)
                        (void) fputs("\\u007f", f); /* can only stand in a string */
                else
                        (void) fputc(*c, f);
        (void) fputc('\n', f);
        free(text);
        (void) fflush(f);
}

struct Table {
        char **cells; /* owned, row by row, the first row is the heads */
        size_t n_columns, n_rows;
};

int table_row(Table *t, const char *const *cells) {
        char **more = reallocarray(t->cells, (t->n_rows + 1) * t->n_columns, sizeof *more);

        if (!more)
                return -ENOMEM;
        t->cells = more;
        for (size_t i = 0; i < t->n_columns; i++) {
                char *copy = strdup(cells[i] && *cells[i] ? cells[i] : "-");

                if (!copy) {
                        while (i-- > 0)
                                free(more[t->n_rows * t->n_columns + i]);
                        return -ENOMEM;
                }
                more[t->n_rows * t->n_columns + i] = copy;
        }
        t->n_rows++;
        return 0;
}

int table_new(const char *const *headers, size_t n_columns, Table **ret_table) {
        Table *t;

        if (n_columns > TABLE_MAX_COLUMNS)
                return -EINVAL;
        t = calloc(1, sizeof *t);
        if (!t)
                return -ENOMEM;
        t->n_columns = n_columns;
        if (table_row(t, headers) < 0) {
                (void) table_free(t);
                return -ENOMEM;
        }
        *ret_table = t;
        return 0;
}

Table *table_free(Table *t) {
        if (!t)
                return NULL;
        for (size_t i = 0; i < t->n_rows * t->n_columns; i++)
                free(t->cells[i]);
        free(t->cells);
        free(t);
        return NULL;
}

void table_free_cleanup(Table **t) {
        (void) table_free(*t);
}

static size_t column_width(const Table *t, size_t column) {
        size_t width = 0;

        for (size_t row = 0; row < t->n_rows; row++) {
                size_t w = clean_width(t->cells[row * t->n_columns + column]);

                width = w > width ? w : width;
        }
        return width;
}

void table_print(const Table *t) {
        size_t widths[TABLE_MAX_COLUMNS] = { 0 };

        for (size_t column = 0; column + 1 < t->n_columns; column++)
                widths[column] = column_width(t, column) + 2;
        for (size_t row = 0; row < t->n_rows; row++) {
                if (row == 0)
                        out_style(stdout, STYLE_DIM);
                for (size_t column = 0; column < t->n_columns; column++) {
                        const char *cell = t->cells[row * t->n_columns + column];

                        say(stdout, "%s", cell);
                        for (size_t w = clean_width(cell); w < widths[column]; w++)
                                (void) fputc(' ', stdout);
                }
                if (row == 0)
                        out_style(stdout, STYLE_PLAIN);
                (void) fputc('\n', stdout);
        }
}
