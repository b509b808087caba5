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

/* The same fields, each value as harmless as can be. */
static Fields *harmless(const Fields *f) {
        auto_call(text_cleanup) Text t = { 0 };
        Fields *same = NULL;

        for (size_t i = 0; i < fields_count(f); i++) {
                const char *key = fields_key(f, i), *value = fields_value(f, i);

                text_printf(&t, "%s %s\n", key, strcmp(value, "0") == 0 ? value : strcmp(key, "redirect_host") == 0 ? "x x" : "x");
        }
        text_puts(&t, "end\n");
        check(fields_parse(t.data, t.length, &same, NULL) == 0);
        return same;
}

static size_t count(const char *s, char c) {
        size_t n = 0;

        for (; *s; s++)
                n += *s == c;
        return n;
}

/* What the values are makes no difference to the lines, words, blocks and quotes of the rendered text, and no byte is beyond ASCII. */
static void check_rendered(const char *template, const Job *j) {
        auto_call(fields_free_cleanup) Fields *same = harmless(j->fields);
        auto_call(text_cleanup) Text t = { 0 }, expected = { 0 };

        render(&t, template, j->id, j->fields);
        render(&expected, template, j->id, same);
        check(t.error == 0 && expected.error == 0);
        for (const char *c = "\n\t ;{}\"'\\$#~*=%"; *c; c++)
                check(count(t.data, *c) == count(expected.data, *c));
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
        if (strcmp(j.verb->name, "site-install") == 0)
                check_rendered(template_site_conf, &j);
        if (strcmp(j.verb->name, "env-install") == 0)
                check_env(&j);
        return 0;
}
