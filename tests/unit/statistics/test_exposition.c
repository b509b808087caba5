/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "statistics/exposition.h"

static void text_is_as_prometheus_reads_it(void **state) {
        auto_call(text_cleanup) Text t = { 0 };
        auto_free char *text = NULL;

        (void) state;
        exposition_family(&t, "a_total", "counter", "One\\two\n\"three\".");
        exposition_integer(&t, "a_total", NULL, UINT64_MAX);
        exposition_integer(&t, "a_total", (const char *[]){ "p", "a\"b\\c\nd\xc3\xa4", "q", "", NULL }, 0);
        exposition_decimal(&t, "a_total", (const char *[]){ NULL }, 1005, 1000);
        exposition_decimal(&t, "a_total", (const char *[]){ "x", "y", NULL }, 7, 1);
        exposition_decimal(&t, "a_total", NULL, 12, 100);
        assert_int_equal(text_take(&t, &text, NULL), 0);
        assert_string_equal(text, "# HELP a_total One\\\\two\\n\"three\".\n"
                                  "# TYPE a_total counter\n"
                                  "a_total 18446744073709551615\n"
                                  "a_total{p=\"a\\\"b\\\\c\\nd\xc3\xa4\",q=\"\"} 0\n"
                                  "a_total 1.005\n"
                                  "a_total{x=\"y\"} 7\n"
                                  "a_total 0.12\n");
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(text_is_as_prometheus_reads_it) };

        return cmocka_run_group_tests_name("exposition", tests, NULL, NULL);
}
