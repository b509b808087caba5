/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Every file that the helper writes, against tests/golden/helper. After a wanted change: NANOSCALE_UPDATE_GOLDEN=1 meson test, and read the
 * diff. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "helper/render.h"

#define ID "shop00000001"

static Fields *fields(const char *text) {
        Fields *f = NULL;

        assert_int_equal(fields_parse(text, strlen(text), &f, NULL), 0);
        return f;
}

static void compare(const char *name, Text *t) {
        auto_close int dir = open(GOLDEN, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        auto_free char *made = NULL, *golden = NULL;
        size_t length = 0;

        assert_true(dir >= 0);
        assert_int_equal(text_take(t, &made, &length), 0);
        if (getenv("NANOSCALE_UPDATE_GOLDEN"))
                assert_int_equal(fs_write_atomic(dir, name, made, length, 0644, getuid(), getgid()), 0);
        assert_int_equal(fs_read_file(dir, name, 1 << 20, &golden, NULL), 0);
        assert_string_equal(made, golden);
}

#define LIMITS(boot)                                                                                                                     \
        "memory_mib 512\ncpu_percent 150\ntasks 200\nbuild_memory_mib 2048\nbuild_cpu_percent 100\nbuild_tasks 512\nbuild_seconds 900\n" \
        "start_on_boot " boot "\nstop_seconds 30\nend\n"

static void test_units(void **state) {
        auto_call(fields_free_cleanup) Fields *boot = fields(LIMITS("1")), *no_boot = fields(LIMITS("0"));
        static const struct {
                const char *name, *template;
                bool boot;
        } files[] = { { "slot.service", template_slot_service, true },
                      { "slot-not-at-boot.service", template_slot_service, false },
                      { "slot.socket", template_slot_socket, true },
                      { "build.service", template_build_service, true } };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(files); i++) {
                Text t = { 0 };

                render(&t, files[i].template, ID, files[i].boot ? boot : no_boot);
                compare(files[i].name, &t);
        }
}

/* The directives that the specification demands of every app, as lines of their own. */
static void test_required_directives(void **state) {
        static const char *const required[] = { "\nProtectSystem=strict\n", "\nProtectHome=yes\n", "\nPrivateTmp=yes\n",
                                                "\nNoNewPrivileges=yes\n", "\nProtectProc=invisible\n" };
        static const struct {
                const char *text, *writable;
        } templates[] = {
                { template_slot_service, "\nReadWritePaths=/opt/nanoscale/sites/" ID "/source\n" },
                { template_build_service, "\nReadWritePaths=/opt/nanoscale/sites/" ID "\n" }, /* one mount: see the template */
        };
        auto_call(fields_free_cleanup) Fields *f = fields(LIMITS("1"));

        (void) state;
        for (size_t i = 0; i < ELEMENTS(templates); i++) {
                auto_call(text_cleanup) Text t = { 0 };

                render(&t, templates[i].text, ID, f);
                for (size_t j = 0; j < ELEMENTS(required); j++)
                        assert_non_null(strstr(t.data, required[j]));
                assert_non_null(strstr(t.data, templates[i].writable));
        }
}

#define NAMES "host shop.apps.test\nbody_mib 10\nhost www.shop.test\n"
#define SECURE "host shop.apps.test\nsecure_host shop.test\nsecure_host shop.example\nredirect_host www.shop.test shop.test\nbody_mib 10\n"
#define PROTECTED "gate 1\nallow 203.0.113.0/24\nallow 2001:db8::/32\nrate 20\nheaders 1\nhsts 1\n"

static void test_sites(void **state) {
        static const struct {
                const char *name, *fields;
        } sites[] = {
                { "site.conf", NAMES "end\n" },
                { "site-secure.conf", SECURE "end\n" },
                { "site-protected.conf", SECURE PROTECTED "end\n" },
                { "site-maintenance.conf", NAMES "maintenance 1\nend\n" },
                { "static.conf", NAMES "static 1\nend\n" },
                { "static-protected.conf", SECURE PROTECTED "static 1\nend\n" },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(sites); i++) {
                auto_call(fields_free_cleanup) Fields *f = fields(sites[i].fields);
                Text t = { 0 };

                render(&t, template_site_conf, ID, f);
                compare(sites[i].name, &t);
        }
}

