/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "system/journal_text.h"

static void becomes(const char *from, size_t length, const char *wanted) {
        auto_call(text_cleanup) Text t = { 0 };

        journal_text_put(&t, from, length);
        assert_int_equal(t.error, 0);
        assert_string_equal(t.data, wanted);
        assert_int_equal(t.length, strlen(wanted));
}

#define BECOMES(from, wanted) becomes(from, sizeof(from) - 1, wanted)
#define BAD "\xef\xbf\xbd"

static void plain(void **state) {
        (void) state;
        BECOMES("", "");
        BECOMES("GET / 200\tin 3 ms", "GET / 200\tin 3 ms");
        BECOMES("Grüße, 日本, 🚀", "Grüße, 日本, 🚀");
        BECOMES("\u00a0~\u07ff\u0800\uffff\U0010ffff", "\u00a0~\u07ff\u0800\uffff\U0010ffff");
}

static void controls(void **state) {
        (void) state;
        BECOMES("a\0b", "ab");
        BECOMES("a\rb\n", "ab ");
        BECOMES("\a\b\v\f\x7f", "");
        BECOMES("a\xc2\x80\xc2\x85\xc2\x9f"
                "b",
                "ab");
}

static void sequences(void **state) {
        (void) state;
        BECOMES("\033[1;31mred\033[0m", "\033[1;31mred\033[0m");
        BECOMES("\033[38;2;255;0;10;48;2;0;0;0mx\033[4:3m\033[m", "\033[38;2;255;0;10;48;2;0;0;0mx\033[4:3m\033[m");
        BECOMES("\033[?1mx\033[>4;1my\033[1 mz", "xyz");
        BECOMES("\033[00000000000000000000000000000000000000000000001mx", "x");
        BECOMES("\033[2J\033[H", "");
        BECOMES("\xc2\x9b"
                "31mred",
                "red");
        BECOMES("\033]0;title\aafter", "after");
        BECOMES("\033]8;;http://x\033\\link\033]8;;\033\\", "link");
        BECOMES("\033(Bplain\033c", "plain");
        BECOMES("\033[31", "");
        BECOMES("\033", "");
        BECOMES("\033[", "");
        /* What has no end does not swallow the line. */
        BECOMES("\033]0;title and more", "0;title and more");
        BECOMES("\033]0;a\033[1mb", "0;a\033[1mb");
        BECOMES("\033[3\x01mx", "mx");
        BECOMES("\033\xc3\xa4", "ä");
        BECOMES("\033\033[1mx", "\033[1mx");
}

static void malformed(void **state) {
        (void) state;
        BECOMES("a\xff\xfe"
                "b",
                "a" BAD BAD "b");
        BECOMES("\xc3", BAD);
        BECOMES("\xe2\x82", BAD BAD);
        BECOMES("\xc0\xaf", BAD BAD);
        BECOMES("\xed\xa0\x80", BAD BAD BAD);
        BECOMES("\xf4\x90\x80\x80", BAD BAD BAD BAD);
        BECOMES("\x80\xbf", BAD BAD);
        BECOMES("\xe2\033[1mx", BAD "\033[1mx");
}

/* Whatever two or three bytes come, the result is a line but for tabs; three have no room for a style but `ESC [ m`. */
static void always_a_line(void **state) {
        static const char third[] = { '[', 'm', '\0', '\x9b', '\xbf', '\t', '\033' };

        (void) state;
        for (unsigned i = 0; i < 65536; i++)
                for (size_t k = 0; k < ELEMENTS(third); k++) {
                        const char bytes[] = { (char) (i >> 8), (char) (i & 255), third[k] };
                        auto_call(text_cleanup) Text t = { 0 };

                        journal_text_put(&t, bytes, sizeof(bytes));
                        if (strcmp(t.data, "\033[m") == 0)
                                continue;
                        for (size_t n = 0; n < t.length; n++)
                                if (t.data[n] == '\t')
                                        t.data[n] = ' ';
                        if (!text_is_line(t.data, t.length))
                                fail_msg("%02x %02x %02x", i >> 8, i & 255, (unsigned char) third[k]);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(plain),     cmocka_unit_test(controls),      cmocka_unit_test(sequences),
                cmocka_unit_test(malformed), cmocka_unit_test(always_a_line),
        };

        return cmocka_run_group_tests_name("journal text", tests, NULL, NULL);
}
