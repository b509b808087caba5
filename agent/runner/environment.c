/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "environment.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct Environment {
        char **list; /* owned, and so are its strings; NULL-terminated */
        size_t length, size;
        bool failed;
};

static bool is_key(const char *entry, const char *key) {
        size_t n = strlen(key);
        return strncmp(entry, key, n) == 0 && entry[n] == '=';
}

/* Takes the entry over. */
static void put(Environment *e, char *entry) {
        if (entry && e->length + 2 > e->size) {
                size_t size = e->size ? e->size * 2 : 64;
                char **list = realloc(e->list, size * sizeof *list);
                if (!list) {
                        free(entry);
                        entry = NULL;
                } else {
                        e->list = list;
                        e->size = size;
                }
        }
        if (!entry) {
                e->failed = true;
                return;
        }
        e->list[e->length++] = entry;
        e->list[e->length] = NULL;
}

Environment *environment_new(char *const *list) {
        Environment *e = calloc(1, sizeof *e);
        for (; e && list && *list; list++)
                put(e, strdup(*list));
        return e;
}

Environment *environment_free(Environment *e) {
        if (e) {
                for (size_t i = 0; i < e->length; i++)
                        free(e->list[i]);
                free(e->list);
                free(e);
        }
        return NULL;
}

void environment_free_cleanup(Environment **e) {
        (void) environment_free(*e);
}

static void remove_where(Environment *e, bool (*matches)(const char *entry, const char *what), const char *what) {
        size_t kept = 0;
        for (size_t i = 0; i < e->length; i++) {
                if (matches(e->list[i], what))
                        free(e->list[i]);
                else
                        e->list[kept++] = e->list[i];
        }
        e->length = kept;
        if (e->list)
                e->list[kept] = NULL;
}

void environment_unset(Environment *e, const char *key) {
        remove_where(e, is_key, key);
}

void environment_unset_prefix(Environment *e, const char *prefix) {
        remove_where(e, text_starts, prefix);
}

void environment_set(Environment *e, const char *key, const char *format, ...) {
        Text t = { 0 };
        va_list list;
        char *value = NULL, *entry = NULL;
        va_start(list, format);
        int n = vasprintf(&value, format, list);
        va_end(list);
        if (n >= 0) {
                text_printf(&t, "%s=%s", key, value);
                free(value);
                (void) text_take(&t, &entry, NULL);
        }
        environment_unset(e, key);
        put(e, entry);
}

const char *environment_get(const Environment *e, const char *key) {
        for (size_t i = 0; i < e->length; i++)
                if (is_key(e->list[i], key))
                        return e->list[i] + strlen(key) + 1;
        return NULL;
}

void environment_default(Environment *e, const char *key, const char *value) {
        if (!environment_get(e, key))
                environment_set(e, key, "%s", value);
}

void environment_set_path(Environment *e, const Place *place, const char *node, const char *bun, const char *bin) {
        environment_set(e, "PATH", "%s/runtimes/node-%s/bin:%s/runtimes/bun-%s/bin%s%s:/usr/bin:/bin", place->root, node, place->root, bun,
                        bin ? ":" : "", bin ? bin : "");
}

char **environment_list(Environment *e) {
        return e->failed ? NULL : e->list;
}
