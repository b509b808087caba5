/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A series as one line of blocks. Pure. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define CHART_MOST_COLUMNS 120
#define CHART_SIZE (CHART_MOST_COLUMNS * 3 + 1)

typedef struct {
        char line[CHART_SIZE]; /* a blank for what is not known */
        bool is_empty;         /* nothing is known at all */
        double mean, most;     /* of the samples */
} Chart;

/* values: numbers and nulls. A column is the mean of its samples; its height is between nothing and the highest column. */
void chart_draw(const json_t *values, size_t columns, bool utf8, Chart *ret);
