/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/attempts.h"

#include <stdio.h>
#include <string.h>

#define MINUTE INT64_C(60000)
static Attempts a;
static const int64_t start = INT64_C(1700000000000);

static int set_up(void **state) {
        (void) state;
        memset(&a, 0, sizeof a);
        return 0;
}

static void an_address_has_ten(void **state) {
        (void) state;
        for (int i = 0; i < 10; i++) {
                assert_int_equal(attempts_wait_address(&a, "203.0.113.7", start), 0);
                attempts_failed(&a, "203.0.113.7", start);
        }
        assert_int_equal(attempts_wait_address(&a, "203.0.113.7", start), 15 * 60);
        assert_int_equal(attempts_wait_address(&a, "203.0.113.7", start + 14 * MINUTE), 60);
        assert_int_equal(attempts_wait_address(&a, "203.0.113.7", start + 15 * MINUTE), 0);
        assert_int_equal(attempts_wait_address(&a, "203.0.113.8", start), 0);
        /* A clock that was set back makes nobody wait. */
        assert_int_equal(attempts_wait_address(&a, "203.0.113.7", start - 1000 * MINUTE), 0);
        attempts_succeeded(&a, "203.0.113.7");
        assert_int_equal(attempts_wait_address(&a, "203.0.113.7", start), 0);
}

static void a_user_waits_longer_each_time(void **state) {
        static const int64_t waits[] = { 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300 };

        (void) state;
        for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
                assert_int_equal(attempts_wait_user(&a, "ada", start), waits[i]);
                attempts_failed(&a, "ada", start);
        }
        assert_int_equal(attempts_wait_user(&a, "ada", start + 5 * MINUTE), 0);
        assert_int_equal(attempts_wait_user(&a, "bob", start), 0);
}

/* Who tries with a thousand names or addresses fills a table, and forgets the oldest of its own. */
static void the_table_is_bounded(void **state) {
        char key[32];

        (void) state;
        for (int i = 0; i < 10; i++)
                attempts_failed(&a, "victim", start + i);
        for (int i = 0; i < 255; i++) {
                (void) snprintf(key, sizeof key, "name%d", i);
                attempts_failed(&a, key, start + 100 + i);
        }
        assert_true(attempts_wait_address(&a, "victim", start + 1000) > 0);
        attempts_failed(&a, "one more", start + 1000);
        assert_int_equal(attempts_wait_address(&a, "victim", start + 1000), 0);
        (void) snprintf(key, sizeof key, "name%d", 254);
        attempts_failed(&a, key, start + 2000);
        assert_int_equal(attempts_wait_user(&a, key, start + 2000), 0);
}

static void long_keys_are_cut_alike(void **state) {
        char key[200];

        (void) state;
        memset(key, 'x', sizeof key - 1);
        key[sizeof key - 1] = '\0';
        for (int i = 0; i < 10; i++)
                attempts_failed(&a, key, start);
        assert_true(attempts_wait_address(&a, key, start) > 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(an_address_has_ten, set_up),
                cmocka_unit_test_setup(a_user_waits_longer_each_time, set_up),
                cmocka_unit_test_setup(the_table_is_bounded, set_up),
                cmocka_unit_test_setup(long_keys_are_cut_alike, set_up),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
