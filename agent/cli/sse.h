/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Parser of a stream of server-sent events (the "event stream" of the HTML standard), fed with pieces of any size.
 *
 * Ends of lines may be CR, LF or CRLF, also across pieces. A comment is skipped, an event without data is not one, a field that is cut off
 * by the end of the stream is dropped, as the standard wants. Bounded: a line or an event's data over SSE_MAX_BYTES ends the parsing. */
#pragma once

#include <stddef.h>

#define SSE_MAX_BYTES ((size_t) 1024 * 1024)

typedef struct SseParser SseParser;

typedef struct {
        const char *type; /* "message" when the event names none */
        const char *data; /* NUL-terminated, its lines joined by newlines */
        size_t length;
        const char *id; /* the last one that the stream named, this event included; empty: none yet */
} SseEvent;

/* Non-zero ends the parsing; sse_feed() then returns it. */
typedef int (*SseHandler)(void *owner, const SseEvent *event);

int sse_parser_new(SseHandler handler, void *owner, SseParser **ret_parser);
SseParser *sse_parser_free(SseParser *p); /* NULL-safe, returns NULL */

/* 0; what the handler returned; -EMSGSIZE: over the limit; -ENOMEM. After anything but 0 the parser takes no more. */
int sse_feed(SseParser *p, const char *data, size_t length);
/* A new connection to the same stream: forgets a half event and its id, keeps the id of the last whole one. */
void sse_parser_restart(SseParser *p);
/* The id of the last whole event, for Last-Event-ID; empty: none yet. */
const char *sse_last_id(const SseParser *p);
/* Milliseconds that the stream asks to wait before a new connection, or -1. */
long sse_retry_ms(const SseParser *p);
