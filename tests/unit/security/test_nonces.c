/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What was taken is not taken again: not across the 60 s border while its timestamp is acceptable, not when the table grows or shrinks, not
 * when the clock is set. The last test holds the memory against the rule of the clock itself, over a long random life. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "security/nonces.h"

#define NOW INT64_C(1800000000)
#define HOUR 3600

DEFINE_CLEANUP(Nonces, nonces_free)

static Nonces *make(size_t max) {
        Nonces *n = NULL;

        assert_int_equal(nonces_new(max, &n), 0);
        return n;
}

/* Takes the nonce with this number. */
static int take_at(Nonces *n, uint64_t number, int64_t timestamp_s, int64_t now_s) {
        unsigned char nonce[NONCES_BYTES] = { 0 };

        memcpy(nonce + 8, &number, sizeof(number));
        return nonces_take(n, nonce, timestamp_s, now_s);
}

static int take(Nonces *n, uint64_t number, int64_t now_s) {
        return take_at(n, number, now_s, now_s);
}

static void test_bounds(void **state) {
        Nonces *n = NULL;

        (void) state;
        assert_int_equal(nonces_new(0, &n), -EINVAL);
        assert_int_equal(nonces_new(65537, &n), -EINVAL);
        assert_null(n);
        n = make(65536);
        assert_int_equal(take_at(n, 1, -1, NOW), -EINVAL);
        assert_int_equal(take_at(n, 1, NOW, -1), -EINVAL);
        assert_int_equal(take_at(n, 1, INT64_MAX, NOW), -EINVAL);
        assert_int_equal(take_at(n, 1, NOW, INT64_MAX), -EINVAL);
        assert_int_equal(take_at(n, 1, 0, 0), NONCES_OK);
        assert_int_equal(take_at(n, 1, 0, 0), NONCES_E_SEEN);
        assert_null(nonces_free(n));
        assert_null(nonces_free(NULL));
}

static void test_remembers_for_60_s(void **state) {
        auto_call(nonces_free_cleanup) Nonces *n = make(NONCES_MAX);

        (void) state;
        assert_int_equal(take(n, 1, NOW), NONCES_OK);
        assert_int_equal(take(n, 1, NOW), NONCES_E_SEEN);
        assert_int_equal(take(n, 2, NOW), NONCES_OK);
        /* Another timestamp does not make it another nonce. */
        assert_int_equal(take_at(n, 1, NOW + 60, NOW + 60), NONCES_E_SEEN);
        assert_int_equal(take_at(n, 2, NOW, NOW + 60), NONCES_E_SEEN);
        /* After that a new request may have it; the old one is still refused, even by a clock check that has gone wrong. */
        assert_int_equal(take_at(n, 1, NOW, NOW + 61), NONCES_E_FORGOTTEN);
        assert_int_equal(take_at(n, 1, NOW + 61, NOW + 61), NONCES_OK);
        assert_int_equal(take_at(n, 1, NOW + 61, NOW + 121), NONCES_E_SEEN);
}

static void test_same_with_the_latest_timestamp(void **state) {
        auto_call(nonces_free_cleanup) Nonces *n = make(NONCES_MAX);

        (void) state;
        /* A caller whose clock is 30 s ahead: its request is acceptable to the last second in which it is remembered. */
        assert_int_equal(take_at(n, 1, NOW + 30, NOW), NONCES_OK);
        assert_int_equal(take_at(n, 1, NOW + 30, NOW + 60), NONCES_E_SEEN);
        assert_int_equal(take_at(n, 1, NOW + 30, NOW + 61), NONCES_E_FORGOTTEN);
}

static void test_grows_and_finds_all(void **state) {
        auto_call(nonces_free_cleanup) Nonces *n = make(NONCES_MAX);

        (void) state;
        for (uint64_t i = 0; i < NONCES_MAX; i++)
                assert_int_equal(take(n, i, NOW + (int64_t) (i / 512)), NONCES_OK);
        for (uint64_t i = 0; i < NONCES_MAX; i++)
                assert_int_equal(take(n, i, NOW + 8), NONCES_E_SEEN);
}

