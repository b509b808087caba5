/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Accepted ⇒ what is rendered from it has only the characters and lines that the templates and the fields' own forms allow: nothing that a
 * request says can add a directive to a unit or to nginx. Refused ⇒ word and sentence are there, on one line. */
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "helper/render.h"
#include "helper/request.h"
#include "security/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
        if (!holds)
                abort();
}

static size_t lines(const char *s) {
        size_t n = 0;

        for (; *s; s++)
                n += *s == '\n';
        return n;
}

/* The rendered text has as many lines as the template (and what @sandbox@ and @install@ stand for), and no byte beyond ASCII. */
static void check_rendered(const char *template, const Job *j) {
        auto_call(text_cleanup) Text t = { 0 };
        size_t expected = lines(template);

        render(&t, template, j->id, j->fields);
        check(t.error == 0);
        if (strstr(template, "@sandbox@"))
                expected += lines(template_sandbox_conf);
        if (strstr(template, "@install@") && strcmp(fields_get(j->fields, "start_on_boot"), "1") == 0)
                expected += 3;
        check(lines(t.data) == expected);
        for (const char *c = t.data; *c; c++)
                check(*c == '\n' || (*c >= ' ' && *c <= '~'));
}

static void check_env(const Job *j) {
        auto_call(text_cleanup) Text t = { 0 };

        if (render_env(&t, j->fields) < 0)
                return;
        /* Read as systemd reads it: key, =, a quoted value with backslashes before " \ ` $, a newline. */
        for (const char *c = t.data; c && *c;) {
                size_t key = strspn(c, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

                check(key > 0 && c[key] == '=' && c[key + 1] == '"');
                for (c += key + 2; *c != '"'; c++) {
                        if (*c == '\\')
                                check(strchr("\"\\`$", *++c) != NULL);
                        check(*c);
                }
                check(c[1] == '\n');
                c += 2;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        auto_call(job_drop) Job j = { .root = -1 };

        if (request_parse(&j, (const char *) data, size) < 0) {
                check(j.word && strcmp(j.word, "request") == 0 && *j.sentence && text_is_line(j.sentence, strlen(j.sentence)));
                return 0;
        }
        check(j.verb && (!(j.verb->needs & NEEDS_ID) || valid_id(j.id)));
        if (strcmp(j.verb->name, "unit-install") == 0) {
                check_rendered(template_slot_service, &j);
                check_rendered(template_slot_socket, &j);
                check_rendered(template_build_service, &j);
        }
        if (strcmp(j.verb->name, "site-install") == 0) {
                check_rendered(template_site_conf, &j);
                check_rendered(template_static_conf, &j);
        }
        if (strcmp(j.verb->name, "env-install") == 0)
                check_env(&j);
        return 0;
}
