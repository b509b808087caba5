/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "chart.h"

#include "base/cleanup.h"

#include <string.h>

static const char *const blocks[] = { "\xe2\x96\x81", "\xe2\x96\x82", "\xe2\x96\x83", "\xe2\x96\x84",
                                      "\xe2\x96\x85", "\xe2\x96\x86", "\xe2\x96\x87", "\xe2\x96\x88" };
static const char *const ascii[] = { "_", ".", ":", "-", "=", "+", "*", "#" };

/* The mean of samples from … to - 1; negative where none is known. */
static double mean_of(const json_t *values, size_t from, size_t to) {
        double sum = 0;
        size_t n = 0;

        for (size_t i = from; i < to; i++) {
                const json_t *value = json_array_get(values, i);

                if (!json_is_number(value) || json_number_value(value) < 0)
                        continue;
                sum += json_number_value(value);
                n++;
        }
        return n > 0 ? sum / (double) n : -1;
}

void chart_draw(const json_t *values, size_t columns, bool utf8, Chart *ret) {
        size_t n = json_array_size(values);
        double heights[CHART_MOST_COLUMNS], highest = 0;
        char *at = ret->line;

        if (columns > CHART_MOST_COLUMNS)
                columns = CHART_MOST_COLUMNS;
        if (columns > n)
                columns = n;
        *ret = (Chart){ .mean = mean_of(values, 0, n) };
        ret->is_empty = ret->mean < 0;
        for (size_t i = 0; i < n; i++)
                if (json_number_value(json_array_get(values, i)) > ret->most)
                        ret->most = json_number_value(json_array_get(values, i));
        for (size_t i = 0; i < columns; i++) {
                heights[i] = mean_of(values, i * n / columns, (i + 1) * n / columns);
                if (heights[i] > highest)
                        highest = heights[i];
        }
        for (size_t i = 0; i < columns; i++) {
                size_t level = highest > 0 && heights[i] > 0 ? (size_t) (heights[i] / highest * (double) (ELEMENTS(blocks) - 1) + 0.5) : 0;
                const char *block = heights[i] < 0 ? " " : utf8 ? blocks[level] : ascii[level];

                at = stpcpy(at, block);
        }
}
