/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* For tests: time and cgroups other than those of this machine. */
#pragma once

#include "statistics/statistics.h"

int statistics_new_in(Loop *l, const StatisticsConfig *config, const char *cgroups, const char *own_cgroup, Statistics **ret_statistics);
/* Takes a sample: wall clock, and one that neither jumps nor stops while the machine is suspended. */
void statistics_sample(Statistics *s, int64_t now_ms, uint64_t boot_us);
