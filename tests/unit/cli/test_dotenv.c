/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "dotenv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void check(const char *text, const char *expected) {
        Dotenv *env = NULL;
        Text got = { 0 };
        size_t line = 0;
        const char *sentence = "";
        int r = dotenv_parse(text, strlen(text), &env, &line, &sentence);

        if (r != 0)
                print_error("%s: line %zu: %s\n", text, line, sentence);
        assert_int_equal(r, 0);
        text_put(&got, "", 0);
        for (size_t i = 0; i < dotenv_count(env); i++)
                text_printf(&got, "%s<%s>", dotenv_key(env, i), dotenv_value(env, i));
        assert_string_equal(got.data, expected);
        text_cleanup(&got);
        assert_null(dotenv_free(env));
}

static void refused(const char *text, size_t length, size_t expected_line, const char *word) {
        Dotenv *env = NULL;
        size_t line = 0;
        const char *sentence = NULL;

        assert_int_equal(dotenv_parse(text, length, &env, &line, &sentence), -EBADMSG);
        assert_null(env);
        assert_int_equal(line, expected_line);
        assert_non_null(sentence);
        if (!strstr(sentence, word))
                fail_msg("\"%s\" does not speak of \"%s\"", sentence, word);
}

static void refused_text(const char *text, size_t expected_line, const char *word) {
        refused(text, strlen(text), expected_line, word);
}

static void test_plain(void **state) {
        (void) state;
        check("", "");
        check("A=1", "A<1>");
        check("A=1\nB=2\n", "A<1>B<2>");
        check("A=1\r\nB=2\r\n", "A<1>B<2>");
        check("\xef\xbb\xbf"
              "A=1\n",
              "A<1>");
        check("A=\nB= \n", "A<>B<>");
        check("  A  =  a b  \t\n", "A<a b>");
        check("A=b=c==\n", "A<b=c==>");
        check("A=1\nA=2\n", "A<2>");
        check("A=p$x\\n${y}`z`\n", "A<p$x\\n${y}`z`>");
        check("URL=postgres://u:p@h/db?x=y#z\n", "URL<postgres://u:p@h/db?x=y#z>");
        check("A=\xc3\xa9\n", "A<\xc3\xa9>");
        check("A=it's\n", "A<it's>");
}

static void test_comments(void **state) {
        (void) state;
        check("# c\n\n  # d\nA=1 # e\nB=#f\nC='1'# g\nD=\"1\" # \"h\n", "A<1>B<>C<1>D<1>");
        check("A=1#2\n", "A<1#2>");
}

static void test_export(void **state) {
        (void) state;
        check("export A=1\nexport\tB=2\nexport=3\nexporter=4\n", "A<1>B<2>export<3>exporter<4>");
}

static void test_quotes(void **state) {
        (void) state;
        check("A='a # b'\nB=\"c # d\"\nC=`e \"f\" 'g'`\n", "A<a # b>B<c # d>C<e \"f\" 'g'>");
        check("A=\"1\\n2\\t3\\\\4\\\"5\\$6\\x7\"\n", "A<1\n2\t3\\4\"5$6\\x7>");
        check("A='1\\n2'\n", "A<1\\n2>");
        check("A=''\nB=\"\"\n", "A<>B<>");
        check("K=\"-----BEGIN\nabc\n-----END\"\nB=1\n", "K<-----BEGIN\nabc\n-----END>B<1>");
        check("K='a\r\nb'\r\nB=1\r\n", "K<a\nb>B<1>");
        check("A = ' spaced '\n", "A< spaced >");
}

static void test_refused(void **state) {
        static const char nul[] = "A=1\0B=2\n";

        (void) state;
        refused_text("A=1\nsecret\n", 2, "no =");
        refused_text("1A=x", 1, "key");
        refused_text("A-B=x", 1, "key");
        refused_text("=x", 1, "key");
        refused_text("A B=x", 1, "key");
        refused_text("export export A=1", 1, "key");
        refused_text("\n\nA='x\n\ny\n", 3, "never closed");
        refused_text("A=\"x\\\"\n", 1, "never closed");
        refused_text("A='x' y\n", 1, "closing quote");
        refused_text("A='x\ny' z\n", 2, "closing quote");
        refused_text("A=\x01\n", 1, "control");
        refused_text("A=\x1b[0m\n", 1, "control");
        refused_text("A=\"a\\rb\"\n", 1, "control");
        refused_text("A=\xff\n", 1, "UTF-8");
        refused(nul, sizeof nul - 1, 1, "UTF-8");
}

static void test_too_long(void **state) {
        size_t length = 2 + 40000;
        char *text = malloc(length);

        (void) state;
        assert_non_null(text);
        memset(text, 'x', length);
        memcpy(text, "A=", 2);
        refused(text, length, 1, "32 KiB");
        free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plain),  cmocka_unit_test(test_comments), cmocka_unit_test(test_export),
                cmocka_unit_test(test_quotes), cmocka_unit_test(test_refused),  cmocka_unit_test(test_too_long),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
