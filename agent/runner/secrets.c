/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "secrets.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
        char *key, *value; /* owned */
        size_t length;
} Secret;

struct Secrets {
        Secret *list; /* owned; longest first */
        size_t count, size;
        bool starts[256]; /* first bytes that occur: nearly every byte of a log ends here */
};

/* What systemd puts into every unit's environment: none of the user's. */
static const char *const not_secret[] = {
        "PATH",          "HOME",          "USER",    "LOGNAME",    "SHELL",          "LANG",       "PWD",        "TMPDIR",
        "INVOCATION_ID", "LOG_NAMESPACE", "MAINPID", "MANAGERPID", "JOURNAL_STREAM", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
};
static const char *const not_secret_prefixes[] = { "SYSTEMD_", "NANOSCALE_", "MEMORY_PRESSURE_" };

static bool is_public(const char *key) {
        for (size_t i = 0; i < ELEMENTS(not_secret); i++)
                if (strcmp(key, not_secret[i]) == 0)
                        return true;
        for (size_t i = 0; i < ELEMENTS(not_secret_prefixes); i++)
                if (text_starts(key, not_secret_prefixes[i]))
                        return true;
        return false;
}

static int add(Secrets *s, const char *key, const char *value, size_t length) {
        if (length < SECRET_MIN)
                return 0;
        if (s->count == s->size) {
                size_t size = s->size ? s->size * 2 : 32;
                Secret *list = realloc(s->list, size * sizeof *list);
                if (!list)
                        return -ENOMEM;
                s->list = list;
                s->size = size;
        }
        Secret one = { strdup(key), strndup(value, length), length };
        if (!one.key || !one.value) {
                free(one.key);
                free(one.value);
                return -ENOMEM;
        }
        s->list[s->count++] = one;
        s->starts[(uint8_t) *value] = true;
        return 0;
}

static int add_entry(Secrets *s, const char *entry) {
        const char *equals = strchr(entry, '=');
        if (!equals)
                return 0;
        auto_free char *key = strndup(entry, (size_t) (equals - entry));
        if (!key)
                return -ENOMEM;
        if (is_public(key))
                return 0;
        const char *value = equals + 1;
        int r = add(s, key, value, strlen(value));
        if (!strchr(value, '\n'))
                return r;
        for (const char *line = value; r == 0 && *line;) {
                size_t n = strcspn(line, "\n");
                r = add(s, key, line, n);
                line += n + (line[n] == '\n');
        }
        return r;
}

static int longer_first(const void *a, const void *b) {
        const Secret *x = a, *y = b;
        return x->length < y->length ? 1 : x->length > y->length ? -1 : strcmp(x->value, y->value);
}

int secrets_new(char *const *list, Secrets **ret_secrets) {
        auto_call(secrets_free_cleanup) Secrets *s = calloc(1, sizeof *s);
        if (!s)
                return -ENOMEM;
        for (; list && *list; list++) {
                int r = add_entry(s, *list);
                if (r < 0)
                        return r;
        }
        if (s->count)
                qsort(s->list, s->count, sizeof *s->list, longer_first);
        *ret_secrets = handover(s);
        return 0;
}

Secrets *secrets_free(Secrets *s) {
        if (s) {
                for (size_t i = 0; i < s->count; i++) {
                        explicit_bzero(s->list[i].value, s->list[i].length);
                        free(s->list[i].key);
                        free(s->list[i].value);
                }
                free(s->list);
                free(s);
        }
        return NULL;
}

void secrets_free_cleanup(Secrets **s) {
        (void) secrets_free(*s);
}

SecretsAnswer secrets_at(const Secrets *s, const char *text, size_t length, bool final, const char **ret_key, size_t *ret_length) {
        if (length == 0 || !s->starts[(uint8_t) *text])
                return SECRETS_NO;
        for (size_t i = 0; i < s->count; i++) {
                const Secret *one = &s->list[i];
                if (length < one->length) {
                        if (!final && memcmp(text, one->value, length) == 0)
                                return SECRETS_MAYBE;
                } else if (memcmp(text, one->value, one->length) == 0) {
                        *ret_key = one->key;
                        *ret_length = one->length;
                        return SECRETS_YES;
                }
        }
        return SECRETS_NO;
}
