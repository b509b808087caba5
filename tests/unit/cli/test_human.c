/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "human.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

static void durations_have_the_unit_that_fits(void **state) {
        static const struct {
                int64_t ms;
                const char *plain, *wait;
        } cases[] = {
                { 0, "0.0 s", "0 ms" },     { 71, "0.0 s", "71 ms" },      { 999, "0.9 s", "999 ms" },
                { 1210, "1.2 s", "1.2 s" }, { 99999, "99.9 s", "99.9 s" }, { 123000, "2 min 03 s", "2 min 03 s" },
                { -5, "0.0 s", "0.0 s" },
        };
        char text[64];

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                format_duration(cases[i].ms, true, text, sizeof text);
                assert_string_equal(text, cases[i].plain);
                format_wait(cases[i].ms, text, sizeof text);
                assert_string_equal(text, cases[i].wait);
        }
        format_duration(800, false, text, sizeof text);
        assert_string_equal(text, "0.8s");
}

static void settings_keep_every_second(void **state) {
        static const struct {
                int64_t seconds;
                const char *text;
        } cases[] = {
                { 0, "0 s" },
                { 45, "45 s" },
                { 60, "1 min" },
                { 900, "15 min" },
                { 5400, "1 h 30 min" },
                { 86400, "1 day" },
                { 90061, "1 day 1 h 1 min 1 s" },
                { 2 * 86400, "2 days" },
        };
        char text[64];

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                format_seconds(cases[i].seconds, text, sizeof text);
                assert_string_equal(text, cases[i].text);
        }
        format_seconds(90061, text, 6);
        assert_string_equal(text, "1 day");
}

static void sizes_round_without_reaching_the_next_unit(void **state) {
        static const struct {
                int64_t bytes;
                const char *text;
        } cases[] = {
                { 0, "0 KiB" },
                { -1, "0 KiB" },
                { 52 * 1024, "52 KiB" },
                { 1024 * 1024 - 1, "1.0 MiB" },
                { 7 * 1024 * 1024 + 300 * 1024, "7.3 MiB" },
                { INT64_C(10) * 1024 * 1024 - 1, "10 MiB" },
                { 112 * 1024 * 1024, "112 MiB" },
                { INT64_C(1536) * 1024 * 1024, "1.5 GiB" },
                { INT64_MAX, "8388608 TiB" },
        };
        char text[64];

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                format_bytes(cases[i].bytes, text, sizeof text);
                assert_string_equal(text, cases[i].text);
        }
}

static const char *at(int64_t seconds_ago) {
        static char iso[64];
        time_t then = time(NULL) - seconds_ago;
        struct tm tm;

        (void) gmtime_r(&then, &tm);
        (void) strftime(iso, sizeof iso, "%Y-%m-%dT%H:%M:%S.000Z", &tm);
        return iso;
}

static void ages_are_short(void **state) {
        char text[64];

        (void) state;
        format_age(at(121), text, sizeof text);
        assert_string_equal(text, "2 min ago");
        format_age(at(2 * 3600 + 5 * 60 + 1), text, sizeof text);
        assert_string_equal(text, "2 h 5 min ago");
        format_age(at(3 * 86400 + 2 * 3600 + 61), text, sizeof text);
        assert_string_equal(text, "3 days 2 h ago");
        format_age(at(-118), text, sizeof text);
        assert_string_equal(text, "in 1 min");
        format_age("yesterday", text, sizeof text);
        assert_string_equal(text, "-");
        format_age(NULL, text, sizeof text);
        assert_string_equal(text, "-");
}

static void durations_are_read_with_their_units_only(void **state) {
        static const struct {
                const char *text;
                unsigned long seconds;
        } good[] = {
                { "90s", 90 }, { "15m", 900 }, { "1h", 3600 }, { "1h30m", 5400 }, { "2d", 172800 }, { "1d1h1m1s", 90061 }, { "0s", 0 }
        };
        static const char *const bad[] = { "",    "15",    "m",     "15 m", " 15m", "15m ",  "-15m",        "+15m", "1.5h",
                                           "15M", "15min", "30m1h", "1m1m", "1h30", "never", "1000000000s", "0x10s" };
        unsigned long seconds;

        (void) state;
        for (size_t i = 0; i < ELEMENTS(good); i++) {
                assert_true(duration_parse(good[i].text, &seconds));
                assert_int_equal(seconds, good[i].seconds);
        }
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                if (duration_parse(bad[i], &seconds))
                        fail_msg("%s was taken", bad[i]);
}

static void percentiles_are_values_that_occurred(void **state) {
        static const int64_t waits[] = { 10, 20, 30, 40, 50, 60, 70, 80, 90, 100 };

        (void) state;
        assert_int_equal(percentile(waits, 1, 50), 10);
        assert_int_equal(percentile(waits, 1, 99), 10);
        assert_int_equal(percentile(waits, 2, 50), 10);
        assert_int_equal(percentile(waits, 2, 99), 20);
        assert_int_equal(percentile(waits, 10, 50), 50);
        assert_int_equal(percentile(waits, 10, 90), 90);
        assert_int_equal(percentile(waits, 10, 91), 100);
        assert_int_equal(percentile(waits, 10, 100), 100);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(durations_have_the_unit_that_fits),          cmocka_unit_test(settings_keep_every_second),
                cmocka_unit_test(sizes_round_without_reaching_the_next_unit), cmocka_unit_test(ages_are_short),
                cmocka_unit_test(durations_are_read_with_their_units_only),   cmocka_unit_test(percentiles_are_values_that_occurred),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
