/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* HTTP/1.1 server on a listening unix socket (libmicrohttpd, external epoll on our loop).
 *
 * A request reaches handle() when its body is complete. The handler answers at once, or keeps the pointer and answers later from another
 * callback; exactly one http_reply…() per request, after which the pointer is no longer valid. When the client goes away first, gone()
 * tells an owner that had been set with http_request_on_gone(), and the pointer is no longer valid after that call. */
#pragma once

#include "event/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct HttpServer HttpServer;
typedef struct HttpRequest HttpRequest;
typedef struct HttpStream HttpStream;

typedef struct {
        /* Largest body in bytes that a request may have, asked for when its head has arrived; a larger one gets 413. Up to 3 MiB beyond it
         * are read and thrown away before, within the time of any request: a proxy that is still sending would see a closed connection, and
         * answer 502 in our place. What says that it is longer than that is answered at once, what turns out so is cut off. */
        size_t (*body_limit)(void *owner, const char *method, const char *path);
        void (*handle)(void *owner, HttpRequest *rq);
} HttpServerOps;

/* Takes listen_fd (on success). At most max_connections at once, more wait in the backlog. idle_s seconds of silence close a connection,
 * also one whose client does not read its answer; a request that is not complete a minute later than that, however it trickles, is cut off.
 * A request that a handler keeps and a stream that has nothing to send may take for ever. */
int http_server_new(Loop *l, int listen_fd, unsigned max_connections, unsigned idle_s, const HttpServerOps *ops, void *owner,
                    HttpServer **ret_server);
HttpServer *http_server_free(
                HttpServer *s); /* open requests and streams are cut; their gone() and closed() run; not from a callback of it */

const char *http_request_method(const HttpRequest *rq);
const char *http_request_path(const HttpRequest *rq);                     /* decoded by nobody: as sent, without the query */
const char *http_request_target(const HttpRequest *rq);                   /* path with query, exactly as sent: what a caller has signed */
const char *http_request_query(const HttpRequest *rq, const char *name);  /* decoded value; NULL when absent, badly escaped or with %00 */
const char *http_request_header(const HttpRequest *rq, const char *name); /* or NULL */
const char *http_request_body(const HttpRequest *rq, size_t *ret_length); /* NUL-terminated */
/* Who is at the other end of the socket (SO_PEERCRED, SO_PEERGROUPS). */
uid_t http_request_peer_uid(const HttpRequest *rq);
bool http_request_peer_in_group(const HttpRequest *rq, gid_t gid);

/* What a dispatcher found out about a request, for its handlers: kept with it, released with it. Once a request. */
void http_request_attach(HttpRequest *rq, void *data, void (*release)(void *data));
void *http_request_attached(const HttpRequest *rq); /* NULL: nothing */

/* Where a handler keeps things between dispatch and answer; gone() as above. */
void http_request_on_gone(HttpRequest *rq, void (*gone)(void *owner), void *owner);

/* Tells once how the request is answered, before the answer goes out: its status, or 0 when the client has gone or there is no memory for
 * an answer. Not for a second owner. */
void http_request_on_answer(HttpRequest *rq, void (*answered)(void *owner, unsigned status), void *owner);

/* Answers. body is copied; content_type NULL means no body. extra_headers as in FetchSpec, may be NULL. Cache-Control: no-store is always
 * set. An answer to HEAD is made like one to GET. gone() does not run any more. */
void http_reply(HttpRequest *rq, unsigned status, const char *content_type, const char *body, size_t length,
                const char *const *extra_headers);

/* Answers 200 with an endless body (server-sent events, log downloads). closed(owner) runs once when the client has gone; then, or
 * at any time before, the owner ends the stream. rq is no longer valid after it, unless the result is negative: then it still has to be
 * answered. */
int http_reply_stream(HttpRequest *rq, const char *content_type, void (*closed)(void *owner), void *owner, HttpStream **ret_stream);
/* Ends all streams of the server: their owners are told that the client has gone, and end them. Not from a stream's own callbacks. */
void http_server_end_streams(HttpServer *s);
/* Sends text (static) whenever nothing else was written for interval_us, so that nobody in between takes a quiet stream for a dead one. */
int http_stream_keep(HttpStream *s, const char *text, uint64_t interval_us);
/* Queues bytes. -ENOBUFS when more than 1 MiB waits for a slow client: end the stream then. -EPIPE when
 * the client has gone. */
int http_stream_write(HttpStream *s, const char *data, size_t length);
size_t http_stream_pending(const HttpStream *s);
/* Sends what is queued, then ends the answer. Inside closed() as well. NULL-safe, returns NULL. closed() does not run any more. */
HttpStream *http_stream_end(HttpStream *s);
