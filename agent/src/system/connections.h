/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who is connected to the apps, as the kernel knows it (sock_diag). Synchronous, without a process or a file: the kernel answers at once.
 *
 * A connection counts while both of its ends are open: one whose client has gone, but that the app did not close yet, is nobody's any more.
 * Those that the app made to itself (their client is bound to an abstract name that begins with "nanoscale-own-client-",
 * agent/shim/inherited.c) do not count once they are accepted; before, they are among `queued`.
 *
 * A connection that is there from the begin to the end of a call is never missed: one that is accepted meanwhile counts as both. What comes
 * meanwhile may be missed: first point `live` elsewhere, then ask. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct {
        char project[13];
        char slot[2];
        unsigned connections; /* accepted */
        unsigned queued;      /* wait to be accepted */
} SlotConnections;

/* Every listening slot socket of this network namespace, once each, ordered by project and slot. each() may do as it likes. 0 or negative
 * errno; nothing was told then. -ENOENT: this kernel has no unix_diag. */
int connections_sweep(void (*each)(void *owner, const SlotConnections *s), void *owner);
/* The same for one slot; both zero when it does not listen. An answer of twice zero was asked for twice. -EINVAL: no such name. */
int connections_of(const char *project, const char *slot, unsigned *ret_connections, unsigned *ret_queued);

/* TCP ports on which sockets of that user listen, at any address of either family: ascending, each once, at most max of them. Returns how
 * many. */
int tcp_listeners(uid_t uid, uint16_t *ret_ports, size_t max);
