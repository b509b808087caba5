/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "dotenv.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "security/validate.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

typedef struct {
        char *key, *value; /* owned */
} Pair;

struct Dotenv {
        Pair *pairs;
        size_t n;
};

typedef struct {
        const char *at, *end;
        size_t line;
        const char *sentence;
        Dotenv *env;
} Reader;

Dotenv *dotenv_free(Dotenv *e) {
        if (!e)
                return NULL;
        for (size_t i = 0; i < e->n; i++) {
                free(e->pairs[i].key);
                free(e->pairs[i].value);
        }
        free(e->pairs);
        free(e);
        return NULL;
}

void dotenv_free_cleanup(Dotenv **e) {
        (void) dotenv_free(*e);
}

size_t dotenv_count(const Dotenv *e) {
        return e->n;
}

const char *dotenv_key(const Dotenv *e, size_t i) {
        return e->pairs[i].key;
}

const char *dotenv_value(const Dotenv *e, size_t i) {
        return e->pairs[i].value;
}

static int refuse(Reader *r, const char *sentence) {
        r->sentence = sentence;
        return -EBADMSG;
}

/* Takes key and value over, also when it fails. */
static int add(Dotenv *e, char *key, char *value) {
        Pair *more;

        for (size_t i = 0; i < e->n; i++)
                if (strcmp(e->pairs[i].key, key) == 0) {
                        free(key);
                        free(e->pairs[i].value);
                        e->pairs[i].value = value;
                        return 0;
                }
        more = reallocarray(e->pairs, e->n + 1, sizeof *more);
        if (!more) {
                free(key);
                free(value);
                return -ENOMEM;
        }
        e->pairs = more;
        e->pairs[e->n++] = (Pair){ key, value };
        return 0;
}

static bool is_blank(char c) {
        return c == ' ' || c == '\t';
}

static void skip_blanks(Reader *r) {
        while (r->at < r->end && is_blank(*r->at))
                r->at++;
}

static bool at_line_end(const Reader *r) {
        return r->at == r->end || *r->at == '\n' || (*r->at == '\r' && r->at + 1 < r->end && r->at[1] == '\n');
}

static void skip_line(Reader *r) {
        while (r->at < r->end && *r->at != '\n')
                r->at++;
}

static int read_key(Reader *r, char **ret_key) {
        static const char word[] = "export";
        const char *from = r->at, *to;
        auto_free char *key = NULL;

        if ((size_t) (r->end - from) > strlen(word) && memcmp(from, word, strlen(word)) == 0 && is_blank(from[strlen(word)])) {
                r->at += strlen(word);
                skip_blanks(r);
                from = r->at;
        }
        while (!at_line_end(r) && *r->at != '=')
                r->at++;
        if (r->at == r->end || *r->at != '=')
                return refuse(r, "there is no = in it; a line is KEY=value, and a comment starts with #");
        for (to = r->at; to > from && is_blank(to[-1]);)
                to--;
        key = strndup(from, (size_t) (to - from));
        if (!key)
                return -ENOMEM;
        if (!valid_env_key(key) || strlen(key) != (size_t) (to - from))
                return refuse(r, "the key is not a name; use letters, digits and underscores, and no digit first");
        r->at++;
        *ret_key = handover(key);
        return 0;
}

/* The character that a backslash and c stand for in double quotes, or 0. A carriage return is understood in order to be refused: no
 * variable may have one, and a backslash with an r would be something else than was meant. */
static char unescape(char c) {
        static const struct {
                char written, meant;
        } escapes[] = { { 'n', '\n' }, { 'r', '\r' }, { 't', '\t' }, { '\\', '\\' }, { '"', '"' }, { '$', '$' } };

        for (size_t i = 0; i < ELEMENTS(escapes); i++)
                if (escapes[i].written == c)
                        return escapes[i].meant;
        return 0;
}

/* From behind the opening quote to behind the closing one. */
static int read_quoted(Reader *r, char quote, Text *value) {
        size_t first_line = r->line;

        for (; r->at < r->end && *r->at != quote; r->at++) {
                char c = *r->at;

                if (c == '\n')
                        r->line++;
                if (c == '\r' && r->at + 1 < r->end && r->at[1] == '\n')
                        continue; /* a file with CRLF means newlines */
                if (quote == '"' && c == '\\' && r->at + 1 < r->end && unescape(r->at[1])) {
                        r->at++;
                        c = unescape(*r->at);
                }
                text_put(value, &c, 1);
        }
        if (r->at == r->end) {
                r->line = first_line;
                return refuse(r, "the quote that opens here is never closed");
        }
        r->at++;
        skip_blanks(r);
        if (!at_line_end(r) && *r->at != '#')
                return refuse(r, "something follows the closing quote; write a quote inside a double-quoted value as \\\"");
        return 0;
}

static int read_value(Reader *r, char **ret_value) {
        auto_call(text_cleanup) Text value = { 0 };

        text_put(&value, "", 0); /* so that an empty value is a string, too */
        skip_blanks(r);
        if (r->at < r->end && (*r->at == '"' || *r->at == '\'' || *r->at == '`')) {
                char quote = *r->at++;
                int error = read_quoted(r, quote, &value);

                if (error < 0)
                        return error;
        } else {
                const char *from = r->at, *to;

                while (!at_line_end(r) && !(*r->at == '#' && (r->at == from || is_blank(r->at[-1]))))
                        r->at++;
                for (to = r->at; to > from && is_blank(to[-1]);)
                        to--;
                text_put(&value, from, (size_t) (to - from));
        }
        if (value.error)
                return value.error;
        if (!valid_env_value(value.data))
                return refuse(r, "the value is over 32 KiB or has a control character");
        return text_take(&value, ret_value, NULL);
}

static int read_line(Reader *r) {
        auto_free char *key = NULL, *value = NULL;
        int error;

        skip_blanks(r);
        if (at_line_end(r) || *r->at == '#')
                return 0;
        error = read_key(r, &key);
        if (error < 0)
                return error;
        error = read_value(r, &value);
        if (error < 0)
                return error;
        return add(r->env, handover(key), handover(value));
}

int dotenv_parse(const char *text, size_t length, Dotenv **ret_env, size_t *ret_line, const char **ret_sentence) {
        auto_call(dotenv_free_cleanup) Dotenv *env = calloc(1, sizeof *env);
        Reader r = { .at = text, .end = text + length, .line = 1, .env = env };
        int error = 0;

        if (!env)
                return -ENOMEM;
        if (memchr(text, '\0', length) || !text_is_utf8(text, length))
                error = refuse(&r, "the file is not UTF-8 text");
        if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
                r.at += 3;
        while (error == 0 && r.at < r.end) {
                error = read_line(&r);
                if (error == 0) {
                        skip_line(&r);
                        if (r.at < r.end)
                                r.at++;
                        r.line++;
                }
        }
        if (error < 0) {
                *ret_line = r.line;
                *ret_sentence = r.sentence;
                return error;
        }
        *ret_env = handover(env);
        return 0;
}
