/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "event/fetch_internal.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_MAX_BYTES (1024 * 1024)

/* --- the end of a transfer --- */

static void detach(Fetch *f) {
        if (!f->easy)
                return;
        fetch_pool_remove(f);
        curl_easy_cleanup(f->easy);
        f->easy = NULL;
        curl_slist_free_all(f->headers);
        f->headers = NULL;
        f->clock = timer_drop(f->clock);
        f->pool->n_active--;
        fetch_pool_rest(f->pool);
}

void fetch_free(Fetch *f) {
        detach(f);
        free(f->target);
        free(f->body);
        free(f);
}

void fetch_finish(Fetch *f, CURLcode code) {
        char sentence[640] = "";
        FetchResult result = { 0 };
        if (code == CURLE_OK) {
                long status = 0;
                (void) curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
                result.status = (unsigned) status;
        } else {
                result.error = fetch_explain(f, code, sentence, sizeof sentence);
                result.sentence = sentence;
        }
        auto_free char *body = handover(f->body); /* the callback may drop f */
        result.body = body;
        result.length = f->length;
        detach(f);
        f->done(f->owner, &result);
}

Fetch *fetch_drop(Fetch *f) {
        if (!f)
                return NULL;
        f->dropped = true;
        /* curl does not let go of a transfer while it is on the stack. Even if the timer does not start, it is freed when curl returns. */
        if (f->easy && f->pool->inside)
                (void) fetch_pool_do_soon(f);
        else
                fetch_free(f);
        return NULL;
}

/* --- what comes --- */

static int keep(Fetch *f, const char *data, size_t length) {
        if (f->length + length + 1 > f->size) {
                size_t size = f->size * 2 > f->length + length + 1 ? f->size * 2 : f->length + length + 1;
                char *bigger = realloc(f->body, size);
                if (!bigger)
                        return -ENOMEM;
                f->body = bigger;
                f->size = size;
        }
        memcpy(f->body + f->length, data, length);
        f->body[f->length + length] = '\0';
        return 0;
}

static int store(int fd, const char *data, size_t length) {
        while (length > 0) {
                ssize_t n = write(fd, data, length);
                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0) {
                        data += n;
                        length -= (size_t) n;
                }
        }
        return 0;
}

/* A stream's silence is counted from now on, or not at all. */
static void clock_set(Fetch *f) {
        if (f->stall_us > 0 && !f->paused)
                (void) timer_rearm(f->clock, f->stall_us);
        else
                timer_stop(f->clock);
}

static size_t give(Fetch *f, const char *data, size_t length) {
        if (f->paused) {
                f->held = true;
                return CURL_WRITEFUNC_PAUSE;
        }
        f->length += length;
        f->paused = !f->on_body(f->owner, data, length);
        if (f->dropped)
                return 0;
        clock_set(f);
        return length;
}

static size_t write_body(char *data, size_t size, size_t count, void *userdata) {
        Fetch *f = userdata;
        size_t length = size * count;
        if (f->dropped)
                return 0;
        if (f->on_body)
                return length > 0 ? give(f, data, length) : 0;
        if (length > f->max_bytes - f->length)
                f->write_error = -EFBIG;
        else if (f->to_fd >= 0)
                f->write_error = store(f->to_fd, data, length);
        else
                f->write_error = keep(f, data, length);
        if (f->write_error < 0)
                return 0; /* makes curl end the transfer; an empty call never comes here with an error */
        f->length += length;
        return length;
}

/* Each line of the head, and of trailers. */
static size_t on_header(char *data, size_t size, size_t count, void *userdata) {
        Fetch *f = userdata;
        size_t length = size * count;
        long status = 0, version = 0;
        if (f->dropped)
                return 0;
        if (f->headed || length > 2 || data[0] != '\r')
                return length;
        (void) curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
        (void) curl_easy_getinfo(f->easy, CURLINFO_HTTP_VERSION, &version);
        if (status < 200)
                return length; /* the head of the answer is still to come */
        if (f->http2_only && version != CURL_HTTP_VERSION_2_0) {
                f->write_error = -EPROTO;
                return 0;
        }
        f->headed = true;
        if (!f->on_body)
                return length;
        clock_set(f);
        if (f->on_head)
                f->on_head(f->owner, (unsigned) status);
        return f->dropped ? 0 : length;
}

void fetch_resume(Fetch *f) {
        if (!f->paused || !f->easy)
                return;
        f->paused = false;
        clock_set(f);
        if (f->held || f->over)
                (void) fetch_pool_do_soon(f);
}

/* --- the beginning --- */

#define SET(option, value) failed |= curl_easy_setopt(f->easy, option, value)

/* Called before each attempt to send the request. */
static int before_request(void *userdata, char *remote, char *local, int remote_port, int local_port) {
        Fetch *f = userdata;
        (void) remote;
        (void) local;
        (void) remote_port;
        (void) local_port;
        if (f->asked)
                return CURL_PREREQFUNC_ABORT;
        f->asked = true;
        return CURL_PREREQFUNC_OK;
}

static bool set_callbacks(Fetch *f, const FetchSpec *spec) {
        CURLcode failed = CURLE_OK;
        SET(CURLOPT_USERAGENT, "nanoscale/" NANOSCALE_VERSION);
        SET(CURLOPT_PRIVATE, f);
        SET(CURLOPT_ERRORBUFFER, f->curl_error);
        SET(CURLOPT_WRITEFUNCTION, write_body);
        SET(CURLOPT_WRITEDATA, f);
        if (spec->on_body || spec->http2_only) {
                SET(CURLOPT_HEADERFUNCTION, on_header);
                SET(CURLOPT_HEADERDATA, f);
                SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
        }
        if (spec->once) {
                SET(CURLOPT_PREREQFUNCTION, before_request);
                SET(CURLOPT_PREREQDATA, f);
        }
        return failed == CURLE_OK;
}

static Fetch *fetch_new(FetchPool *p, const FetchSpec *spec, FetchDone done, void *owner) {
        Fetch *f = calloc(1, sizeof *f);
        if (!f)
                return NULL;
        f->pool = p;
        f->multi = spec->on_body ? &p->streams : &p->calls;
        f->to_fd = spec->to_fd > 0 ? spec->to_fd : -1;
        f->max_bytes = spec->max_bytes > 0 ? spec->max_bytes : DEFAULT_MAX_BYTES;
        f->stall_us = spec->stall_us;
        f->http2_only = spec->http2_only;
        f->done = done;
        f->on_head = spec->on_head;
        f->on_body = spec->on_body;
        f->owner = owner;
        f->size = 1;
        f->body = calloc(1, 1);
        if (!f->body) {
                free(f);
                return NULL;
        }
        return f;
}

int fetch_start(FetchPool *p, const FetchSpec *spec, FetchDone done, void *owner, Fetch **ret_fetch) {
        Fetch *f = fetch_new(p, spec, done, owner);
        if (!f)
                return -ENOMEM;
        int r = fetch_request_check(f, spec);
        if (r >= 0)
                r = fetch_pool_open(f->multi);
        if (r >= 0) {
                f->easy = curl_easy_init();
                r = f->easy ? 0 : -ENOMEM;
        }
        if (r < 0) {
                curl_slist_free_all(f->headers);
                fetch_free(f);
                fetch_pool_rest(p);
                return r;
        }
        p->n_active++;
        if (!set_callbacks(f, spec) || !fetch_request_set(f, spec))
                r = -ENOMEM;
        if (r >= 0)
                r = fetch_pool_do_soon(f);
        if (r < 0) {
                fetch_free(f);
                return r;
        }
        *ret_fetch = f;
        return 0;
}
