/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Server-sent events on an HttpStream. */
#pragma once

#include "event/http_server.h"

#include <stdint.h>

/* id 0: none. data is one line. Negative errno when the client is too slow (drop the stream). */
int sse_write(HttpStream *s, uint64_t id, const char *event, const char *data);