static void test_full_is_refused_and_passes(void **state) {
        static const size_t bounds[] = { 1, 3, 8, 100, NONCES_MAX };

        (void) state;
        for (size_t b = 0; b < ELEMENTS(bounds); b++) {
                size_t max = bounds[b];
                auto_call(nonces_free_cleanup) Nonces *n = make(max);

                for (uint64_t i = 0; i < max; i++)
                        assert_int_equal(take(n, i, NOW + (i >= max / 2)), NONCES_OK);
                for (int64_t s = 1; s <= 60; s++)
                        assert_int_equal(take(n, 1000000, NOW + s), NONCES_E_FULL);
                /* None was given up for it. */
                for (uint64_t i = max / 2; i < max; i++)
                        assert_int_equal(take(n, i, NOW + 61), NONCES_E_SEEN);
                /* Half of them (none of one) are over now. */
                for (uint64_t i = 0; i < max / 2; i++)
                        assert_int_equal(take(n, 1000000 + i, NOW + 61), NONCES_OK);
                assert_int_equal(take(n, 2000000, NOW + 61), NONCES_E_FULL);
                assert_int_equal(take(n, 2000000, NOW + 62), NONCES_OK);
        }
}

static void test_clock_set_back_by_seconds(void **state) {
        auto_call(nonces_free_cleanup) Nonces *n = make(8);

        (void) state;
        assert_int_equal(take(n, 1, NOW), NONCES_OK);
        /* Its time passes, and it is left behind: the table is full and another comes. */
        for (uint64_t i = 10; i < 18; i++)
                assert_int_equal(take(n, i, NOW + 65), NONCES_OK);
        /* The clock is set back, and the request of NOW is acceptable again. */
        for (int64_t s = -30; s <= 30; s++)
                assert_int_equal(take_at(n, 1, NOW, NOW + s), NONCES_E_FORGOTTEN);
        assert_int_equal(take_at(n, 10, NOW + 65, NOW + 40), NONCES_E_SEEN);
}

static void test_clock_that_was_ahead_does_not_lock_out(void **state) {
        static const int64_t ahead[] = { 2 * HOUR, 365 * 24 * HOUR };

        (void) state;
        for (size_t a = 0; a < ELEMENTS(ahead); a++) {
                auto_call(nonces_free_cleanup) Nonces *n = make(8);

                for (uint64_t i = 0; i < 8; i++)
                        assert_int_equal(take(n, i, NOW + ahead[a]), NONCES_OK);
                /* Back: what the wrong time filled is no obstacle … */
                for (uint64_t i = 0; i < 8; i++)
                        assert_int_equal(take(n, 100 + i, NOW + (int64_t) i), NONCES_OK);
                for (uint64_t i = 0; i < 8; i++)
                        assert_int_equal(take(n, 200 + i, NOW + 70 + (int64_t) i), NONCES_OK);
                /* … and when that time comes, its requests are no good. */
                for (uint64_t i = 0; i < 8; i++)
                        assert_int_equal(take_at(n, i, NOW + ahead[a], NOW + ahead[a] + 10), NONCES_E_FORGOTTEN);
                assert_int_equal(take(n, 300, NOW + ahead[a] + 10), NONCES_OK);
        }
}

/* A caller that asks every three hours, and a clock that was two hours ahead once: the wrong time is next to the present one, but not part
 * of it. */
static void test_present_is_spared(void **state) {
        auto_call(nonces_free_cleanup) Nonces *n = make(1);

        (void) state;
        for (uint64_t i = 0; i <= 3; i++)
                assert_int_equal(take(n, i, NOW + (int64_t) i * 3 * HOUR), NONCES_OK);
        assert_int_equal(take(n, 4, NOW + 11 * HOUR), NONCES_OK);
        for (uint64_t i = 5; i < 10; i++)
                assert_int_equal(take(n, i, NOW + 9 * HOUR + (int64_t) i * 100), NONCES_OK);
        for (uint64_t i = 0; i <= 3; i++)
                assert_int_equal(take(n, i, NOW + (int64_t) i * 3 * HOUR), NONCES_E_FORGOTTEN);
        assert_int_equal(take(n, 4, NOW + 11 * HOUR), NONCES_E_FORGOTTEN);
}

static void test_many_clock_changes_stay_bounded(void **state) {
        auto_call(nonces_free_cleanup) Nonces *n = make(4);

        (void) state;
        for (uint64_t i = 0; i < 500; i++)
                (void) take(n, i, NOW + (int64_t) (i * 7919 % 500) * HOUR);
        for (uint64_t i = 0; i < 500; i++)
                assert_int_not_equal(take_at(n, i, NOW + (int64_t) (i * 7919 % 500) * HOUR, NOW), NONCES_OK);
}

