/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Dumps of the kernel's tables of sockets (sock_diag(7)). */
#pragma once

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

/* Sends a request of such a size for a dump and calls each() with the body of every answer, whose first size_least bytes are there. A
 * negative answer of each() ends it. -EINTR: the table changed too much meanwhile, the answer may have holes. */
int diag_dump(const void *request, size_t size, size_t size_least, int (*each)(void *owner, const void *body, size_t size), void *owner);

/* The attribute of that type behind the first `skip` bytes of a body; NULL when it is not there. */
const void *diag_attribute(const void *body, size_t size, size_t skip, uint16_t type, size_t *ret_size);
/* The same for one that is a number; 0 when it is not there. */
uint32_t diag_number(const void *body, size_t size, size_t skip, uint16_t type);
