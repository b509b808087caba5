/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/fields.h"

static void test_reads_what_is_there(void **state) {
        static const char text[] = "name shop\nempty \nspaces  a  b \nname second\nend\n";
        auto_call(fields_free_cleanup) Fields *f = NULL;
        unsigned long n = 7;

        (void) state;
        assert_int_equal(fields_parse(text, strlen(text), &f, NULL), 0);
        assert_int_equal(fields_count(f), 4);
        assert_string_equal(fields_key(f, 0), "name");
        assert_string_equal(fields_get(f, "name"), "shop");
        assert_string_equal(fields_value(f, 3), "second");
        assert_string_equal(fields_get(f, "empty"), "");
        assert_string_equal(fields_get(f, "spaces"), " a  b ");
        assert_null(fields_get(f, "other"));
        assert_null(fields_value(f, 4));
        assert_int_equal(fields_get_number(f, "other", 0, 9, &n), -ENOENT);
        assert_int_equal(fields_get_number(f, "empty", 0, 9, &n), -ERANGE);
        assert_int_equal(n, 7);
}

static void test_refuses(void **state) {
        static const struct {
                const char *text;
                size_t line;
        } bad[] = {
                { "", 1 },
                { "end", 1 },
                { "a b", 1 },
                { "a b\n", 2 },
                { "a b\nend", 2 },
                { "end\n\n", 2 },
                { "end\nend\n", 2 },
                { "end\na b\n", 2 },
                { "a b\nend\nx", 3 },
                { "a\nend\n", 1 },
                { " b\nend\n", 1 },
                { "A b\nend\n", 1 },
                { "a1 b\nend\n", 1 },
                { "a-b c\nend\n", 1 },
                { "end x\nend\n", 1 },
                { "\nend\n", 1 },
                { "a b\r\nend\n", 1 },
                { "a b\tc\nend\n", 1 },
                { "a \x7f\nend\n", 1 },
                { "a \xc2\x85\nend\n", 1 }, /* C1 */
                { "a \xff\nend\n", 1 },
                { "a \xc0\xaf\nend\n", 1 },     /* overlong */
                { "a \xed\xa0\x80\nend\n", 1 }, /* surrogate */
                { "a \xf4\x90\x80\x80\nend\n", 1 },
                { "a \xe2\x82\nend\n", 1 },
                { "abcdefghijklmnopqrstuvwxyz_abcdef x\nend\n", 1 }, /* 33 */
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                Fields *f = NULL;
                size_t line = 0;

                assert_int_equal(fields_parse(bad[i].text, strlen(bad[i].text), &f, &line), -EBADMSG);
                assert_int_equal(line, bad[i].line);
                assert_null(f);
        }
        {
                Fields *f = NULL;

                assert_int_equal(fields_parse("a \0b\nend\n", 9, &f, NULL), -EBADMSG);
                assert_int_equal(fields_parse("a b\nend\n\0", 9, &f, NULL), -EBADMSG);
        }
}

static void test_rules(void **state) {
        static const FieldRule rules[] = { { "one", true, false }, { "many", false, true }, { "maybe", false, false } };
        static const struct {
                const char *text, *key;
        } cases[] = {
                { "one 1\nend\n", NULL },
                { "one 1\nmany 1\nmany 2\nmaybe x\nend\n", NULL },
                { "many 1\nend\n", "one" },
                { "one 1\none 2\nend\n", "one" },
                { "one 1\nmaybe 2\nmaybe 2\nend\n", "maybe" },
                { "one 1\nother 2\nend\n", "other" },
                { "one 1\nmany_ 2\nend\n", "many_" },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                auto_call(fields_free_cleanup) Fields *f = NULL;
                const char *key = NULL;

                assert_int_equal(fields_parse(cases[i].text, strlen(cases[i].text), &f, NULL), 0);
                assert_int_equal(fields_check(f, rules, ELEMENTS(rules), &key), cases[i].key ? -EBADMSG : 0);
                if (cases[i].key)
                        assert_string_equal(key, cases[i].key);
                else
                        assert_null(key);
        }
}

