/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "human.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

static const struct {
        int64_t seconds;
        char letter;
        const char *one, *many;
} units[] = {
        { 86400, 'd', "day", "days" },
        { 3600, 'h', "h", "h" },
        { 60, 'm', "min", "min" },
        { 1, 's', "s", "s" },
};

void format_duration(int64_t ms, bool space, char *ret, size_t size) {
        const char *gap = space ? " " : "";

        if (ms < 0)
                ms = 0;
        if (ms < 100000)
                (void) snprintf(ret, size, "%" PRId64 ".%" PRId64 "%ss", ms / 1000, ms % 1000 / 100, gap);
        else
                (void) snprintf(ret, size, "%" PRId64 "%smin%s%02" PRId64 "%ss", ms / 60000, gap, gap, ms % 60000 / 1000, gap);
}

void format_wait(int64_t ms, char *ret, size_t size) {
        if (ms >= 0 && ms < 1000)
                (void) snprintf(ret, size, "%" PRId64 " ms", ms);
        else
                format_duration(ms, true, ret, size);
}

/* The largest units of it, at most so many. */
static void put_units(int64_t seconds, unsigned most, char *ret, size_t size) {
        auto_call(text_cleanup) Text t = { 0 };

        for (size_t i = 0; i < ELEMENTS(units) && most > 0; i++) {
                int64_t n = seconds / units[i].seconds;

                seconds -= n * units[i].seconds;
                if (n > 0)
                        text_printf(&t, "%s%" PRId64 " %s", t.length > 0 ? " " : "", n, n == 1 ? units[i].one : units[i].many);
                if (t.length > 0)
                        most--;
        }
        (void) snprintf(ret, size, "%s", t.length > 0 ? t.data : "0 s");
}

void format_seconds(int64_t seconds, char *ret, size_t size) {
        put_units(seconds < 0 ? 0 : seconds, ELEMENTS(units), ret, size);
}

void format_bytes(int64_t bytes, char *ret, size_t size) {
        static const char *const names[] = { "KiB", "MiB", "GiB", "TiB" };
        double value = bytes < 0 ? 0 : (double) bytes / 1024;
        size_t i = 0;

        /* 1023.5 would be printed as 1024. */
        for (; value >= 1023.5 && i + 1 < ELEMENTS(names); i++)
                value /= 1024;
        (void) snprintf(ret, size, "%.*f %s", i > 0 && value < 9.95 ? 1 : 0, value, names[i]);
}

bool time_parse(const char *iso, time_t *ret) {
        struct tm tm = { 0 };

        if (!iso || !strptime(iso, "%Y-%m-%dT%H:%M:%S", &tm))
                return false;
        *ret = timegm(&tm);
        return true;
}

void format_time(const char *iso, bool date, char *ret, size_t size) {
        struct tm tm = { 0 };
        time_t at;

        if (!time_parse(iso, &at) || !localtime_r(&at, &tm) || strftime(ret, size, date ? "%Y-%m-%d %H:%M" : "%H:%M:%S", &tm) == 0)
                (void) snprintf(ret, size, "-");
}

void format_age(const char *iso, char *ret, size_t size) {
        char distance[64];
        time_t at;
        int64_t seconds;

        if (!time_parse(iso, &at)) {
                (void) snprintf(ret, size, "-");
                return;
        }
        seconds = (int64_t) time(NULL) - at;
        put_units(seconds < 0 ? -seconds : seconds, seconds >= 3600 || seconds <= -3600 ? 2 : 1, distance, sizeof distance);
        (void) snprintf(ret, size, seconds < 0 ? "in %s" : "%s ago", distance);
}

bool duration_parse(const char *text, unsigned long *ret_seconds) {
        unsigned long total = 0;
        size_t unit = 0;

        if (!*text)
                return false;
        while (*text) {
                size_t digits = strspn(text, "0123456789");
                unsigned long n = 0;

                if (digits == 0 || digits > 9)
                        return false;
                for (size_t i = 0; i < digits; i++)
                        n = n * 10 + (unsigned long) (text[i] - '0');
                while (unit < ELEMENTS(units) && units[unit].letter != text[digits])
                        unit++;
                if (unit == ELEMENTS(units))
                        return false;
                total += n * (unsigned long) units[unit++].seconds;
                text += digits + 1;
        }
        *ret_seconds = total;
        return true;
}

int64_t percentile(const int64_t *ascending, size_t n, unsigned percent) {
        size_t rank = (n * percent + 99) / 100;

        return ascending[rank > 0 ? rank - 1 : 0];
}
