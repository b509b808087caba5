/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "security/command.h"

static void test_splits(void **state) {
        static const struct {
                const char *text, *words[6];
        } cases[] = {
                { "bun run start", { "bun", "run", "start" } },
                { "  node   server.js  ", { "node", "server.js" } },
                { "node 'a b' \"c d\"", { "node", "a b", "c d" } },
                { "node a'b c'd\"e f\"g", { "node", "ab cde fg" } },
                { "node '' \"\"", { "node", "", "" } },
                { "node a\\ b \\'c \\\\", { "node", "a b", "'c", "\\" } },
                { "node '$HOME;|&' \"a;b|c*\"", { "node", "$HOME;|&", "a;b|c*" } },
                { "node \"\\$HOME \\\" \\`\"", { "node", "$HOME \" `" } },
                { "node '\\' \"'\" '\"'", { "node", "\\", "'", "\"" } },
                { "node \\; \\$x", { "node", ";", "$x" } },
                { "node --a=b c=d @x ^1.2 50% a,b +x", { "node", "--a=b", "c=d", "@x", "^1.2" } },
                { "./start.sh \xc3\xa9", { "./start.sh", "\xc3\xa9" } },
                { "9a=b x", { "9a=b", "x" } },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                auto_free char **argv = NULL;
                size_t at = 99;

                assert_int_equal(command_split(cases[i].text, &argv, &at), COMMAND_OK);
                for (size_t j = 0; j < ELEMENTS(cases[i].words) && cases[i].words[j]; j++)
                        assert_string_equal(argv[j], cases[i].words[j]);
                if (i != 10)
                        for (size_t j = 0; j < ELEMENTS(cases[i].words); j++)
                                if (!cases[i].words[j]) {
                                        assert_null(argv[j]);
                                        break;
                                }
                assert_int_equal(command_split(cases[i].text, NULL, NULL), COMMAND_OK);
        }
}

static void test_refuses(void **state) {
        static const struct {
                const char *text;
                int code;
                size_t at;
        } cases[] = {
                { "", COMMAND_E_EMPTY, 0 },
                { "   ", COMMAND_E_EMPTY, 0 },
                { "'' a", COMMAND_E_EMPTY, 0 },
                { "a;b", COMMAND_E_OPERATOR, 1 },
                { "a & b", COMMAND_E_OPERATOR, 2 },
                { "a && b", COMMAND_E_OPERATOR, 2 },
                { "a | b", COMMAND_E_OPERATOR, 2 },
                { "a > b", COMMAND_E_OPERATOR, 2 },
                { "a < b", COMMAND_E_OPERATOR, 2 },
                { "a (b)", COMMAND_E_OPERATOR, 2 },
                { "a `b`", COMMAND_E_OPERATOR, 2 },
                { "a $PORT", COMMAND_E_OPERATOR, 2 },
                { "a *.js", COMMAND_E_OPERATOR, 2 },
                { "a b?", COMMAND_E_OPERATOR, 3 },
                { "a [b]", COMMAND_E_OPERATOR, 2 },
                { "a {b,c}", COMMAND_E_OPERATOR, 2 },
                { "~/a", COMMAND_E_OPERATOR, 0 },
                { "! a", COMMAND_E_OPERATOR, 0 },
                { "a #b", COMMAND_E_OPERATOR, 2 },
                { "a\nb", COMMAND_E_OPERATOR, 1 },
                { "a \"$b\"", COMMAND_E_OPERATOR, 3 },
                { "a \"`b\"", COMMAND_E_OPERATOR, 3 },
                { "a 'b", COMMAND_E_QUOTE, 2 },
                { "a \"b", COMMAND_E_QUOTE, 2 },
                { "a \\", COMMAND_E_QUOTE, 2 },
                { "a\tb", COMMAND_E_CONTROL, 0 },
                { "a '\n'", COMMAND_E_CONTROL, 3 },
                { "a \\\nb", COMMAND_E_CONTROL, 2 },
                { "a \x1b", COMMAND_E_CONTROL, 0 },
                { "a \xff", COMMAND_E_CONTROL, 0 },
                { "A=1 b", COMMAND_E_ASSIGN, 0 },
                { "_a9='x y' b", COMMAND_E_ASSIGN, 0 },
                { "-c a", COMMAND_E_DASH, 0 },
                { "'-c' a", COMMAND_E_DASH, 0 },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                char **argv = NULL;
                size_t at = 99;
                int code = command_split(cases[i].text, &argv, &at);

                if (code != cases[i].code || at != cases[i].at)
                        fail_msg("%s gives %d at %zu", cases[i].text, code, at);
                assert_null(argv);
        }
}

static void test_limits(void **state) {
        static char text[5000];
        auto_free char **argv = NULL;
        size_t words = 0;

        (void) state;
        memset(text, 'a', 4096);
        assert_int_equal(command_split(text, NULL, NULL), COMMAND_OK);
        text[4096] = 'a';
        assert_int_equal(command_split(text, NULL, NULL), COMMAND_E_LONG);
        memset(text, 0, sizeof(text));
        for (unsigned i = 0; i < 128; i++)
                (void) memcpy(text + 2 * i, "a ", 2);
        assert_int_equal(command_split(text, &argv, NULL), COMMAND_OK);
        while (argv[words])
                words++;
        assert_int_equal(words, 128);
        (void) strcat(text, "a");
        assert_int_equal(command_split(text, NULL, NULL), COMMAND_E_LONG);
}

static void test_every_code_has_a_sentence(void **state) {
        (void) state;
        for (int code = COMMAND_OK; code <= COMMAND_E_DASH; code++)
                assert_true(strlen(command_explain(code)) > 10);
        assert_non_null(command_explain(-1));
        assert_non_null(command_explain(COMMAND_E_DASH + 1));
        assert_non_null(strstr(command_explain(COMMAND_E_OPERATOR), "bun run NAME"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_splits),
                cmocka_unit_test(test_refuses),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_every_code_has_a_sentence),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
