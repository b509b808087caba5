/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cluster/answer.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t used, most;

static void *count(size_t size) {
        void *p = malloc(size);

        used += p ? malloc_usable_size(p) : 0;
        most = used > most ? used : most;
        return p;
}

static void give_back(void *p) {
        used -= p ? malloc_usable_size(p) : 0;
        free(p);
}

/* before, then `times` a piece, in which %zu is its number, then after. */
static char *repeat(const char *before, const char *piece, size_t times, const char *after) {
        char *text = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&text, &length);
        const char *number = strstr(piece, "%zu");

        assert_non_null(out);
        (void) fputs(before, out);
        for (size_t i = 0; i < times; i++) {
                if (number)
                        (void) fprintf(out, "%.*s%zu%s", (int) (number - piece), piece, i, number + 3);
                else
                        (void) fputs(piece, out);
        }
        (void) fputs(after, out);
        assert_int_equal(fclose(out), 0);
        return text;
}

static void weighs_enough(const char *before, const char *piece, size_t times, const char *after) {
        char *text = repeat(before, piece, times, after);
        json_t *o;

        used = most = 0;
        o = answer_parse(text, strlen(text));
        assert_non_null(o);
        assert_true(most <= answer_weight(text, strlen(text)) + 4096);
        json_decref(o);
        assert_int_equal(used, 0);
        free(text);
}

static void test_no_text_takes_more_than_it_weighs(void **state) {
        (void) state;
        weighs_enough("[", "[],", 20000, "[]]");
        weighs_enough("[", "{},", 20000, "{}]");
        weighs_enough("[", "0,", 100000, "0]");
        weighs_enough("[", "\"\",", 100000, "\"\"]");
        weighs_enough("{", "\"%zu\":0,", 50000, "\"x\":0}");
        weighs_enough("{", "\"%zu\":{},", 20000, "\"x\":0}");
        weighs_enough("[", "{\"a\":0},", 20000, "0]");
        weighs_enough("[\"", "x", 1000000, "\"]");
        weighs_enough("[\"", "\\u00e4", 100000, "\"]");
}

static void test_what_would_take_too_much_is_not_read(void **state) {
        char *text = repeat("[", "[],", 1000000, "[]]");

        (void) state;
        used = most = 0;
        assert_null(answer_parse(text, strlen(text)));
        assert_int_equal(most, 0);
        free(text);
}

static void test_a_thousand_projects_are_read(void **state) {
        char member[64 * 24], *project, *text;
        size_t length = 0;

        (void) state;
        for (unsigned i = 0; i < 64; i++)
                length += (size_t) snprintf(member + length, sizeof member - length, "\"member%02u\":\"value\",", i);
        project = repeat("{", member, 1, "\"sleep\":{},\"latest_deployment\":{},\"statistics\":{}},");
        text = repeat("{\"projects\":[", project, 1000, "0]}");
        json_decref(answer_parse(text, strlen(text)));
        assert_true(answer_weight(text, strlen(text)) < ANSWER_WEIGHT_MAX);
        free(project);
        free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_no_text_takes_more_than_it_weighs),
                cmocka_unit_test(test_what_would_take_too_much_is_not_read),
                cmocka_unit_test(test_a_thousand_projects_are_read),
        };

        json_set_alloc_funcs(count, give_back);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
