/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* For tests: the same with other ends than those of this machine. And what slot_usage.c needs, too. */
#pragma once

#include "system/slots.h"

#include <stddef.h>

int slot_memory_in(const char *cgroups, const char *own_cgroup, const char *project, const char *slot, uint64_t *ret_anon,
                   uint64_t *ret_swap);
/* What is above the units of this machine, for lines `N:controllers:/path`; empty when nothing is, or it cannot be told. */
void slot_cgroup_base(const char *own_cgroup, const char *controllers, char *ret, size_t size);