static void test_numbers(void **state) {
        static const struct {
                const char *text;
                int r;
                unsigned long n;
        } cases[] = {
                { "0", 0, 0 },        { "7", 0, 7 },         { "500", 0, 500 },    { "501", -ERANGE, 0 },
                { "07", -ERANGE, 0 }, { "+7", -ERANGE, 0 },  { "-7", -ERANGE, 0 }, { " 7", -ERANGE, 0 },
                { "7 ", -ERANGE, 0 }, { "0x7", -ERANGE, 0 }, { "", -ERANGE, 0 },   { "18446744073709551617", -ERANGE, 0 },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                auto_call(fields_free_cleanup) Fields *f = NULL;
                char text[64];
                unsigned long n = 0;

                (void) snprintf(text, sizeof(text), "n %s\nend\n", cases[i].text);
                assert_int_equal(fields_parse(text, strlen(text), &f, NULL), 0);
                assert_int_equal(fields_get_number(f, "n", 0, 500, &n), cases[i].r);
                assert_int_equal(n, cases[i].n);
        }
}

static void test_writes_what_it_reads(void **state) {
        FieldWriter w = { 0 };
        auto_call(fields_free_cleanup) Fields *f = NULL;
        auto_free char *text = NULL;
        size_t length = 0;

        (void) state;
        fields_put_line(&w, "verb id");
        fields_put(&w, "key", "valu\xc3\xa9 ");
        fields_put(&w, "key", "");
        fields_put_number(&w, "n", 42);
        assert_int_equal(fields_finish(&w, &text, &length), 0);
        assert_string_equal(text, "verb id\nkey valu\xc3\xa9 \nkey \nn 42\nend\n");
        assert_int_equal(length, strlen(text));
        assert_null(w.text);
        assert_int_equal(fields_parse(text + 8, length - 8, &f, NULL), 0);
        assert_string_equal(fields_get(f, "key"), "valu\xc3\xa9 ");
}

static void test_writer_refuses_what_no_reader_takes(void **state) {
        static const char *const bad[][2] = {
                { "Key", "v" }, { "", "v" }, { "end", "v" }, { "k", "a\nb" }, { "k", "\xff" }, { "k v", "x" }
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                FieldWriter w = { 0 };
                char *text = NULL;
                size_t length;

                fields_put(&w, bad[i][0], bad[i][1]);
                fields_put(&w, "fine", "v");
                assert_int_equal(fields_finish(&w, &text, &length), -EBADMSG);
                assert_null(text);
        }
}

/* What is read of a pipe that has text, and then stays open or is closed. */
static void check_read(const char *text, bool stays_open, size_t most, size_t length) {
        auto_call(text_cleanup) Text t = { 0 };
        int fds[2];

        assert_int_equal(pipe(fds), 0);
        assert_int_equal(write(fds[1], text, strlen(text)), (ssize_t) strlen(text));
        if (!stays_open)
                assert_int_equal(close(fds[1]), 0);
        assert_int_equal(fields_read(fds[0], most, 60, &t), 0);
        assert_int_equal(t.length, length);
        assert_int_equal(strncmp(t.data, text, length), 0);
        assert_int_equal(t.data[length], '\0');
        assert_int_equal(alarm(0), 0); /* it is off again */
        assert_int_equal(close(fds[0]), 0);
        if (stays_open)
                assert_int_equal(close(fds[1]), 0);
}

static void test_reads_up_to_the_closing_line(void **state) {
        auto_call(text_cleanup) Text t = { 0 };

        (void) state;
        check_read("verb x\nend\n", true, 100, 11);
        check_read("verb x\n", false, 100, 7);
        check_read("", false, 100, 0);
        check_read("end\n", false, 100, 4);
        check_read("0123456789", true, 9, 10); /* more than it may have: the caller sees that */
        assert_int_equal(fields_read(-1, 100, 60, &t), -EBADF);
        (void) alarm(0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_reads_up_to_the_closing_line),
                cmocka_unit_test(test_reads_what_is_there),
                cmocka_unit_test(test_refuses),
                cmocka_unit_test(test_rules),
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_writes_what_it_reads),
                cmocka_unit_test(test_writer_refuses_what_no_reader_takes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
