/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "output.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Lines, each with a \n behind, as a test compares them. */
static void collect(void *owner, const char *line) {
        assert_true(strlen(line) <= OUTPUT_LINE_MAX);
        text_printf(owner, "%s\n", line);
}

static char *run(char *const *environment, const char *data, size_t length, size_t piece) {
        auto_call(secrets_free_cleanup) Secrets *secrets = NULL;
        auto_call(output_free_cleanup) Output *o = NULL;
        Text t = { 0 };
        char *all;
        assert_int_equal(secrets_new(environment, &secrets), 0);
        assert_int_equal(output_new(secrets, collect, &t, &o), 0);
        for (size_t at = 0; at < length; at += piece)
                output_feed(o, data + at, length - at < piece ? length - at : piece);
        output_finish(o);
        text_put(&t, "", 0);
        assert_int_equal(text_take(&t, &all, NULL), 0);
        return all;
}

static char *const environment[] = {
        (char *) (uintptr_t) "TOKEN=abcdef123",
        (char *) (uintptr_t) "LONGER=abcdef123456",
        (char *) (uintptr_t) "SHORT=abcde",
        (char *) (uintptr_t) "PATH=/usr/bin:/bin",
        (char *) (uintptr_t) "NANOSCALE_X=nanoscale",
        (char *) (uintptr_t) "PEM=line number one\nx\nline number two",
        (char *) (uintptr_t) "WIDE=pässwörd",
        (char *) (uintptr_t) "AAAAAA=aaaaaa",
        NULL,
};

