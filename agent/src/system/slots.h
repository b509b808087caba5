/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The services of all slots at once: nanoscale-{id}@{a,b}.service. One match on the bus, and memory only for those that systemd has loaded.
 */
#pragma once

#include "system/units.h"

#include <stdint.h>

typedef struct SlotFollow SlotFollow;

/* project, slot and state are valid during the call. */
typedef void (*SlotChanged)(void *owner, const char *project, const char *slot, const UnitState *state);

/* Calls changed() for each slot's service that is loaded, soon, and then at each change of one of UnitState's fields; after a lost bus for
 * all of them again. One that ends is told as inactive or failed before systemd forgets it. A service with an active socket stays loaded,
 * and one that never ran is told too: inactive, with an empty invocation. Never called from inside. Either of the two may go first. */
int units_follow_slots(Units *u, SlotChanged changed, void *owner, SlotFollow **ret_follow);
SlotFollow *slot_follow_drop(SlotFollow *f); /* NULL-safe, returns NULL; allowed inside its own callback */

/* Memory of a slot's cgroup (v2 or v1): anonymous bytes in RAM, and bytes in swap (0 where the kernel does not count these). -ENOENT: no
 * such cgroup, as of a slot that does not run. -EINVAL: no such name. */
int slot_memory(const char *project, const char *slot, uint64_t *ret_anon, uint64_t *ret_swap);