/* What is off is as if it had not been named. */
static void test_off_is_absent(void **state) {
        auto_call(fields_free_cleanup) Fields *named = fields(NAMES "static 0\nhsts 0\nheaders 0\nrate 0\ngate 0\nmaintenance 0\nend\n"),
                                              *absent = fields(NAMES "end\n");
        auto_call(text_cleanup) Text a = { 0 }, b = { 0 };

        (void) state;
        render(&a, template_site_conf, ID, named);
        render(&b, template_site_conf, ID, absent);
        assert_string_equal(a.data, b.data);
}

static void test_sections(void **state) {
        auto_call(fields_free_cleanup) Fields *f = fields("on 1\noff 0\nx a\ny b c\nx d\ny e f\nend\n");
        static const struct {
                const char *template, *text;
        } cases[] = {
                { "1@if:on@2@end@3", "123" },
                { "1@if:off@2@end@3", "13" },
                { "1@if:none@2@end@3", "13" },
                { "1@unless:on@2@end@3", "13" },
                { "1@unless:off@2@end@3", "123" },
                { "1@unless:none@2@end@3", "123" },
                { "1@each:x@ @value@@end@;", "1 a d;" },
                { "@each:y@@to@<@from@\n@end@\n.", "c<b\nf<e\n." },
                { "1@each:none@@value@@no_such@@end@2", "12" },
                { "@if:on@\n  line\n@end@\nrest\n", "  line\nrest\n" },
                { "@if:off@@if:on@1@end@2@no_such@@each:x@3@end@@end@4", "4" },
                { "@if:on@@if:off@1@end@2@end@3", "23" },
                { "@each:x@@if:on@@value@@end@@each:y@(@value@@id@)@end@@end@", "a(b c" ID ")(e f" ID ")d(b c" ID ")(e f" ID ")" },
        };
        static const char *const wrong[] = { "1@end@2", "@if:on@1@end@@end@2", "@value@", "@each:x@@end@@value@", "@no_such@" };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                auto_call(text_cleanup) Text t = { 0 };

                render(&t, cases[i].template, ID, f);
                assert_int_equal(t.error, 0);
                assert_string_equal(t.data, cases[i].text);
        }
        for (size_t i = 0; i < ELEMENTS(wrong); i++) {
                auto_call(text_cleanup) Text t = { 0 };

                render(&t, wrong[i], ID, f);
                assert_int_equal(t.error, -EINVAL);
        }
}

static void test_env(void **state) {
        /* PLAIN=v, QUOTES=a"b\c`d$e'f, LINES=one\ntwo\t#three, EMPTY= */
        auto_call(fields_free_cleanup) Fields *f = fields("env PLAIN 76\nenv QUOTES 6122625c6360642465 2766\nenv X 41\nend\n"),
                                              *g = fields("env PLAIN 76\nenv QUOTES 6122625c63606424652766\nenv LINES "
                                                          "6f6e650a74776f09237468726565\nenv EMPTY \nend\n"),
                                              *twice = fields("env A 41\nenv AB 41\nenv A 42\nend\n"),
                                              *reserved = fields("env LD_PRELOAD 41\nend\n");
        Text t = { 0 };

        (void) state;
        assert_int_equal(render_env(&t, g), 0);
        compare("env", &t);
        assert_int_equal(render_env(&t, f), -EBADMSG);
        assert_int_equal(render_env(&t, twice), -EBADMSG);
        assert_int_equal(render_env(&t, reserved), -EBADMSG);
        text_cleanup(&t);
}

static void test_unknown_name(void **state) {
        auto_call(fields_free_cleanup) Fields *f = fields("a b\nend\n");
        auto_call(text_cleanup) Text t = { 0 }, fine = { 0 };

        (void) state;
        render(&t, "x @no_such@ y", ID, f);
        assert_int_equal(t.error, -EINVAL);
        render(&fine, "@a@ x@y.service @%i ~@ipc @A@ @@id@@", ID, f);
        assert_string_equal(fine.data, "b x@y.service @%i ~@ipc @A@ @" ID "@");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_units),        cmocka_unit_test(test_required_directives),
                cmocka_unit_test(test_sites),        cmocka_unit_test(test_off_is_absent),
                cmocka_unit_test(test_sections),     cmocka_unit_test(test_env),
                cmocka_unit_test(test_unknown_name),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
