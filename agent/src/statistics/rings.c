/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "statistics/rings.h"

#include <string.h>

static const char magic[8] = "NSRINGS";
enum { VERSION = 1, MANTISSA = 11, FORGOTTEN = 60 };

static const uint16_t missing = 0xffff, unknown = 0xfffe, largest = 0xfffd;

const struct RangeForm range_forms[RANGES] = {
        [RANGE_HOUR] = { "hour", SAMPLE_SECONDS, 360 },
        [RANGE_DAY] = { "day", 60, 1440 },
        [RANGE_MONTH] = { "month", 900, 2880 },
};

/* --- samples --- */

/* As IEEE 754 does it: exponent 0 has no leading one, so that small numbers are exact and the order of the codes is that of the numbers. */
uint16_t sample_pack(uint64_t value) {
        unsigned exponent, bits;

        if (value >= SAMPLE_UNKNOWN)
                return value == SAMPLE_MISSING ? missing : unknown;
        if (value >> MANTISSA == 0)
                return (uint16_t) value;
        if (value >> (MANTISSA + 1 + 30))
                return largest;
        bits = 64 - (unsigned) __builtin_clzll(value);
        exponent = bits - MANTISSA;
        if (exponent > 1) {
                /* The nearest one; a carry makes the next power of two. */
                value += UINT64_C(1) << (exponent - 2);
                if (value >> bits) {
                        bits++;
                        exponent++;
                }
        }
        if (exponent > 31)
                return largest;
        value = (uint64_t) exponent << MANTISSA | ((value >> (exponent - 1)) & ((1u << MANTISSA) - 1));
        return value > largest ? largest : (uint16_t) value;
}

uint64_t sample_unpack(uint16_t sample) {
        unsigned exponent = sample >> MANTISSA;
        uint64_t mantissa = sample & ((1u << MANTISSA) - 1);

        if (sample >= unknown)
                return sample == missing ? SAMPLE_MISSING : SAMPLE_UNKNOWN;
        return exponent == 0 ? mantissa : (mantissa | UINT64_C(1) << MANTISSA) << (exponent - 1);
}

/* --- the block --- */

static size_t samples_before(Range range) {
        size_t n = 0;

        for (unsigned i = 0; i < range; i++)
                n += range_forms[i].samples;
        return n;
}

size_t rings_size(unsigned n_series) {
        return sizeof(Rings) + n_series * samples_before(RANGES) * sizeof(uint16_t);
}

/* The samples of a period's place, of which those of one series are `samples` apart. */
static size_t place_of(unsigned n_series, Range range, int64_t period) {
        return samples_before(range) * n_series + (size_t) ((uint64_t) period % range_forms[range].samples);
}

static void clear(Rings *r, Range range, int64_t period) {
        uint16_t *at = r->samples + place_of(r->n_series, range, period);

        for (unsigned s = 0; s < r->n_series; s++)
                at[s * range_forms[range].samples] = missing;
}

void rings_make(Rings *r, unsigned n_series) {
        memset(r, 0, sizeof(*r));
        memcpy(r->magic, magic, sizeof(magic));
        r->version = VERSION;
        r->n_series = n_series;
        r->size = rings_size(n_series);
        memset(r->samples, 0xff, r->size - sizeof(*r));
}

bool rings_are_sound(const Rings *r, size_t size, unsigned n_series) {
        if (size < sizeof(*r) || memcmp(r->magic, magic, sizeof(magic)) != 0 || r->version != VERSION || r->n_series != n_series ||
            n_series == 0 || n_series > SERIES_MOST || r->size != size || size != rings_size(n_series) ||
            !memchr(r->boot, 0, sizeof(r->boot)))
                return false;
        for (unsigned i = 0; i < RANGES; i++) {
                const RingState *state = &r->states[i];

                /* A period that no clock can come to, or more samples than a period has room for. */
                if (state->last < 0 || state->last > INT64_C(1) << 40 || state->ticks < 0 || state->ticks > INT64_C(1) << 20)
                        return false;
                for (unsigned s = 0; s < n_series; s++)
                        if (state->sums[s] > INT64_MAX)
                                return false;
        }
        return r->first >= 0 && r->first <= INT64_C(1) << 40;
}

