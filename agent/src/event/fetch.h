/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Outgoing HTTP: libcurl multi on the loop. A Fetch is one transfer; dropping it cancels it. No callback is ever called from inside
 * fetch_start() or fetch_resume(). All three functions may be called inside any callback of the pool.
 *
 * Two kinds of pool: one for now and then, whose connections are reused for half a minute, after which all of curl's memory is given back;
 * and one for nodes, which keeps one connection to each as long as it lives. A connection to a unix socket is never kept: whoever drains
 * an app counts its connections.
 *
 * A stream (on_body is set) has a connection of its own, which ends with it, and no other call ever goes over it: bytes that a
 * paused stream does not take fill the windows of its connection, and would stop health calls that share it. */
#pragma once

#include "event/loop.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct FetchPool FetchPool;
typedef struct Fetch Fetch;

/* The head of a stream's answer has come; once, before its first byte of body. nginx holds the head of an HTTP/2 answer back until there is
 * a first byte, so who serves a stream writes a comment at once. */
typedef void (*FetchHead)(void *owner, unsigned status);
/* A piece of a stream's body, which is taken whatever the result. false pauses the stream until fetch_resume(): nothing more is told, and
 * the peer is held back by its full windows (64 KiB or so are read ahead). A peer that may not send for long gives up by its own limit:
 * nginx after its send_timeout. */
typedef bool (*FetchBody)(void *owner, const char *data, size_t length);

typedef struct {
        const char *method;         /* NULL: GET */
        const char *url;            /* http or https */
        const char *unix_socket;    /* connect to this path instead of the url's host; NULL: TCP */
        const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
        const char *body;           /* may be NULL */
        size_t body_length;
        const char *ca;              /* CA bundle; NULL: the system's */
        uint64_t timeout_us;         /* whole transfer, of a stream until its head; 0: 30 s */
        uint64_t connect_timeout_us; /* until the connection is there, TLS included; 0: 10 s; never longer than timeout_us */
        uint64_t stall_us;           /* give up when fewer than 1 KiB/s come for this long, of a stream: when nothing comes for this long
                                      * while it is not paused; 0: no such limit */
        size_t max_bytes;            /* of the answer's body, 0: 1 MiB; more is -EFBIG. Not for a stream */
        int to_fd;                   /* write the body there instead of keeping it; stays the caller's, open until the end; 0 or -1: keep */
        unsigned redirects;          /* follow at most so many, each to https only; 0: none, the 3xx is the answer */

        /* SHA-256 of the server's public key (SubjectPublicKeyInfo), 64 lower-case hex digits. It alone says who the peer is: neither chain
         * nor name nor dates of the certificate are looked at, and no proxy is used. TLS 1.3 at least. Another key is -EKEYREJECTED,
         * before a byte of the request is sent. Not together with http, ca, unix_socket or redirects. */
        const char *pinned_key;
        /* HTTP/2 over TLS, https only; an answer in another version is -EPROTO. Calls at the same time share one connection. */
        bool http2_only;
        /* The request goes out at most once. Otherwise curl sends it again by itself when a kept connection turns out to be dead, which a
         * signed request with its used nonce does not survive. With it that is -ECONNRESET, and the caller decides on a new one: whether
         * the peer has seen the first is then unknown. Not together with redirects. */
        bool once;
        FetchHead on_head; /* of a stream; may be NULL */
        FetchBody on_body; /* makes it a stream. Not together with to_fd or redirects */
} FetchSpec;

typedef struct {
        int error; /* 0, or negative errno: -ECONNREFUSED, -ETIMEDOUT, -EFBIG, -EPROTO, -EHOSTUNREACH, -EKEYREJECTED (TLS), … */
        const char *sentence; /* on error, for people */
        unsigned status;      /* HTTP status, when error is 0 */
        const char *body;     /* NUL-terminated, valid during the callback; empty with to_fd and of a stream */
        size_t length;        /* of the whole body, also of one that was not kept */
} FetchResult;

/* The transfer is over. Of a stream: after its last piece; so not while it is paused, unless something broke. */
typedef void (*FetchDone)(void *owner, const FetchResult *result);

int fetch_pool_new(Loop *l, FetchPool **ret_pool);
/* The kind for nodes: keeps a connection to each of at most max_hosts, until the pool is freed or the peer closes it. */
int fetch_pool_new_kept(Loop *l, unsigned max_hosts, FetchPool **ret_pool);
FetchPool *fetch_pool_free(FetchPool *p); /* every Fetch must be dropped before; never inside a callback of it */

/* Copies everything in spec. -EINVAL for what is no http(s) URL or no header line, and for fields that exclude each other. */
int fetch_start(FetchPool *p, const FetchSpec *spec, FetchDone done, void *owner, Fetch **ret_fetch);
void fetch_resume(Fetch *f); /* a paused stream goes on; nothing happens to another */
Fetch *fetch_drop(Fetch *f); /* NULL-safe, returns NULL; allowed inside its own callbacks */
