/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "statistics/rings.h"

/* At the start of a quarter of an hour, in 2025. */
#define START INT64_C(1764000000000)
#define AT(n) (START + (n) *INT64_C(10000))

static Rings *new_rings(unsigned n_series) {
        Rings *r = calloc(1, rings_size(n_series));

        assert_non_null(r);
        rings_make(r, n_series);
        assert_true(rings_are_sound(r, rings_size(n_series), n_series));
        return r;
}

static void add(Rings *r, int64_t now_ms, uint64_t value) {
        uint64_t values[SERIES_MOST];
        Tick t;

        for (size_t i = 0; i < SERIES_MOST; i++)
                values[i] = value + i;
        rings_tick(r, now_ms, &t);
        rings_add(r, &t, values);
        assert_true(rings_are_sound(r, r->size, r->n_series));
}

static uint64_t hour(const Rings *r, int64_t now_ms) {
        return rings_get(r, RANGE_HOUR, 0, range_period(RANGE_HOUR, now_ms));
}

static void sixteen_bits_keep_order_and_size(void **state) {
        uint64_t before = 0;

        (void) state;
        for (uint64_t i = 0; i < 4096; i++)
                assert_int_equal(sample_unpack(sample_pack(i)), i);
        for (uint64_t i = 1; i < UINT64_C(4390000000000); i += 1 + i / 997) {
                uint64_t back = sample_unpack(sample_pack(i)), off = back > i ? back - i : i - back;

                assert_true(back >= before);
                assert_true(off <= i / 4096 + 1);
                before = back;
        }
        for (unsigned code = 0; code <= 0xfffd; code++)
                assert_int_equal(sample_pack(sample_unpack((uint16_t) code)), code);
        assert_int_equal(sample_pack(SAMPLE_UNKNOWN - 1), 0xfffd);
        assert_true(sample_unpack(sample_pack(SAMPLE_UNKNOWN)) == SAMPLE_UNKNOWN);
        assert_true(sample_unpack(sample_pack(SAMPLE_MISSING)) == SAMPLE_MISSING);
}

static void what_was_written_is_read(void **state) {
        auto_free Rings *r = new_rings(3);

        (void) state;
        assert_true(hour(r, AT(1)) == SAMPLE_MISSING);
        for (int64_t i = 1; i <= 5; i++)
                add(r, AT(i), (uint64_t) i * 100);
        for (int64_t i = 1; i <= 5; i++) {
                assert_int_equal(hour(r, AT(i)), i * 100);
                assert_int_equal(rings_get(r, RANGE_HOUR, 2, range_period(RANGE_HOUR, AT(i))), i * 100 + 2);
        }
        assert_true(hour(r, AT(6)) == SAMPLE_MISSING);
        assert_true(hour(r, AT(0)) == SAMPLE_MISSING);
        assert_true(rings_get(r, RANGE_HOUR, 0, -5) == SAMPLE_MISSING);
}

/* A timer is never exact, and never hits the same period twice or leaves one out. */
static void early_and_late_samples_have_the_period_before(void **state) {
        (void) state;
        for (int64_t off = -4999; off < 5000; off += 7)
                assert_int_equal(range_period(RANGE_HOUR, AT(7) + off), START / 10000 + 6);
        assert_int_equal(range_period(RANGE_DAY, AT(6)), START / 60000);
        assert_int_equal(range_period(RANGE_DAY, AT(7)), START / 60000 + 1);
}

static void rings_wrap(void **state) {
        auto_free Rings *r = new_rings(2);
        int64_t n = 2 * 86400 / 10;

        (void) state;
        for (int64_t i = 1; i <= n; i++)
                add(r, AT(i), (uint64_t) i);
        for (int64_t i = n - 359; i <= n; i++)
                assert_in_range(hour(r, AT(i)), i - 4, i + 4);
        assert_true(hour(r, AT(n - 360)) == SAMPLE_MISSING);
        /* The mean of six, and of ninety. */
        for (int64_t m = 1440; m < 2880; m++)
                assert_in_range(rings_get(r, RANGE_DAY, 0, START / 60000 + m), m * 6 + 3 - 5, m * 6 + 4 + 5);
        assert_true(rings_get(r, RANGE_DAY, 0, START / 60000 + 1439) == SAMPLE_MISSING);
        for (int64_t q = 0; q < 192; q++)
                assert_in_range(rings_get(r, RANGE_MONTH, 1, START / 900000 + q), q * 90 + 46 - 5, q * 90 + 47 + 6);
}

