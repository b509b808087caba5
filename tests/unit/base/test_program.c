/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/program.h"

#define RUN(seconds, output, ...) program_run(seconds, output, (const char *const[]){ __VA_ARGS__, NULL })

static void test_code_output_environment(void **state) {
        Output o;

        (void) state;
        assert_int_equal(setenv("SECRET", "1", 1), 0);
        assert_int_equal(RUN(10, &o, "/usr/bin/env"), 0);
        assert_null(strstr(o.text, "SECRET"));
        assert_non_null(strstr(o.text, "PATH=/usr/sbin:/usr/bin:/sbin:/bin\n"));
        assert_int_equal(RUN(10, &o, "/bin/cat"), 0); /* standard input is empty */
        assert_int_equal(o.length, 0);
        assert_true(RUN(10, &o, "/bin/ls", "/nowhere") > 0);
        assert_non_null(strstr(program_last_line(&o), "/nowhere"));
        assert_true(RUN(10, &o, "/nowhere/program") != 0);
}

static void test_keeps_the_end(void **state) {
        Output o;

        (void) state;
        assert_int_equal(RUN(60, &o, "/usr/bin/seq", "1", "100000"), 0);
        assert_int_equal(o.length, sizeof(o.text) - 1);
        assert_string_equal(program_last_line(&o), "100000");
}

static void test_time_and_signals(void **state) {
        Output o;

        (void) state;
        assert_int_equal(RUN(1, &o, "/bin/sleep", "600"), -ETIME);
        assert_int_equal(RUN(60, &o, "/usr/bin/timeout", "-s", "TERM", "0.1", "/bin/sleep", "600"), 124);
        assert_int_equal(RUN(60, &o, "/usr/bin/perl", "-e", "kill 'KILL', $$"), PROGRAM_SIGNAL + SIGKILL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_code_output_environment),
                cmocka_unit_test(test_keeps_the_end),
                cmocka_unit_test(test_time_and_signals),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
