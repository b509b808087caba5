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

static void test_site(void **state) {
        auto_call(fields_free_cleanup) Fields *f = fields("host shop.apps.test\nbody_mib 10\nhost www.shop.test\nend\n");
        Text t = { 0 };

        (void) state;
        render(&t, template_site_conf, ID, f);
        compare("site.conf", &t);
        render(&t, template_static_conf, ID, f);
        compare("static.conf", &t);
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
                cmocka_unit_test(test_units), cmocka_unit_test(test_required_directives), cmocka_unit_test(test_site),
                cmocka_unit_test(test_env),   cmocka_unit_test(test_unknown_name),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
