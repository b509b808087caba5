/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"

/* Every sequence of up to three bytes, against the definition: encode each code point, see that exactly those are accepted. */
static void test_utf8_exactly(void **state) {
        static unsigned char known[1 << 24]; /* by the three bytes, for sequences of length 2 and 3 */
        size_t accepted = 0;

        (void) state;
        for (unsigned c = 0x80; c < 0x10000; c++) {
                if (c >= 0xd800 && c <= 0xdfff)
                        continue;
                if (c < 0x800)
                        known[(0xc0u | c >> 6) << 16 | (0x80u | (c & 0x3f)) << 8] = 2;
                else
                        known[(0xe0u | c >> 12) << 16 | (0x80u | (c >> 6 & 0x3f)) << 8 | (0x80u | (c & 0x3f))] = 3;
        }
        for (unsigned i = 0x80; i < 0x100; i++)
                for (unsigned j = 0; j < 0x100; j++) {
                        const char two[2] = { (char) i, (char) j };

                        assert_int_equal(text_is_utf8(two, 2), known[i << 16 | j << 8] == 2);
                        for (unsigned k = 0x80; k < 0xc0; k++) {
                                const char three[3] = { (char) i, (char) j, (char) k };

                                if (j < 0x80)
                                        continue;
                                assert_int_equal(text_is_utf8(three, 3), known[i << 16 | j << 8 | k] == 3);
                                accepted++;
                        }
                }
        assert_true(accepted > 0);
        assert_true(text_is_utf8("\xf0\x90\x80\x80", 4) && text_is_utf8("\xf4\x8f\xbf\xbf", 4));
        assert_false(text_is_utf8("\xf0\x8f\xbf\xbf", 4) || text_is_utf8("\xf4\x90\x80\x80", 4) || text_is_utf8("\xf8\x88\x80\x80\x80", 5));
        assert_true(text_is_utf8("a\0b", 3) && text_is_utf8("", 0));
}

static void test_lines(void **state) {
        (void) state;
        for (unsigned c = 0; c < 0x80; c++) {
                const char s[2] = { (char) c, '\0' };

                assert_int_equal(text_is_line(s, 1), c >= 0x20 && c != 0x7f);
        }
        assert_false(text_is_line("\xc2\x80", 2) || text_is_line("\xc2\x9b", 2) || text_is_line("\xc2\x9f", 2));
        assert_true(text_is_line("\xc2\xa0", 2));
        {
                char mixed[] = "a\x1b[1m\xc3", fine[] = "a\xc3\xa9";

                text_make_line(mixed);
                assert_string_equal(mixed, "a?[1m?");
                text_make_line(fine);
                assert_string_equal(fine, "a\xc3\xa9");
        }
}

static void test_styles(void **state) {
        static const struct {
                const char *s, *without;
                size_t length; /* of the style that it begins with */
        } rows[] = {
                { "\033[m", "", 3 },
                { "\033[1;31mred\033[0m", "red", 7 },
                { "\033[38:2::255:0:0mx", "x", 16 },
                { "\033[2J", "\033[2J", 0 },
                { "\033[31", "\033[31", 0 },
                { "\033[?1m", "\033[?1m", 0 },
                { "\033]0;t\a", "\033]0;t\a", 0 },
                { "\033[0000000000000000000000000000000000000001m", "\033[0000000000000000000000000000000000000001m", 0 },
                { "plain", "plain", 0 },
                { "", "", 0 },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(rows); i++) {
                auto_free char *without = text_without_styles(rows[i].s);

                assert_string_equal(without, rows[i].without);
                assert_int_equal(text_style(rows[i].s, strlen(rows[i].s)), rows[i].length);
        }
}

static void test_hex(void **state) {
        static const char *const bad[] = { "4", "4g", "4G", "4A", "00", "4100", " 41", "41 ", "0x41" };
        auto_free char *value = NULL, *empty = NULL;

        (void) state;
        assert_int_equal(text_from_hex("61c3a90a", &value), 0);
        assert_string_equal(value, "a\xc3\xa9\n");
        assert_int_equal(text_from_hex("", &empty), 0);
        assert_string_equal(empty, "");
        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                char *none = NULL;

                assert_int_equal(text_from_hex(bad[i], &none), -EBADMSG);
                assert_null(none);
        }
}

static void test_grows(void **state) {
        auto_free char *text = NULL;
        Text t = { 0 };
        size_t length = 0;

        (void) state;
        for (unsigned i = 0; i < 1000; i++)
                text_printf(&t, "%u,", i);
        text_put(&t, "\0x", 2);
        assert_int_equal(text_take(&t, &text, &length), 0);
        assert_int_equal(length, 10 * 2 + 90 * 3 + 900 * 4 + 2);
        assert_memory_equal(text + length - 6, "999,\0x", 6);
        assert_null(t.data);
        {
                Text broken = { .error = -ENOMEM };
                char *none = NULL;

                text_put(&broken, "a", 1);
                assert_int_equal(text_take(&broken, &none, NULL), -ENOMEM);
                assert_null(none);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_utf8_exactly), cmocka_unit_test(test_lines), cmocka_unit_test(test_styles),
                cmocka_unit_test(test_hex),          cmocka_unit_test(test_grows),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