/* --- time --- */

int64_t range_period(Range range, int64_t now_ms) {
        int64_t step_ms = range_forms[range].step_seconds * INT64_C(1000);
        /* A timer that is a moment early or late means the full ten seconds all the same; the sample is about what was before. */
        int64_t about_ms = now_ms - SAMPLE_SECONDS * INT64_C(1000) / 2;

        return about_ms > step_ms ? about_ms / step_ms : 1;
}

/* Moves a ring's end to that period. What lies between is missing. */
static void advance(Rings *r, Range range, int64_t period) {
        RingState *state = &r->states[range];
        int64_t samples = range_forms[range].samples, from = state->last + 1, to = period;

        if (period == state->last)
                return;
        if (period < state->last) {
                from = period; /* a clock that was set back */
                to = state->last;
        }
        if (state->last == 0 || to - from >= samples)
                from = to - samples + 1;
        for (int64_t i = from; i <= to; i++)
                clear(r, range, i);
        *state = (RingState){ .last = period };
}

void rings_tick(Rings *r, int64_t now_ms, Tick *ret) {
        for (unsigned i = 0; i < RANGES; i++) {
                int64_t period = range_period(i, now_ms);

                advance(r, i, period);
                /* A machine that samples faster than it should is refused nothing; the means go on with what there is. */
                r->states[i].ticks++;
                ret->period[i] = period;
                ret->ticks[i] = r->states[i].ticks;
        }
}

static void put_mean(Rings *r, Range range, const Tick *t) {
        const RingState *state = &r->states[range];
        uint16_t *at = r->samples + place_of(r->n_series, range, state->last);

        for (unsigned s = 0; s < r->n_series; s++) {
                int64_t known = t->ticks[range] - (int64_t) state->unknown[s];

                at[s * range_forms[range].samples] =
                                known > 0 ? sample_pack((state->sums[s] + (uint64_t) known / 2) / (uint64_t) known) : unknown;
        }
}

void rings_add(Rings *r, const Tick *t, const uint64_t *values) {
        if (r->first == 0 || r->first > t->period[RANGE_HOUR])
                r->first = t->period[RANGE_HOUR];
        for (unsigned i = 0; i < RANGES; i++) {
                RingState *state = &r->states[i];

                advance(r, i, t->period[i]);
                for (unsigned s = 0; s < r->n_series; s++) {
                        if (values[s] >= SAMPLE_UNKNOWN)
                                state->unknown[s]++;
                        else if (__builtin_add_overflow(state->sums[s], values[s], &state->sums[s]) || state->sums[s] > INT64_MAX)
                                state->sums[s] = INT64_MAX;
                }
                put_mean(r, i, t);
        }
}

bool rings_add_nothing(Rings *r, const Tick *t) {
        bool is_begun = false;

        for (unsigned i = 0; i < RANGES; i++)
                if (i != RANGE_HOUR && r->states[i].last == t->period[i]) {
                        put_mean(r, i, t);
                        is_begun = true;
                }
        return is_begun;
}

void rings_forget_newest(Rings *r) {
        for (unsigned i = 0; i < RANGES; i++) {
                RingState *state = &r->states[i];
                int64_t n = 1 + FORGOTTEN / range_forms[i].step_seconds;

                for (int64_t k = 0; k < n && state->last - k > 0; k++)
                        clear(r, i, state->last - k);
                memset(state->sums, 0, sizeof(state->sums));
                memset(state->unknown, 0, sizeof(state->unknown));
                state->ticks = 0;
        }
}

uint64_t rings_get(const Rings *r, Range range, unsigned series, int64_t period) {
        int64_t last = r->states[range].last, samples = range_forms[range].samples;

        if (period <= 0 || period > last || period <= last - samples)
                return SAMPLE_MISSING;
        return sample_unpack(r->samples[place_of(r->n_series, range, period) + series * (size_t) samples]);
}