static void a_mean_is_right_from_its_first_sample_on(void **state) {
        auto_free Rings *r = new_rings(1);

        (void) state;
        add(r, AT(1), 100);
        assert_int_equal(rings_get(r, RANGE_MONTH, 0, START / 900000), 100);
        add(r, AT(2), 200);
        assert_int_equal(rings_get(r, RANGE_MONTH, 0, START / 900000), 150);
        assert_int_equal(rings_get(r, RANGE_DAY, 0, START / 60000), 150);
}

static void holes_are_missing(void **state) {
        auto_free Rings *r = new_rings(1);

        (void) state;
        add(r, AT(1), 11);
        add(r, AT(40), 12);
        assert_int_equal(hour(r, AT(1)), 11);
        assert_int_equal(hour(r, AT(40)), 12);
        for (int64_t i = 2; i < 40; i++)
                assert_true(hour(r, AT(i)) == SAMPLE_MISSING);
        assert_true(rings_get(r, RANGE_DAY, 0, START / 60000 + 1) == SAMPLE_MISSING);
        /* The mean is one of what was measured. */
        assert_int_equal(rings_get(r, RANGE_MONTH, 0, START / 900000), 12);
        /* Longer than the ring. */
        for (int64_t i = 41; i < 500; i++)
                add(r, AT(i), 13);
        add(r, AT(100000), 14);
        for (int64_t i = 99641; i < 100000; i++)
                assert_true(hour(r, AT(i)) == SAMPLE_MISSING);
        assert_int_equal(hour(r, AT(100000)), 14);
}

static void a_clock_set_back_forgets_its_future(void **state) {
        auto_free Rings *r = new_rings(1);

        (void) state;
        for (int64_t i = 1; i <= 400; i++)
                add(r, AT(i), (uint64_t) i);
        add(r, AT(390), 7);
        for (int64_t i = 41; i < 390; i++)
                assert_int_equal(hour(r, AT(i)), i);
        /* Their places had newer ones since. */
        for (int64_t i = 31; i <= 40; i++)
                assert_true(hour(r, AT(i)) == SAMPLE_MISSING);
        assert_int_equal(hour(r, AT(390)), 7);
        for (int64_t i = 391; i <= 400; i++)
                assert_true(hour(r, AT(i)) == SAMPLE_MISSING);
        add(r, AT(391), 8);
        assert_int_equal(hour(r, AT(391)), 8);
        assert_true(hour(r, AT(392)) == SAMPLE_MISSING);
        /* By years, as on a machine whose clock was never set. */
        add(r, 5000, 9);
        assert_int_equal(hour(r, 5000), 9);
        add(r, AT(392), 10);
        assert_int_equal(hour(r, AT(392)), 10);
        for (int64_t i = 0; i < 392; i++)
                assert_true(hour(r, AT(i)) == SAMPLE_MISSING);
}

static void a_clock_set_ahead_and_back_goes_on(void **state) {
        auto_free Rings *r = new_rings(1);

        (void) state;
        add(r, AT(1), 1);
        add(r, AT(1) + INT64_C(15) * 365 * 86400 * 1000, 2);
        add(r, AT(2), 3);
        assert_int_equal(hour(r, AT(2)), 3);
        assert_true(hour(r, AT(1)) == SAMPLE_MISSING);
        assert_true(hour(r, AT(3)) == SAMPLE_MISSING);
}

static void unknown_is_neither_zero_nor_in_a_mean(void **state) {
        auto_free Rings *r = new_rings(1);
        uint64_t value = SAMPLE_UNKNOWN;
        Tick t;

        (void) state;
        rings_tick(r, AT(1), &t);
        rings_add(r, &t, &value);
        assert_true(hour(r, AT(1)) == SAMPLE_UNKNOWN);
        assert_true(rings_get(r, RANGE_DAY, 0, START / 60000) == SAMPLE_UNKNOWN);
        add(r, AT(2), 500);
        assert_int_equal(rings_get(r, RANGE_DAY, 0, START / 60000), 500);
}

