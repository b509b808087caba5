/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What systemd says of our units (sd-bus, read only: changes go through the helper). */
#pragma once

#include "event/loop.h"

#include <stdbool.h>

typedef struct Units Units;
typedef struct UnitWatch UnitWatch;

typedef struct {
        char active[16];     /* ActiveState: inactive, activating, active, deactivating, failed */
        char result[24];     /* Result of a service: success, exit-code, signal, core-dump, timeout, oom-kill, watchdog, resources, … */
        char invocation[33]; /* InvocationID as hex, empty when it never ran (or is forgotten) */
        int exec_code;       /* ExecMainCode: CLD_EXITED, CLD_KILLED, CLD_DUMPED or 0 */
        int exec_status;     /* ExecMainStatus: exit code or signal */
        unsigned main_pid;   /* 0 when none */
} UnitState;

/* state is valid during the call. */
typedef void (*UnitChanged)(void *owner, const UnitState *state);

int units_new(Loop *l, Units **ret_units);
Units *units_free(Units *u);

/* Calls changed() with the present state soon, and then at each change of one of the fields above. Also re-reads the state every poll_us
 * (0: never), for one whose end must not be missed. Loads the unit if it is not loaded. */
int units_watch(Units *u, const char *unit, uint64_t poll_us, UnitChanged changed, void *owner, UnitWatch **ret_watch);
UnitWatch *unit_watch_drop(UnitWatch *w); /* NULL-safe, returns NULL; allowed inside its own callback */
