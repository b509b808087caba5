/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "commands.h"
#include "draft.h"
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const Option first[] = { { "lines", 'n', "N", false, "" }, { "follow", 'f', NULL, false, "" }, { 0 } };
static const Option second[] = { { "env", 'e', "KV", true, "" }, { 0 } };
static const Option *const lists[OPTION_LISTS] = { first, second, NULL };

static int parse(Options **ret, char **ret_sentence, const char *const *words) {
        static char storage[256]; /* as the process's own argv: writable, and outlives the options, which borrow it */
        static char *argv[16];
        size_t used = 0;
        int argc = 0;

        *ret_sentence = NULL;
        for (; words[argc]; argc++) {
                argv[argc] = storage + used;
                used += strlen(words[argc]) + 1;
                assert_true(used <= sizeof storage && argc < 15);
                (void) strcpy(argv[argc], words[argc]);
        }
        return options_parse(lists, argc, argv, ret, ret_sentence);
}
#define PARSE(o, s, ...) parse(&(o), &(s), (const char *const[]){ __VA_ARGS__, NULL })

static int join(void *owner, const char *value) {
        (void) strcat(owner, value);
        return 0;
}

static void test_forms(void **state) {
        Options *o = NULL;
        char *sentence, all[32] = "";

        (void) state;
        assert_int_equal(PARSE(o, sentence, "a", "--lines=5", "-f", "-e", "A=1", "--env", "B=--x", "b"), 0);
        assert_int_equal(options_operands(o), 2);
        assert_string_equal(options_operand(o, 1), "b");
        assert_null(options_operand(o, 2));
        assert_string_equal(options_get(o, "lines"), "5");
        assert_true(options_has(o, "follow"));
        assert_null(options_get(o, "follow"));
        assert_int_equal(options_each(o, "env", join, all), 0);
        assert_string_equal(all, "A=1B=--x");
        (void) options_free(o);
        assert_int_equal(PARSE(o, sentence, "-n50", "-", "--", "-f", "--lines"), 0);
        assert_string_equal(options_get(o, "lines"), "50");
        assert_int_equal(options_operands(o), 3);
        assert_string_equal(options_operand(o, 1), "-f");
        assert_false(options_has(o, "follow"));
        (void) options_free(o);
        assert_int_equal(PARSE(o, sentence, "--lines="), 0);
        assert_string_equal(options_get(o, "lines"), "");
        (void) options_free(o);
}

static void refused(char *sentence, int r, const char *word) {
        assert_int_equal(r, -EINVAL);
        assert_non_null(sentence);
        if (!strstr(sentence, word))
                fail_msg("\"%s\" lacks \"%s\"", sentence, word);
        free(sentence);
}

static void test_refused(void **state) {
        Options *o = NULL;
        char *sentence;
        int r;

        (void) state;
        r = PARSE(o, sentence, "--line=5");
        refused(sentence, r, "--line is not");
        r = PARSE(o, sentence, "-x");
        refused(sentence, r, "-x is not");
        r = PARSE(o, sentence, "--lines");
        refused(sentence, r, "needs a value");
        r = PARSE(o, sentence, "--follow=yes");
        refused(sentence, r, "takes no value");
        r = PARSE(o, sentence, "-n", "1", "--lines", "2");
        refused(sentence, r, "twice");
        r = PARSE(o, sentence, "-fx");
        refused(sentence, r, "-fx is not");
        assert_null(o);
}

/* Within one command no option or letter may stand for two things. */
static void test_tables(void **state) {
        (void) state;
        for (size_t i = 0; i < n_commands; i++) {
                const Option *const all[] = { commands[i].own, commands[i].settings ? draft_options() : NULL, commands[i].env };
                char names[2048] = " ", letters[64] = "h";

                assert_non_null(commands[i].run);
                assert_true(commands[i].min_operands <= commands[i].max_operands);
                for (size_t l = 0; l < 3; l++)
                        for (const Option *o = all[l]; o && o->name; o++) {
                                char word[64], letter[2] = { o->letter, '\0' };

                                assert_true(snprintf(word, sizeof word, " %s ", o->name) < (int) sizeof word);
                                if (strstr(names, word) || (o->letter && strchr(letters, o->letter)))
                                        fail_msg("%s: --%s is there twice, or its letter", commands[i].words, o->name);
                                (void) strcat(names, word);
                                (void) strcat(letters, letter);
                                assert_true(strlen(o->help) > 0);
                        }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_forms),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_tables),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
