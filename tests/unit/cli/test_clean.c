/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clean.h"

#include <string.h>

static void check_cut(const char *s, size_t length, size_t columns, const char *expected, size_t width) {
        Text out = { 0 };

        text_put(&out, "", 0);
        assert_int_equal(clean_put(&out, s, length, columns), width);
        assert_string_equal(out.data, expected);
        text_cleanup(&out);
}

static void check(const char *s, const char *expected) {
        check_cut(s, strlen(s), CLEAN_ALL, expected, clean_width(expected));
        assert_int_equal(clean_width(s), clean_width(expected));
}

static void test_every_byte(void **state) {
        (void) state;
        for (unsigned c = 0; c < 256; c++) {
                char s[] = { 'a', (char) c, 'b' };
                Text out = { 0 };

                (void) clean_put(&out, s, sizeof s, CLEAN_ALL);
                assert_true(text_is_line(out.data, out.length));
                if (c == '\t')
                        assert_string_equal(out.data, "a b");
                else if (c == 0x1b)
                        assert_string_equal(out.data, "a"); /* ESC b is a sequence of two */
                else if (c < 0x20 || c == 0x7f)
                        assert_string_equal(out.data, "ab");
                else if (c >= 0x80)
                        assert_string_equal(out.data, "a?b");
                else
                        assert_int_equal(out.length, 3);
                text_cleanup(&out);
        }
}

static void test_escapes(void **state) {
        (void) state;
        check("\033[31mred\033[0m", "red");
        check("\033[2J\033[1;1Hx", "x");
        check("\033]0;title\ax", "x");
        check("\033]8;;http://evil\033\\link\033]8;;\033\\", "link");
        check("\033]52;c;AAAA", "]52;c;AAAA");
        check("a\033[", "a[");
        check("a\033", "a");
        check("\xc2\x9b"
              "31mx",
              "31mx");
        check("line\nforged\rover", "lineforgedover");
}

static void test_reordering(void **state) {
        (void) state;
        check("a\xe2\x80\xae"
              "b\xe2\x81\xa6"
              "c\xe2\x80\x8b\xef\xbb\xbf"
              "d",
              "abcd");
        check("\xc3\xa9\xe2\x9c\x93", "\xc3\xa9\xe2\x9c\x93");
        check("\xed\xa0\x80", "???");
        check("\xe2\x80", "??");
}

static void test_cut(void **state) {
        (void) state;
        check_cut("abcdef", 6, 6, "abcdef", 6);
        check_cut("abcdef", 6, 4, "abc\xe2\x80\xa6", 4);
        check_cut("\xe4\xb8\xad\xe6\x96\x87\xe5\xad\x97", 9, 5, "\xe4\xb8\xad\xe6\x96\x87\xe2\x80\xa6", 5);
        check_cut("ab", 2, 1, "\xe2\x80\xa6", 1);
        check_cut("ab", 2, 0, "", 0);
        check_cut("a\033[31mb\033[0m", 11, 2, "ab", 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_byte),
                cmocka_unit_test(test_escapes),
                cmocka_unit_test(test_reordering),
                cmocka_unit_test(test_cut),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
