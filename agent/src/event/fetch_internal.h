/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the files of outgoing HTTP share: fetch.c (one transfer), fetch_request.c (what a spec means to curl), fetch_pool.c (curl on the
 * loop, and what waits until curl is off the stack), fetch_memory.c (curl's memory) and fetch_error.c (what went wrong, for people). */
#pragma once

#include "event/fetch.h"

#include <curl/curl.h>

/* One of curl's multi handles, which is opened when something is fetched. */
typedef struct {
        FetchPool *pool;
        CURLM *handle;
        Timer *timer; /* curl's own time-outs */
        long max_connections;
} Multi;

struct FetchPool {
        Loop *loop;
        /* Streams have a multi of their own, so that they do not count among the connections that are kept. curl 7.88 puts no call on a
         * connection that is not to be reused, but does not promise it: here it cannot. */
        Multi calls, streams;
        Timer *idle; /* NULL: connections are kept */
        Timer *soon; /* fires at once when there is something to do */
        Fetch *todo;
        size_t n_active, n_done;
        bool inside; /* curl is on the stack, and nothing may be added to it or taken out */
};

struct Fetch {
        FetchPool *pool;
        Multi *multi;
        CURL *easy; /* NULL once it is over */
        struct curl_slist *headers;
        char *target; /* for sentences: the host, or the path of the unix socket */
        char curl_error[CURL_ERROR_SIZE];
        int to_fd;
        int write_error; /* why a callback of ours refused, negative errno */
        char *body;
        size_t length, size, max_bytes;
        FetchDone done;
        FetchHead on_head;
        FetchBody on_body;
        void *owner;
        bool http2_only;
        bool added;   /* to the multi */
        bool asked;   /* the request went out, or began to */
        bool headed;  /* the head of a stream's answer has come */
        bool paused;  /* the owner said so */
        bool held;    /* curl keeps a piece for the time after the pause */
        bool over;    /* it ended well during the pause */
        bool dropped; /* while curl was on the stack */
        Timer *clock; /* of a stream: until its head, then for its silence */
        uint64_t stall_us;
        Fetch *next, **link; /* in todo; link is NULL when it is not there */
};

/* fetch.c: ends the transfer with what curl says of it. Only while curl is not on the stack. */
void fetch_finish(Fetch *f, CURLcode code);
void fetch_free(Fetch *f);

/* fetch_request.c: target and headers, -EINVAL for what the header of fetch refuses; then curl's options, false without memory. */
int fetch_request_check(Fetch *f, const FetchSpec *spec);
bool fetch_request_set(Fetch *f, const FetchSpec *spec);

/* fetch_pool.c: to be added, resumed or freed as soon as curl is off the stack, never before the caller returns. */
int fetch_pool_do_soon(Fetch *f);
int fetch_pool_open(Multi *m);
/* Takes the transfer out of curl and of what is to be done. */
void fetch_pool_remove(Fetch *f);
/* Nobody uses curl any more: see to its memory. */
void fetch_pool_rest(FetchPool *p);

/* fetch_memory.c: before anything else of curl is used. */
bool fetch_memory_init(void);

/* fetch_error.c: a sentence; negative errno. */
int fetch_explain(const Fetch *f, CURLcode code, char *sentence, size_t size);