/* A project that was awake for one of four samples. */
static void nothing_counts_into_the_means(void **state) {
        auto_free Rings *node = new_rings(1), *project = new_rings(1);
        uint64_t value = 400;
        Tick t;

        (void) state;
        rings_tick(node, AT(1), &t);
        assert_false(rings_add_nothing(project, &t));
        rings_tick(node, AT(2), &t);
        rings_add(project, &t, &value);
        assert_int_equal(rings_get(project, RANGE_DAY, 0, START / 60000), 200);
        for (int64_t i = 3; i <= 4; i++) {
                rings_tick(node, AT(i), &t);
                assert_true(rings_add_nothing(project, &t));
        }
        assert_int_equal(rings_get(project, RANGE_DAY, 0, START / 60000), 100);
        assert_int_equal(rings_get(project, RANGE_MONTH, 0, START / 900000), 100);
        assert_int_equal(hour(project, AT(2)), 400);
        assert_true(hour(project, AT(4)) == SAMPLE_MISSING);
        rings_tick(node, AT(91), &t); /* the next quarter of an hour */
        assert_false(rings_add_nothing(project, &t));
}

static void a_crash_of_the_machine_costs_a_minute(void **state) {
        auto_free Rings *r = new_rings(1);

        (void) state;
        for (int64_t i = 1; i <= 30; i++)
                add(r, AT(i), (uint64_t) i);
        rings_forget_newest(r);
        assert_int_equal(hour(r, AT(23)), 23);
        assert_true(hour(r, AT(24)) == SAMPLE_MISSING);
        assert_true(hour(r, AT(30)) == SAMPLE_MISSING);
        add(r, AT(31), 31);
        assert_int_equal(hour(r, AT(31)), 31);
        assert_int_equal(rings_get(r, RANGE_MONTH, 0, START / 900000), 31);
}

static void damage_is_seen(void **state) {
        auto_free Rings *r = new_rings(2);
        size_t size = rings_size(2);

        (void) state;
        add(r, AT(1), 1);
        assert_false(rings_are_sound(r, size - 1, 2));
        assert_false(rings_are_sound(r, 0, 2));
        assert_false(rings_are_sound(r, size, 3));
        r->magic[0]++;
        assert_false(rings_are_sound(r, size, 2));
        r->magic[0]--;
        r->version++;
        assert_false(rings_are_sound(r, size, 2));
        r->version--;
        r->size++;
        assert_false(rings_are_sound(r, size, 2));
        r->size--;
        r->states[1].last = -1;
        assert_false(rings_are_sound(r, size, 2));
        r->states[1].last = INT64_MAX;
        assert_false(rings_are_sound(r, size, 2));
        r->states[1].last = 1;
        memset(r->boot, 'x', sizeof(r->boot));
        assert_false(rings_are_sound(r, size, 2));
        memset(r->boot, 0, sizeof(r->boot));
        assert_true(rings_are_sound(r, size, 2));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sixteen_bits_keep_order_and_size),
                cmocka_unit_test(what_was_written_is_read),
                cmocka_unit_test(early_and_late_samples_have_the_period_before),
                cmocka_unit_test(rings_wrap),
                cmocka_unit_test(a_mean_is_right_from_its_first_sample_on),
                cmocka_unit_test(holes_are_missing),
                cmocka_unit_test(a_clock_set_back_forgets_its_future),
                cmocka_unit_test(a_clock_set_ahead_and_back_goes_on),
                cmocka_unit_test(unknown_is_neither_zero_nor_in_a_mean),
                cmocka_unit_test(nothing_counts_into_the_means),
                cmocka_unit_test(a_crash_of_the_machine_costs_a_minute),
                cmocka_unit_test(damage_is_seen),
        };

        return cmocka_run_group_tests_name("rings", tests, NULL, NULL);
}