static void test_forget(void **state) {
        auto_call(nonces_free_cleanup) Nonces *n = make(NONCES_MAX);

        (void) state;
        nonces_forget(n, NOW - 30, NOW + 30);
        nonces_forget(n, NOW + 5, NOW + 4); /* nothing */
        assert_int_equal(take_at(n, 1, NOW - 31, NOW), NONCES_OK);
        assert_int_equal(take_at(n, 2, NOW - 30, NOW), NONCES_E_FORGOTTEN);
        assert_int_equal(take_at(n, 2, NOW + 30, NOW + 30), NONCES_E_FORGOTTEN);
        assert_int_equal(take_at(n, 2, NOW + 31, NOW + 31), NONCES_OK);
        /* One range within another, and more ranges than are kept: none of what was forgotten comes back. */
        nonces_forget(n, NOW + HOUR, NOW + 2 * HOUR);
        nonces_forget(n, NOW + HOUR + 10, NOW + HOUR + 20);
        for (int64_t i = 4; i < 10; i++)
                nonces_forget(n, NOW + i * HOUR, NOW + i * HOUR + 10);
        for (int64_t s = HOUR; s <= 2 * HOUR; s += 60)
                assert_int_equal(take_at(n, 3, NOW + s, NOW + s), NONCES_E_FORGOTTEN);
        for (int64_t i = 4; i < 10; i++)
                assert_int_equal(take_at(n, 3, NOW + i * HOUR + 5, NOW + i * HOUR), NONCES_E_FORGOTTEN);
        nonces_forget(n, INT64_MIN, INT64_MAX);
        assert_int_equal(take_at(n, 3, NOW + 32, NOW + 32), NONCES_E_FORGOTTEN);
}

/* A long life: the clock goes on, stands, jumps in both directions; the caller is up to 30 s off and sends some requests twice. The
 * reference remembers all. No request is ever taken twice; while the clock does not jump, no new one is refused. */
static void life(unsigned seed, bool jumps) {
        enum { REQUESTS = 20000 };
        auto_call(nonces_free_cleanup) Nonces *n = make(NONCES_MAX);
        auto_free int64_t *stamps = calloc(REQUESTS, sizeof(*stamps));
        auto_free bool *taken = calloc(REQUESTS, sizeof(*taken));
        unsigned x = seed;
        int64_t now = NOW;
        size_t twice = 0, repeats = 0, refused = 0;

        assert_non_null(stamps);
        assert_non_null(taken);
        for (uint64_t i = 0; i < REQUESTS; i++) {
                x = x * 1664525U + 1013904223U;
                if (x >> 28 == 0)
                        now += (int64_t) (x >> 20 & 63);
                if (jumps && (x >> 18) % 512 == 7)
                        now += ((int64_t) (x & 0xffff)) - 0x8000;
                stamps[i] = now - 30 + (int64_t) ((x >> 8) % 61);
                taken[i] = take_at(n, i, stamps[i], now) == NONCES_OK;
                refused += !taken[i];
                for (unsigned k = 0; k < 4; k++) { /* old requests that the clock check lets through */
                        uint64_t old, reach;

                        x = x * 1664525U + 1013904223U;
                        reach = k < 2 ? 64 : 2000;
                        old = i - (x >> 8) % (i < reach ? i + 1 : reach);
                        if (!taken[old] || stamps[old] < now - 30 || stamps[old] > now + 30)
                                continue;
                        repeats++;
                        twice += take_at(n, old, stamps[old], now) == NONCES_OK;
                }
        }
        assert_true(repeats > 1000);
        assert_int_equal(twice, 0);
        if (!jumps)
                assert_int_equal(refused, 0);
}

static void test_long_life(void **state) {
        (void) state;
        for (unsigned seed = 1; seed <= 8; seed++) {
                life(seed, false);
                life(seed, true);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bounds),
                cmocka_unit_test(test_remembers_for_60_s),
                cmocka_unit_test(test_same_with_the_latest_timestamp),
                cmocka_unit_test(test_grows_and_finds_all),
                cmocka_unit_test(test_full_is_refused_and_passes),
                cmocka_unit_test(test_clock_set_back_by_seconds),
                cmocka_unit_test(test_clock_that_was_ahead_does_not_lock_out),
                cmocka_unit_test(test_present_is_spared),
                cmocka_unit_test(test_many_clock_changes_stay_bounded),
                cmocka_unit_test(test_forget),
                cmocka_unit_test(test_long_life),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
