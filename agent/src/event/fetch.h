/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Outgoing HTTP: libcurl multi on the loop. A Fetch is one transfer; dropping it cancels it. done() is never called from inside
 * fetch_start(). Connections are reused for half a minute; then all of curl's memory is given back. One to a unix socket is never kept:
 * whoever drains an app counts its connections. */
#pragma once

#include "event/loop.h"

#include <stddef.h>

typedef struct FetchPool FetchPool;
typedef struct Fetch Fetch;

typedef struct {
        const char *method;         /* NULL: GET */
        const char *url;            /* http or https */
        const char *unix_socket;    /* connect to this path instead of the url's host; NULL: TCP */
        const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
        const char *body;           /* may be NULL */
        size_t body_length;
        const char *ca;      /* CA bundle; NULL: the system's */
        uint64_t timeout_us; /* whole transfer, 0: 30 s */
        uint64_t stall_us;   /* give up when fewer than 1 KiB/s come for this long; 0: no such limit */
        size_t max_bytes;    /* of the answer's body, 0: 1 MiB; more is -EFBIG */
        int to_fd;           /* write the body there instead of keeping it; stays the caller's, open until the end; 0 or -1: keep */
        unsigned redirects;  /* follow at most so many, each to https only; 0: none, the 3xx is the answer */
} FetchSpec;

typedef struct {
        int error; /* 0, or negative errno: -ECONNREFUSED, -ETIMEDOUT, -EFBIG, -EPROTO, -EHOSTUNREACH, -EKEYREJECTED (TLS), … */
        const char *sentence; /* on error, for people */
        unsigned status;      /* HTTP status, when error is 0 */
        const char *body;     /* NUL-terminated, valid during the callback; empty with to_fd */
        size_t length;
} FetchResult;

typedef void (*FetchDone)(void *owner, const FetchResult *result);

int fetch_pool_new(Loop *l, FetchPool **ret_pool);
FetchPool *fetch_pool_free(FetchPool *p); /* every Fetch must be dropped before; never inside a callback of it */

/* Copies everything in spec. -EINVAL for what is no http(s) URL or no header line. */
int fetch_start(FetchPool *p, const FetchSpec *spec, FetchDone done, void *owner, Fetch **ret_fetch);
Fetch *fetch_drop(Fetch *f); /* NULL-safe, returns NULL; allowed inside its own callback */
