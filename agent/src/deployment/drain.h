/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Waits until nobody uses a slot any more: no connection on its socket, none that waits to be accepted. `live` points elsewhere by then, so
 * no new ones come, but for those that nginx has kept open from before (2 s at most, agent/helper/templates/site.conf). */
#pragma once

#include "deployment/context.h"

typedef struct Drain Drain;

/* drained: how many connections there were at most; cut: how many were left when the time was over. */
typedef void (*Drained)(void *owner, unsigned drained, unsigned cut);

/* done() is never called from inside. The strings are copied. */
int drain_slot(const DeployContext *c, const char *project, const char *slot, uint64_t within_us, Drained done, void *owner,
               Drain **ret_drain);
Drain *drain_drop(Drain *d); /* NULL-safe, returns NULL; allowed inside its own callback */
