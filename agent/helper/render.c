/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "helper/render.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "helper/request.h"

#define NAME_MAX_LENGTH 40

/* value: in an @each:…@, the one whose turn it is, else NULL. */
static void put_value(Text *t, const char *name, const char *id, const Fields *f, const char *value) {
        if (strcmp(name, "id") == 0)
                text_puts(t, id);
        else if (value && strcmp(name, "value") == 0)
                text_puts(t, value);
        else if (value && strcmp(name, "from") == 0)
                text_put(t, value, strcspn(value, " "));
        else if (value && strcmp(name, "to") == 0)
                text_puts(t, strrchr(value, ' ') + 1);
        else if (fields_get(f, name))
                text_puts(t, fields_get(f, name));
        else
                t->error = -EINVAL;
}

/* Length of the name at s if s starts with @name@, else 0: other @ are the files' own (unit instances, groups of system calls). */
static size_t name_at(const char *s) {
        size_t n = *s == '@' ? strspn(s + 1, "abcdefghijklmnopqrstuvwxyz_:") : 0;

        return n > 0 && n <= NAME_MAX_LENGTH && s[n + 1] == '@' ? n : 0;
}

static const char *put_part(Text *t, const char *at, const char *id, const Fields *f, const char *value);

/* A section from behind its first mark, which is `kind:field`. Gives what follows its @end@. */
static const char *put_section(Text *t, const char *at, const char *mark, const char *id, const Fields *f, const char *value) {
        const char *field = strchr(mark, ':') + 1, *first = fields_get(f, field);
        bool set = first && strcmp(first, "0") != 0;

        if (!text_starts(mark, "each:"))
                return put_part(set == text_starts(mark, "if:") ? t : NULL, at, id, f, value);
        for (size_t i = 0; t && i < fields_count(f); i++)
                if (strcmp(fields_key(f, i), field) == 0)
                        (void) put_part(t, at, id, f, fields_value(f, i));
        return put_part(NULL, at, id, f, NULL);
}

/* Puts what stands before the @end@ of the same depth; t NULL: passes over it. Gives what follows. */
static const char *put_part(Text *t, const char *at, const char *id, const Fields *f, const char *value) {
        while (*at) {
                size_t n = name_at(at), length = n > 0 ? n + 2 : 1 + strcspn(at + 1, "@");
                char name[NAME_MAX_LENGTH + 1] = "";

                memcpy(name, at + 1, n);
                if (t && n == 0)
                        text_put(t, at, length);
                at += length;
                if (strcmp(name, "end") == 0)
                        return at + (*at == '\n');
                if (strchr(name, ':'))
                        at = put_section(t, at + (*at == '\n'), name, id, f, value);
                else if (t && n > 0)
                        put_value(t, name, id, f, value);
        }
        return at;
}

void render(Text *t, const char *template, const char *id, const Fields *f) {
        if (*put_part(t, template, id, f, NULL))
                t->error = -EINVAL;
}

/* systemd's quoting (systemd.exec(5), EnvironmentFile=): in double quotes everything stands for itself but these four. */
static void put_quoted(Text *t, const char *value) {
        text_puts(t, "\"");
        for (; *value; value++) {
                if (strchr("\"\\`$", *value))
                        text_puts(t, "\\");
                text_put(t, value, 1);
        }
        text_puts(t, "\"\n");
}

int render_env(Text *t, const Fields *f) {
        for (size_t i = 0; i < fields_count(f); i++) {
                char key[HEAD_MAX + 1];
                auto_free char *value = NULL;
                int r = request_env(fields_value(f, i), key, &value);

                if (r < 0)
                        return r;
                for (size_t j = 0; j < i; j++)
                        if (strncmp(fields_value(f, j), fields_value(f, i), strlen(key) + 1) == 0)
                                return -EBADMSG;
                text_printf(t, "%s=", key);
                put_quoted(t, value);
        }
        return 0;
}
