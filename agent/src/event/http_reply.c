/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "event/http_internal.h"

#include "base/cleanup.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#define STREAM_BLOCK ((size_t) 4096)
#define STREAM_LIMIT ((size_t) 1024 * 1024)
#define HEADER_MAX 1024

static void on_hangup(void *owner, uint32_t revents);

/* --- suspend and resume: nobody else calls these two functions of libmicrohttpd --- */

/* With external polling a resumed connection is not looked at until someone runs the daemon; and not here, as we may be inside of it. */
static void pump_soon(HttpServer *s) {
        (void) sd_event_source_set_enabled(s->pump, SD_EVENT_ONESHOT);
}

void http_suspend(HttpRequest *rq) {
        MHD_suspend_connection(rq->connection);
        rq->suspended = true;
        /* No events: EPOLLHUP and EPOLLERR are always told. A client that has only shut down its sending side still wants its answer. */
        if (watch_start(rq->server->loop, rq->peer->fd, 0, on_hangup, rq, &rq->hangup) < 0)
                rq->hangup = NULL;
}

static void resume(HttpRequest *rq) {
        rq->hangup = watch_drop(rq->hangup);
        if (!rq->suspended)
                return;
        rq->suspended = false;
        MHD_resume_connection(rq->connection);
        pump_soon(rq->server);
}

static void stream_free(HttpStream *s) {
        timer_drop(s->keeper);
        free(s->data);
        free(s);
}

/* Tells the owner that there is nobody to answer any more, once. */
void http_tell_gone(HttpRequest *rq) {
        if (rq->state == KEPT && rq->gone) {
                void (*gone)(void *owner) = rq->gone;
                rq->gone = NULL;
                rq->state = CUT;
                gone(rq->gone_owner);
        }
        HttpStream *stream = handover(rq->stream);
        rq->state = CUT;
        if (!stream)
                return;
        stream->request = NULL;
        stream->keeper = timer_drop(stream->keeper);
        if (stream->ended)
                stream_free(stream);
        else
                stream->closed(stream->owner);
}

void http_cut(HttpRequest *rq) {
        http_tell_gone(rq);
        resume(rq);
}

static void on_hangup(void *owner, uint32_t revents) {
        (void) revents;
        http_cut(owner);
}

/* --- answers --- */

/* "Name: value"; libmicrohttpd refuses line ends in it. */
static void add_header_line(struct MHD_Response *response, const char *line) {
        char copy[HEADER_MAX];
        size_t name = strcspn(line, ":");
        if (line[name] != ':' || strlen(line) >= sizeof copy)
                return;
        memcpy(copy, line, strlen(line) + 1);
        copy[name] = '\0';
        const char *value = copy + name + 1;
        (void) MHD_add_response_header(response, copy, value + strspn(value, " "));
}

static void answer(HttpRequest *rq, RequestState state, unsigned status, struct MHD_Response *response) {
        assert(rq->state == HANDLING || rq->state == KEPT); /* one answer a request */
        rq->state = state;
        rq->status = status;
        rq->response = response;
        http_tell_answer(rq, status);
        resume(rq);
}

void http_reply(HttpRequest *rq, unsigned status, const char *content_type, const char *body, size_t length,
                const char *const *extra_headers) {
        if (!content_type || !body)
                length = 0;
        /* The buffer is only copied, though the parameter is not const. */
        struct MHD_Response *response =
                        MHD_create_response_from_buffer(length, (void *) (uintptr_t) (length > 0 ? body : ""), MHD_RESPMEM_MUST_COPY);
        if (!response) {
                rq->gone = NULL; /* who answers need not be told */
                answer(rq, CUT, 0, NULL);
                return;
        }
        (void) MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
        if (content_type)
                (void) MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
        for (size_t i = 0; extra_headers && extra_headers[i]; i++)
                add_header_line(response, extra_headers[i]);
        answer(rq, ANSWERED, status, response);
}

