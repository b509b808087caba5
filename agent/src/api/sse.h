/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Server-sent events on an HttpStream. */
#pragma once

#include "event/http_server.h"

#include <stdint.h>

/* As http_reply_stream(); an empty comment is sent when there was nothing else for 15 s. */
int sse_begin(HttpRequest *rq, void (*closed)(void *owner), void *owner, HttpStream **ret_stream);
/* One event as it goes over the wire, for several streams: to be freed by the caller; id as below. */
int sse_text(uint64_t id, const char *event, const char *data, char **ret_text, size_t *ret_length);
/* id 0: none. data is one line. Negative errno when the client is too slow (drop the stream). */
int sse_write(HttpStream *s, uint64_t id, const char *event, const char *data);