static const struct {
        const char *in, *out;
} table[] = {
        { "", "" },
        { "plain\n", "plain\n" },
        { "no end", "no end\n" },
        { "\n\n", "\n\n" },
        { "a\tb\n", "a\tb\n" },
        { "windows\r\n", "windows\n" },
        { "10 %\r20 %\rdone\n", "done\n" },
        { "over\rw", "w\n" },
        /* terminal sequences */
        { "\033[1;31mred\033[0m\n", "\033[1;31mred\033[0m\n" },
        { "\033[2K\033[?25l\033[31 mx\033[1;\033[32my\n", "x32my\n" },
        { "\033[0000000000000000000000000000000000000000000000001mx\n", "x\n" },
        { "\033[32m\n\033[0m", "\033[32m\n" },
        { "10 %\r\033[32mdone\033[0m\r\n", "\033[32mdone\033[0m\n" },
        { "windows\r\033[0m\nnext\n", "windows\nnext\n" },
        { "\033]0;title\007text\n", "text\n" },
        { "\033]8;;http://x\033\\link\033]8;;\033\\\n", "link\n" },
        { "\033Pq1234\033\\text\n", "text\n" },
        { "\033(Btext\n", "text\n" },
        { "\0337text\0338\n", "text\n" },
        { "\033]unclosed\nnext\n", "\nnext\n" },
        { "\033[12\nnext\n", "\nnext\n" },
        { "bell\a back\b del\177\n", "bell back del\n" },
        /* UTF-8 */
        { "grüße 日本 🙂\n", "grüße 日本 🙂\n" },
        { "\xff\xfe\n", "\xef\xbf\xbd\xef\xbf\xbd\n" },
        { "\xc3(\n", "\xef\xbf\xbd(\n" },
        { "\xed\xa0\x80\n", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\n" },
        { "\xc0\xaf\n", "\xef\xbf\xbd\xef\xbf\xbd\n" },
        { "\xf4\x90\x80\x80\n", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\n" },
        { "\xc2\x9b"
          "31m\n",
          "31m\n" },
        { "cut \xe6\x97", "cut \xef\xbf\xbd\n" },
        /* secrets */
        { "key abcdef123.\n", "key [TOKEN].\n" },
        { "key abcdef123456.\n", "key [LONGER].\n" },
        { "key abcdef12345\n", "key [TOKEN]45\n" },
        { "abcdef12\n", "abcdef12\n" },
        { "abcde /usr/bin:/bin nanoscale\n", "abcde /usr/bin:/bin nanoscale\n" },
        { "abcdef123abcdef123456abcdef123", "[TOKEN][LONGER][TOKEN]\n" },
        { "abcdabcdef123", "abcd[TOKEN]\n" },
        { "aaaaaaaaaaaaa\n", "[AAAAAA][AAAAAA]a\n" },
        { "abc\033[0mdef123\n", "[TOKEN]\033[0m\n" },
        { "\033[31mabc\033[0mdef\033[32m123x\033[0m\n", "\033[31m[TOKEN]\033[0m\033[32mx\033[0m\n" },
        { "\033[31mabcde\033[0mx\n", "\033[31mabcde\033[0mx\n" },
        { "line number one\nx\nline number two\n", "[PEM]\n" },
        { "x line number two\n", "x [PEM]\n" },
        { "pässwörd\n", "[WIDE]\n" },
        { "abcdef123", "[TOKEN]\n" },
};

static void test_table(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(table); i++)
                for (size_t piece = 1; piece <= 16; piece++) {
                        auto_free char *all = run(environment, table[i].in, strlen(table[i].in), piece);
                        assert_string_equal(all, table[i].out);
                }
}

static void test_nul_bytes(void **state) {
        (void) state;
        auto_free char *all = run(environment, "a\0b\n", 4, 1);
        assert_string_equal(all, "ab\n");
}

static void test_long_lines(void **state) {
        (void) state;
        static char in[3 * OUTPUT_LINE_MAX];
        memset(in, 'x', sizeof in);
        /* A character of three bytes across the border of a line stays whole. */
        memcpy(in + OUTPUT_LINE_MAX - 1, "日", 3);
        auto_free char *all = run(environment, in, sizeof in, 1000);
        size_t lines = 0;
        for (const char *p = all; *p; lines++) {
                size_t n = strcspn(p, "\n");
                assert_true(n <= OUTPUT_LINE_MAX && text_is_line(p, n));
                p += n + 1;
        }
        assert_int_equal(lines, 4);
}

/* Whatever comes in, in whatever pieces: the same lines, valid, and no secret in them. */
static void test_random(void **state) {
        (void) state;
        static const char *const bits[] = { "abcdef123", "abcdef", "123456", "\n",   "\r", "\033[", "m",     "\xe6",
                                            "\x97",      "\xa5",   "x",      "\033", "]",  "\a",    "aaaaa", "line number one\nx" };
        srandom(7);
        for (int round = 0; round < 400; round++) {
                char in[1024];
                size_t length = 0;
                while (length < sizeof in - 32) {
                        const char *bit = bits[(size_t) random() % ELEMENTS(bits)];
                        memcpy(in + length, bit, strlen(bit));
                        length += strlen(bit);
                }
                auto_free char *whole = run(environment, in, length, length);
                auto_free char *pieces = run(environment, in, length, 1 + (size_t) random() % 40);
                assert_string_equal(whole, pieces);
                assert_null(strstr(whole, "abcdef123"));
                assert_null(strstr(whole, "aaaaaa"));
                /* Nor for who takes the colours away. */
                auto_free char *bare = text_without_styles(whole);
                assert_null(strstr(bare, "abcdef123"));
                assert_null(strstr(bare, "aaaaaa"));
                for (const char *p = bare; *p;) {
                        size_t n = strcspn(p, "\n");
                        assert_true(text_is_line(p, n));
                        p += n + 1;
                }
        }
}

/* However many, and however they are cut: each of them, but behind what may yet be a secret. */
static void test_many_styles(void **state) {
        static char in[4096];
        size_t length = 0;

        (void) state;
        for (int i = 0; i < 200; i++)
                length += (size_t) snprintf(in + length, sizeof in - length, "\033[3%dm%s", i % 8, i % 3 ? "" : "x");
        for (size_t piece = 1; piece <= length; piece += 97) {
                auto_free char *all = run(environment, in, length, piece);
                assert_memory_equal(all, in, length);
        }
        length = (size_t) snprintf(in, sizeof in, "abcd");
        for (int i = 0; i < 100; i++)
                length += (size_t) snprintf(in + length, sizeof in - length, "\033[3%dm", i % 8);
        length += (size_t) snprintf(in + length, sizeof in - length, "x");
        auto_free char *whole = run(environment, in, length, length);
        auto_free char *pieces = run(environment, in, length, 1);
        auto_free char *bare = text_without_styles(whole);
        assert_string_equal(whole, pieces);
        assert_string_equal(bare, "abcdx\n");
}

/* The held-back tail of a large secret must not make the filter slow or forget anything. */
static void test_large_secret(void **state) {
        (void) state;
        static char entry[40000], in[80000];
        memset(entry, 'k', sizeof entry - 1);
        memcpy(entry, "KEY=", 4);
        char *const one[] = { entry, NULL };
        memcpy(in, entry + 4, sizeof entry - 5);
        in[sizeof entry - 5] = '\n';
        auto_free char *all = run(one, in, sizeof entry - 4, 512);
        assert_string_equal(all, "[KEY]\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table),  cmocka_unit_test(test_nul_bytes),    cmocka_unit_test(test_long_lines),
                cmocka_unit_test(test_random), cmocka_unit_test(test_large_secret), cmocka_unit_test(test_many_styles),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
