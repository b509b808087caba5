/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* "nanoscale: awake after N ms": said once, by whichever process of a woken app accepts a connection first (docs/design/interfaces.md,
 * Notices). Without $NANOSCALE_WOKEN_US, or later than AWAKE_LIMIT_MS after the wake, nothing is said. */
#pragma once

#include <stdbool.h>

enum { AWAKE_LIMIT_MS = 120000 };

/* Once, before main(). */
void awake_find(void);

/* Something may be to be said still in this process. One comparison. */
bool awake_is_due(void);

/* A connection was accepted. Safe in threads; keeps errno. */
void awake_tell(void);
