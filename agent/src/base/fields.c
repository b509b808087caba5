/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/fields.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

#define KEY_MAX 32

typedef struct {
        const char *key, *value; /* both point into Fields.text */
} Field;

struct Fields {
        char *text;
        Field *fields;
        size_t n_fields, size;
};

int fields_read(int fd, size_t most, unsigned seconds, Text *ret) {
        static const char closing[] = "\nend\n";
        const size_t n_closing = sizeof(closing) - 1;

        (void) alarm(seconds);
        while (ret->error == 0 && ret->length <= most) {
                char chunk[16384];
                ssize_t n = read(fd, chunk, sizeof(chunk));

                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n == 0)
                        break;
                if (n > 0)
                        text_put(ret, chunk, (size_t) n);
                if (ret->length >= n_closing && memcmp(ret->data + ret->length - n_closing, closing, n_closing) == 0)
                        break;
        }
        (void) alarm(0);
        text_put(ret, "", 0);
        return ret->error;
}

Fields *fields_free(Fields *f) {
        if (f) {
                free(f->text);
                free(f->fields);
                free(f);
        }
        return NULL;
}

void fields_free_cleanup(Fields **f) {
        (void) fields_free(*f);
}

static bool key_char(char c) {
        return (c >= 'a' && c <= 'z') || c == '_';
}

/* `end` is the closing line and therefore never a key, so that no reader can take one for the other. */
static bool key_valid(const char *key, size_t length) {
        if (length < 1 || length > KEY_MAX || (length == 3 && memcmp(key, "end", 3) == 0))
                return false;
        for (size_t i = 0; i < length; i++)
                if (!key_char(key[i]))
                        return false;
        return true;
}

static int add(Fields *f, const char *key, const char *value) {
        if (f->n_fields == f->size) {
                size_t size = f->size ? f->size * 2 : 16;
                Field *grown = reallocarray(f->fields, size, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                f->fields = grown;
                f->size = size;
        }
        f->fields[f->n_fields++] = (Field){ .key = key, .value = value };
        return 0;
}

/* Takes one line, NUL in place of its newline. */
static int parse_line(Fields *f, char *line, size_t length) {
        char *space = memchr(line, ' ', length);

        if (!space || !key_valid(line, (size_t) (space - line)))
                return -EBADMSG;
        if (!text_is_line(space + 1, length - (size_t) (space + 1 - line)))
                return -EBADMSG;
        *space = '\0';
        return add(f, line, space + 1);
}

int fields_parse(const char *text, size_t length, Fields **ret_fields, size_t *ret_line) {
        auto_call(fields_free_cleanup) Fields *f = calloc(1, sizeof(*f));
        size_t number = 0;

        if (!f)
                return -ENOMEM;
        f->text = malloc(length + 1);
        if (!f->text)
                return -ENOMEM;
        if (length > 0)
                memcpy(f->text, text, length);
        f->text[length] = '\0';

        for (char *line = f->text, *limit = f->text + length;;) {
                char *newline = memchr(line, '\n', (size_t) (limit - line));
                int r = -EBADMSG;

                number++;
                if (newline && newline - line == 3 && memcmp(line, "end", 3) == 0) {
                        if (newline + 1 == limit)
                                break;
                        number++; /* the line after `end` is the bad one */
                } else if (newline) {
                        *newline = '\0';
                        r = parse_line(f, line, (size_t) (newline - line));
                }
                if (r < 0) {
                        if (r == -EBADMSG && ret_line)
                                *ret_line = number;
                        return r;
                }
                line = newline + 1;
        }
        *ret_fields = handover(f);
        return 0;
}

int fields_check(const Fields *f, const FieldRule *rules, size_t n_rules, const char **ret_key) {
        size_t known = 0;

        for (size_t i = 0; i < n_rules; i++) {
                size_t seen = 0;

                for (size_t j = 0; j < f->n_fields; j++)
                        if (strcmp(f->fields[j].key, rules[i].key) == 0)
                                seen++;
                if ((rules[i].required && seen == 0) || (!rules[i].repeats && seen > 1)) {
                        if (ret_key)
                                *ret_key = rules[i].key;
                        return -EBADMSG;
                }
                known += seen;
        }
        if (known == f->n_fields)
                return 0;
        for (size_t j = 0; j < f->n_fields; j++) {
                bool found = false;

                for (size_t i = 0; i < n_rules && !found; i++)
                        found = strcmp(f->fields[j].key, rules[i].key) == 0;
                if (!found && ret_key) {
                        *ret_key = f->fields[j].key;
                        break;
                }
        }
        return -EBADMSG;
}

size_t fields_count(const Fields *f) {
        return f->n_fields;
}

const char *fields_key(const Fields *f, size_t i) {
        return i < f->n_fields ? f->fields[i].key : NULL;
}

const char *fields_value(const Fields *f, size_t i) {
        return i < f->n_fields ? f->fields[i].value : NULL;
}

const char *fields_get(const Fields *f, const char *key) {
        for (size_t i = 0; i < f->n_fields; i++)
                if (strcmp(f->fields[i].key, key) == 0)
                        return f->fields[i].value;
        return NULL;
}

int fields_get_number(const Fields *f, const char *key, unsigned long min, unsigned long max, unsigned long *ret) {
        const char *value = fields_get(f, key);

        if (!value)
                return -ENOENT;
        return text_to_number(value, min, max, ret) ? 0 : -ERANGE;
}

/* FieldWriter and Text have the same members; the writer stays a struct of its own so that its header needs nothing else. */
static void put(FieldWriter *w, const char *s, size_t length) {
        Text t = { .data = w->text, .length = w->length, .size = w->size, .error = w->error };

        text_put(&t, s, length);
        w->text = t.data;
        w->length = t.length;
        w->size = t.size;
        w->error = t.error;
}

void fields_put(FieldWriter *w, const char *key, const char *value) {
        if (w->error == 0 && (!key_valid(key, strlen(key)) || !text_is_line(value, strlen(value))))
                w->error = -EBADMSG;
        put(w, key, strlen(key));
        put(w, " ", 1);
        put(w, value, strlen(value));
        put(w, "\n", 1);
}

void fields_put_number(FieldWriter *w, const char *key, unsigned long value) {
        char digits[24];

        (void) snprintf(digits, sizeof(digits), "%lu", value);
        fields_put(w, key, digits);
}

void fields_put_line(FieldWriter *w, const char *line) {
        if (w->error == 0 && !text_is_line(line, strlen(line)))
                w->error = -EBADMSG;
        put(w, line, strlen(line));
        put(w, "\n", 1);
}

int fields_finish(FieldWriter *w, char **ret_text, size_t *ret_length) {
        int error;

        put(w, "end\n", 4);
        error = w->error;
        if (error < 0)
                free(w->text);
        else {
                *ret_text = w->text;
                *ret_length = w->length;
        }
        *w = (FieldWriter){ 0 };
        return error;
}
