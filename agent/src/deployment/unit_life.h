/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Tells when a unit that was started after it came under watch has ended. A unit is inactive before its start as after its end, its states
 * may be skipped between two signals, and systemd forgets an inactive unit together with its invocation: so an end is an over state after a
 * life was seen, or an over state with another invocation than the first report had. The latter only when it lasts: systemd gives a unit
 * its new invocation a moment before it leaves the inactive state. */
#pragma once

#include "system/units.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct {
        bool has_first, seen_running;
        char first[33];    /* invocation in the first report */
        uint64_t other_us; /* when an over state with another invocation was reported first */
} UnitLife;

enum { UNIT_LIFE_LASTS_US = 500 * 1000 };

static inline bool unit_is_over(const UnitState *s) {
        return strcmp(s->active, "inactive") == 0 || strcmp(s->active, "failed") == 0;
}

static inline bool unit_life_has_ended(UnitLife *l, const UnitState *s, uint64_t now_us) {
        if (!l->has_first) {
                l->has_first = true;
                (void) snprintf(l->first, sizeof l->first, "%s", s->invocation);
        }
        if (!unit_is_over(s)) {
                l->seen_running = true;
                return false;
        }
        if (l->seen_running)
                return true;
        if (s->invocation[0] == '\0' || strcmp(s->invocation, l->first) == 0)
                return false;
        if (l->other_us == 0)
                l->other_us = now_us;
        return now_us - l->other_us >= UNIT_LIFE_LASTS_US;
}
