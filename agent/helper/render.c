/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "helper/render.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "helper/request.h"

static void put_hosts(Text *t, const Fields *f) {
        const char *space = "";

        for (size_t i = 0; i < fields_count(f); i++)
                if (strcmp(fields_key(f, i), "host") == 0) {
                        text_printf(t, "%s%s", space, fields_value(f, i));
                        space = " ";
                }
}

static void put_value(Text *t, const char *name, const char *id, const Fields *f) {
        if (strcmp(name, "id") == 0)
                text_puts(t, id);
        else if (strcmp(name, "sandbox") == 0)
                text_puts(t, template_sandbox_conf);
        else if (strcmp(name, "install") == 0)
                text_puts(t, strcmp(fields_get(f, "start_on_boot"), "1") == 0 ? "\n[Install]\n" RENDER_BOOT : "");
        else if (strcmp(name, "hosts") == 0)
                put_hosts(t, f);
        else if (fields_get(f, name))
                text_puts(t, fields_get(f, name));
        else
                t->error = -EINVAL;
}

/* Length of the name at s if s starts with @name@, else 0: other @ are the files' own (unit instances, groups of system calls). */
static size_t name_at(const char *s) {
        size_t n = *s == '@' ? strspn(s + 1, "abcdefghijklmnopqrstuvwxyz_") : 0;

        return n > 0 && n <= 32 && s[n + 1] == '@' ? n : 0;
}

void render(Text *t, const char *template, const char *id, const Fields *f) {
        while (*template) {
                size_t n = name_at(template);
                char name[33] = "";

                if (n > 0) {
                        memcpy(name, template + 1, n);
                        put_value(t, name, id, f);
                        template += n + 2;
                } else {
                        n = 1 + strcspn(template + 1, "@");
                        text_put(t, template, n);
                        template += n;
                }
        }
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
                char key[ENV_KEY_MAX + 1];
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
