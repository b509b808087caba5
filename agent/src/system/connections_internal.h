/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* For tests: the same with sockets in another directory than NS_APPS. */
#pragma once

#include "system/connections.h"

int connections_sweep_in(const char *directory, void (*each)(void *owner, const SlotConnections *s), void *owner);
int connections_of_in(const char *directory, const char *project, const char *slot, unsigned *ret_connections, unsigned *ret_queued);
