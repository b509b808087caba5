/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the files of the HTTP server share: http_server.c (daemon, connections), http_request.c (receiving, and what a handler asks) and
 * http_reply.c (answers, streams, suspend and resume). */
#pragma once

#include "event/http_server.h"

#include <microhttpd.h>
#include <systemd/sd-event.h>

typedef struct Peer Peer;

struct HttpServer {
        Loop *loop;
        struct MHD_Daemon *daemon;
        const HttpServerOps *ops;
        void *owner;
        unsigned idle_s;
        uint64_t sweep_us, request_us; /* how often slow requests are looked for, and how long one may take */
        Watch *readable;
        Timer *timeout; /* of libmicrohttpd */
        Timer *sweep;
        sd_event_source *pump;
        Peer *peers;
};

/* A connection. */
struct Peer {
        HttpServer *server;
        int fd;
        uint64_t since_us; /* when it was accepted, or when its last request was over */
        HttpRequest *request;
        char *target; /* of the request line that was read last, until its request takes it */
        Peer *next, **link;
};

/* Where a request is. Each has one way forward, and `over` (its memory is released) may come from any. */
typedef enum {
        RECEIVING,
        HANDLING,  /* handle() is on the stack */
        KEPT,      /* suspended, its owner will answer */
        ANSWERED,  /* response is set, or it is in libmicrohttpd's hands */
        STREAMING, /* as ANSWERED, and stream may be set */
        CUT,       /* client gone or no memory: close it as soon as libmicrohttpd asks */
} RequestState;

typedef struct Decoded {
        struct Decoded *next;
        char text[];
} Decoded;

struct HttpRequest {
        HttpServer *server;
        Peer *peer;
        struct MHD_Connection *connection;
        RequestState state;
        bool suspended;
        Watch *hangup; /* while it is suspended, when libmicrohttpd does not look at the socket */
        char *method, *path, *target;
        char *body;
        size_t length, size, limit;
        bool oversized; /* says so itself: nothing of its body is kept */
        size_t excess;  /* bytes that came beyond the limit */
        Decoded *decoded;
        void (*gone)(void *owner);
        void *gone_owner;
        void *attached;
        void (*release)(void *attached);
        void (*answered)(void *owner, unsigned status);
        void *answered_owner;
        struct MHD_Response *response;
        unsigned status;
        HttpStream *stream;
};

struct HttpStream {
        HttpRequest *request; /* NULL once the client has gone */
        char *data;           /* waits from start to end */
        size_t start, end, size;
        const char *keep; /* what is sent when nothing else was for keep_us; NULL: nothing */
        uint64_t keep_us;
        Timer *keeper;
        bool ended; /* by the owner, who has forgotten it: it lives on for what is queued */
        void (*closed)(void *owner);
        void *owner;
};

/* http_request.c: libmicrohttpd's access handler, and its escape decoder, which decodes nothing. */
enum MHD_Result http_on_request(void *server, struct MHD_Connection *connection, const char *path, const char *method, const char *version,
                                const char *data, size_t *data_size, void **rq_slot);
size_t http_unescape_nothing(void *cls, struct MHD_Connection *connection, char *text);
void http_request_free(HttpRequest *rq);

/* Tells how it was answered, if that has not been told. */
void http_tell_answer(HttpRequest *rq, unsigned status);

/* http_reply.c: takes the request out of libmicrohttpd's view until http_resume(). */
void http_suspend(HttpRequest *rq);
/* Tells the owner, once, that there is nobody to answer any more. */
void http_tell_gone(HttpRequest *rq);
/* That, and the connection is closed. */
void http_cut(HttpRequest *rq);