/* Called by libmicrohttpd when it could send more. */
static ssize_t stream_read(void *cls, uint64_t position, char *buffer, size_t size) {
        HttpRequest *rq = cls;
        HttpStream *s = rq->stream;
        (void) position;
        if (!s)
                return MHD_CONTENT_READER_END_WITH_ERROR;
        size_t n = s->end - s->start;
        if (n == 0) {
                if (s->ended)
                        return MHD_CONTENT_READER_END_OF_STREAM;
                http_suspend(rq); /* or it would ask again and again */
                return 0;
        }
        n = n < size ? n : size;
        memcpy(buffer, s->data + s->start, n);
        s->start += n;
        if (s->start == s->end) { /* a quiet stream keeps no memory */
                free(s->data);
                s->data = NULL;
                s->start = s->end = s->size = 0;
        }
        return (ssize_t) n;
}

int http_reply_stream(HttpRequest *rq, const char *content_type, void (*closed)(void *owner), void *owner, HttpStream **ret_stream) {
        HttpStream *s = calloc(1, sizeof *s);
        if (!s)
                return -ENOMEM;
        struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, stream_read, rq, NULL);
        if (!response) {
                free(s);
                return -ENOMEM;
        }
        (void) MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
        (void) MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
        (void) MHD_add_response_header(response, "X-Accel-Buffering", "no"); /* nginx in front passes each piece on at once */
        s->request = rq;
        s->closed = closed;
        s->owner = owner;
        rq->stream = s;
        answer(rq, STREAMING, MHD_HTTP_OK, response);
        *ret_stream = s;
        return 0;
}

int http_stream_write(HttpStream *s, const char *data, size_t length) {
        if (!s->request)
                return -EPIPE;
        size_t waiting = s->end - s->start;
        if (length > STREAM_LIMIT - waiting)
                return -ENOBUFS;
        if (s->end + length > s->size) {
                /* Moving what waits to the front may be enough already; grow in powers of two, so that single lines cost little. */
                size_t size = s->size > 0 ? s->size : 1024;
                while (size < waiting + length)
                        size *= 2;
                char *fresh = malloc(size);
                if (!fresh)
                        return -ENOMEM;
                if (waiting > 0)
                        memcpy(fresh, s->data + s->start, waiting);
                free(s->data);
                s->data = fresh;
                s->size = size;
                s->start = 0;
                s->end = waiting;
        }
        memcpy(s->data + s->end, data, length);
        s->end += length;
        if (s->keeper)
                (void) timer_rearm(s->keeper, s->keep_us);
        resume(s->request);
        return 0;
}

void http_server_end_streams(HttpServer *s) {
        for (const Peer *p = s->peers; p; p = p->next) {
                HttpStream *stream = p->request ? p->request->stream : NULL;
                if (stream && !stream->ended)
                        stream->closed(stream->owner); /* ends it; the peer stays until libmicrohttpd has sent that */
        }
}

/* A client that does not even take these is found by its silence (idle_s), as any that does not read. */
static void keep(void *owner) {
        HttpStream *s = owner;

        if (s->start == s->end)
                (void) http_stream_write(s, s->keep, strlen(s->keep));
        else
                (void) timer_rearm(s->keeper, s->keep_us);
}

int http_stream_keep(HttpStream *s, const char *text, uint64_t interval_us) {
        s->keep = text;
        s->keep_us = interval_us;
        return s->keeper ? timer_rearm(s->keeper, interval_us) : timer_start(s->request->server->loop, interval_us, keep, s, &s->keeper);
}

size_t http_stream_pending(const HttpStream *s) {
        return s->end - s->start;
}

HttpStream *http_stream_end(HttpStream *s) {
        if (!s)
                return NULL;
        if (!s->request) {
                stream_free(s);
                return NULL;
        }
        s->keeper = timer_drop(s->keeper);
        s->ended = true;
        resume(s->request);
        return NULL;
}
