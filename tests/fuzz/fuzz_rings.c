/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A file of samples that somebody has written into: what rings_are_sound() takes can be written and read at any time without leaving the
 * block, stays sound, and gives back what was written last. The first 16 bytes are two times; the rest lies over a whole header. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "statistics/rings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SERIES = 2 };

static void add(Rings *r, Rings *clock, int64_t now_ms, uint64_t value) {
        uint64_t values[SERIES] = { value, SAMPLE_UNKNOWN };
        Tick t;

        rings_tick(clock, now_ms, &t);
        rings_add(r, &t, values);
        (void) rings_add_nothing(r, &t);
        if (rings_get(r, RANGE_HOUR, 0, t.period[RANGE_HOUR]) == SAMPLE_MISSING)
                abort();
        for (unsigned range = 0; range < RANGES; range++)
                for (unsigned s = 0; s < SERIES; s++)
                        for (int64_t back = 0; back <= range_forms[range].samples; back++)
                                (void) rings_get(r, range, s, t.period[range] - back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        size_t whole = rings_size(SERIES);
        auto_free Rings *r = calloc(1, whole), *clock = calloc(1, whole);
        int64_t times[2];

        if (!r || !clock)
                abort();
        if (size < sizeof(times))
                return 0;
        memcpy(times, data, sizeof(times));
        /* Numbers in 16 bits keep their order, and their size but for 1/4096. */
        uint64_t low = sample_unpack(sample_pack((uint64_t) times[0])), high = sample_unpack(sample_pack((uint64_t) times[1]));
        if (((uint64_t) times[0] <= (uint64_t) times[1]) ? low > high : low < high)
                abort();
        if ((uint64_t) times[0] < UINT64_C(4390000000000) &&
            (low > (uint64_t) times[0] ? low - (uint64_t) times[0] : (uint64_t) times[0] - low) > (uint64_t) times[0] / 4096 + 1)
                abort();
        rings_make(clock, SERIES);
        rings_make(r, SERIES);
        /* Behind magic, version and size, which nobody guesses. */
        memcpy(r->boot, data + sizeof(times), size - sizeof(times) < whole - sizeof(Rings) ? size - sizeof(times) : whole - sizeof(Rings));
        if (!rings_are_sound(r, whole, SERIES))
                return 0;
        for (unsigned i = 0; i < 2; i++) {
                /* Until the year 10000 or so. */
                int64_t now_ms = times[i] & ((INT64_C(1) << 48) - 1);

                add(r, clock, now_ms, 5);
                if (!rings_are_sound(r, whole, SERIES))
                        abort();
        }
        rings_forget_newest(r);
        if (!rings_are_sound(r, whole, SERIES))
                abort();
        return 0;
}
