/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Which lines are notices. Following them is tests/system/test_slots.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "system/notices_internal.h"

#define UNIT "nanoscale-abc0123456zz@b.service"

static void notices(void **state) {
        static const struct {
                const char *message;
                NoticeKind kind;
                uint32_t ms;
                const char *text;
        } good[] = {
                { "nanoscale: armed", NOTICE_ARMED, 0, NULL },
                { "nanoscale: woken", NOTICE_WOKEN, 0, NULL },
                { "nanoscale: awake after 0 ms", NOTICE_AWAKE, 0, NULL },
                { "nanoscale: awake after 71 ms", NOTICE_AWAKE, 71, NULL },
                { "nanoscale: awake after 600000 ms", NOTICE_AWAKE, 600000, NULL },
                { "nanoscale: app stopped: out of memory (limit 512 MiB)", NOTICE_STOPPED, 0, "out of memory (limit 512 MiB)" },
                { "nanoscale: app exited with code 3", NOTICE_STOPPED, 0, "exited with code 3" },
                { "nanoscale: app killed by signal SEGV", NOTICE_STOPPED, 0, "killed by signal SEGV" },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(good); i++) {
                Notice n = { 0 };

                assert_true(notice_read(UNIT, good[i].message, &n));
                assert_string_equal(n.project, "abc0123456zz");
                assert_string_equal(n.slot, "b");
                assert_int_equal(n.kind, good[i].kind);
                assert_int_equal(n.awake_ms, good[i].ms);
                if (good[i].text)
                        assert_string_equal(n.text, good[i].text);
                else
                        assert_null(n.text);
        }
}

static void other_lines(void **state) {
        static const char *const bad[] = {
                "",
                "nanoscale: ",
                "nanoscale:",
                "nanoscale: armed ",
                "nanoscale: armedx",
                "nanoscale: Armed",
                " nanoscale: armed",
                "x nanoscale: woken",
                "nanoscale: woken\n",
                "nanoscale: awake",
                "nanoscale: awake after",
                "nanoscale: awake after ",
                "nanoscale: awake after  ms",
                "nanoscale: awake after ms",
                "nanoscale: awake after 1",
                "nanoscale: awake after 1ms",
                "nanoscale: awake after 1  ms",
                "nanoscale: awake after 1 ms ",
                "nanoscale: awake after 1 s",
                "nanoscale: awake after 01 ms",
                "nanoscale: awake after -1 ms",
                "nanoscale: awake after +1 ms",
                "nanoscale: awake after 1.5 ms",
                "nanoscale: awake after 0x1 ms",
                "nanoscale: awake after 600001 ms",
                "nanoscale: awake after 4294967297 ms",
                "nanoscale: awake after 99999999999999999999999999999999 ms",
                "nanoscale: app stopped: ",
                "nanoscale: app ",
                "nanoscale: app",
                "nanoscale: cannot start the app: no such file",
        };
        Notice n = { .awake_ms = 5 };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                if (notice_read(UNIT, bad[i], &n))
                        fail_msg("taken for a notice: %s", bad[i]);
        assert_int_equal(n.awake_ms, 5);
}

static void units_that_are_no_slot(void **state) {
        static const char *const units[] = { "",
                                             "nanoscale-agent.service",
                                             "nanoscale-build-abc0123456zz.service",
                                             "nanoscale-abc0123456zz@a.socket",
                                             "nanoscale-abc0123456zz@ab.service",
                                             "nanoscale-../../../../@a.service" };
        Notice n;

        (void) state;
        for (size_t i = 0; i < ELEMENTS(units); i++)
                assert_false(notice_read(units[i], "nanoscale: armed", &n));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(notices),
                cmocka_unit_test(other_lines),
                cmocka_unit_test(units_that_are_no_slot),
        };

        return cmocka_run_group_tests_name("notices", tests, NULL, NULL);
}
