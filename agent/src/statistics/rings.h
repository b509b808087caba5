/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Series of samples in three rings: an hour at 10 s, a day at 1 min, 30 days at 15 min. One block of memory of a fixed size and form, which
 * ring_file.c maps from a file; so it outlives the agent, and nothing in it is believed before rings_are_sound() has looked.
 *
 * A ring is addressed by the number of the period since 1970, so that a sample needs no time of its own. What was not written (the agent
 * did not run, the machine slept) reads as missing. The clock of the wall is the truth: when it jumps ahead there is a hole, when it jumps
 * back what lies in its future is forgotten.
 *
 * A sample takes 16 bits: a floating number of 11 bits and an exponent of 5, exact to 1/4096, up to 4.3 × 10^12. The coarser rings have the
 * mean of what fell into the period, right from its first sample on. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
        RANGE_HOUR,
        RANGE_DAY,
        RANGE_MONTH,
        RANGES,
} Range;

enum {
        SERIES_MOST = 8,
        SAMPLES_MOST = 2880,
        MEMOS = 4,
        SAMPLE_SECONDS = 10,
};

/* What is no number. */
#define SAMPLE_MISSING UINT64_MAX       /* nothing was written in that period */
#define SAMPLE_UNKNOWN (UINT64_MAX - 1) /* something was, but not this series */

extern const struct RangeForm {
        const char *word;
        unsigned step_seconds, samples;
} range_forms[RANGES];

/* 16 bits of a number and back; larger ones are cut. The two above stay what they are. */
uint16_t sample_pack(uint64_t value);
uint64_t sample_unpack(uint16_t sample);

typedef struct {
        int64_t last;  /* the period that was written last, since 1970; 0: none */
        int64_t ticks; /* how many samples were taken in it; of the file that counts them */
        uint64_t sums[SERIES_MOST];
        uint32_t unknown[SERIES_MOST]; /* samples of it that had no number */
} RingState;

typedef struct {
        char magic[8];
        uint32_t version, n_series;
        uint64_t size;         /* of all of it */
        char boot[40];         /* the boot in which it was written last */
        int64_t first;         /* hour period of the first sample ever; 0: none */
        uint64_t memos[MEMOS]; /* whatever the owner wants to find again */
        RingState states[RANGES];
        uint16_t samples[]; /* for each ring, for each series */
} Rings;

size_t rings_size(unsigned n_series);
/* Makes an empty one of zeroed memory of that size. */
void rings_make(Rings *r, unsigned n_series);
/* Is it what rings_make() has begun? size: of the memory. What is not can be made anew. */
bool rings_are_sound(const Rings *r, size_t size, unsigned n_series);

/* One moment at which samples are taken. */
typedef struct {
        int64_t period[RANGES];
        int64_t ticks[RANGES]; /* that were taken in each, with this one */
} Tick;

/* The moment now_ms as r counts it, which is to be given to rings_add(); of the other rings of the same sampler as well. A sample says what
 * was in the step before it. */
void rings_tick(Rings *r, int64_t now_ms, Tick *ret);
/* values: n_series of them, SAMPLE_UNKNOWN allowed. Ticks that were not added count as zero in the means. */
void rings_add(Rings *r, const Tick *t, const uint64_t *values);
/* Nothing happened: counts into the means that have begun, without writing to the finest ring. True while there are such. */
bool rings_add_nothing(Rings *r, const Tick *t);
/* The machine went down without a goodbye: what was written in the last minute or so may not have reached the disk, and what is in its
 * place is of the lap before. */
void rings_forget_newest(Rings *r);

/* Sample of a series in a period: a number, or SAMPLE_MISSING or SAMPLE_UNKNOWN. */
uint64_t rings_get(const Rings *r, Range range, unsigned series, int64_t period);
/* The newest whole step at that time, which is the last that can be asked for. */
int64_t range_period(Range range, int64_t now_ms);
