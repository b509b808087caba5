/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* For tests: the same with other ends than those of this machine. */
#pragma once

#include "system/slots.h"

int slot_memory_in(const char *cgroups, const char *own_cgroup, const char *project, const char *slot, uint64_t *ret_anon,
                   uint64_t *ret_swap);
