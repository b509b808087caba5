/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deployment/build_log.h"

#include <string.h>

static BuildLine parse(const char *line) {
        BuildLine b;
        build_line_parse(line, &b);
        return b;
}

static void reads_steps(void **state) {
        (void) state;
        static const char *const lines[] = { "begin fetch", "begin install", "begin build", "begin release" };
        for (int i = 0; i < 4; i++) {
                BuildLine b = parse(lines[i]);
                assert_int_equal(b.says, BUILD_SAYS_BEGIN);
                assert_int_equal(b.step, i);
        }
}

static void reads_every_end(void **state) {
        (void) state;
        BuildLine b = parse("end fetch ok");
        assert_int_equal(b.says, BUILD_SAYS_END);
        assert_int_equal(b.end, BUILD_END_OK);
        b = parse("end build exit 137");
        assert_int_equal(b.end, BUILD_END_EXIT);
        assert_int_equal(b.step, BUILD_STEP_BUILD);
        assert_int_equal(b.number, 137);
        b = parse("end install signal KILL");
        assert_int_equal(b.end, BUILD_END_SIGNAL);
        assert_string_equal(b.text, "KILL");
        b = parse("end build oom 512");
        assert_int_equal(b.end, BUILD_END_OOM);
        assert_int_equal(b.number, 512);
        b = parse("end fetch error the branch nope does not exist");
        assert_int_equal(b.end, BUILD_END_ERROR);
        assert_string_equal(b.text, "the branch nope does not exist");
}

static void reads_texts(void **state) {
        (void) state;
        BuildLine b = parse("out  indented\tand tabbed ");
        assert_int_equal(b.says, BUILD_SAYS_OUT);
        assert_string_equal(b.text, " indented\tand tabbed ");
        b = parse("out \x1b[32mgreen\x1b[39m");
        assert_string_equal(b.text, "\x1b[32mgreen\x1b[39m");
        assert_int_equal(parse("out").says, BUILD_SAYS_OUT);
        assert_int_equal(parse("note x").says, BUILD_SAYS_NOTE);
        assert_int_equal(parse("commit 0123456789abcdef0123456789abcdef01234567").says, BUILD_SAYS_COMMIT);
        assert_int_equal(parse("start node server.js").says, BUILD_SAYS_START);
        assert_int_equal(parse("root apps/web").says, BUILD_SAYS_ROOT);
        assert_int_equal(parse("done").says, BUILD_SAYS_DONE);
        assert_int_equal(parse("deployment abcdefghij12").says, BUILD_SAYS_DEPLOYMENT);
}

/* A hostile build that found a way to write lines gets nothing through that does not fit. */
static void refuses_what_does_not_fit(void **state) {
        (void) state;
        static const char *const lines[] = {
                "",
                " ",
                "done ",
                "Done",
                "begin",
                "begin start",
                "begin fetch now",
                "beginfetch",
                "end",
                "end fetch",
                "end fetch okay",
                "end build exit",
                "end build exit -1",
                "end build exit 256",
                "end build exit 99999999999999999999",
                "end build signal kill",
                "end build signal ../../x",
                "end build oom many",
                "end check ok",
                "commit 0123",
                "commit 0123456789ABCDEF0123456789abcdef01234567",
                "start node server.js; id",
                "start $(id)",
                "root ../other",
                "root /etc",
                "deployment ../x",
                "out \x1b[2Jgone",
                "out \x1b[1;31",
                "subject \x1b[31mred",
                "out \xff",
                "subject a\nb",
                "unknown word",
        };
        for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
                BuildLine b = parse(lines[i]);
                if (b.says != BUILD_SAYS_UNKNOWN)
                        fail_msg("accepted: %s", lines[i]);
                assert_string_equal(b.text, "");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_steps),
                cmocka_unit_test(reads_every_end),
                cmocka_unit_test(reads_texts),
                cmocka_unit_test(refuses_what_does_not_fit),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
