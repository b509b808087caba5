/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deployment/claim.h"

static void one_at_a_time(void **state) {
        Claims *c = NULL;
        int deploy, sleep;

        (void) state;
        assert_int_equal(claims_new(&c), 0);
        assert_int_equal(claim_take(c, "aaaaaaaaaaaa", &deploy), 1);
        assert_int_equal(claim_take(c, "aaaaaaaaaaaa", &deploy), 1);
        assert_int_equal(claim_take(c, "aaaaaaaaaaaa", &sleep), 0);
        assert_int_equal(claim_take(c, "bbbbbbbbbbbb", &sleep), 1);
        claim_drop(c, "aaaaaaaaaaaa", &sleep); /* not its own */
        assert_true(claim_is_taken(c, "aaaaaaaaaaaa"));
        claim_drop(c, "aaaaaaaaaaaa", &deploy);
        assert_false(claim_is_taken(c, "aaaaaaaaaaaa"));
        claim_drop(c, "aaaaaaaaaaaa", &deploy);
        assert_true(claim_is_taken(c, "bbbbbbbbbbbb"));
        assert_int_equal(claim_take(c, "aaaaaaaaaaaa", &sleep), 1);
        claims_free(c); /* with what is taken */
        claims_free(NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(one_at_a_time) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
