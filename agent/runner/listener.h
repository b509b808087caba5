/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who listens on a TCP port of this machine. Asked of the kernel instead of tried by a connection, which the app would see; and since any
 * user may listen there, whose listener it is counts. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* True if somebody listens on the port, and nobody but processes of this user. */
bool listener_is_own(uint16_t port);
