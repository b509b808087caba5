/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "event/http_internal.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define DRAIN_LIMIT ((size_t) 3 * 1024 * 1024) /* so much of a body that is too large is read for the sake of a proper 413 */

/* libmicrohttpd would decode in place and lose NUL bytes; paths stay as sent, and queries are decoded in http_request_query(). */
size_t http_unescape_nothing(void *cls, struct MHD_Connection *connection, char *text) {
        (void) cls;
        (void) connection;
        return strlen(text);
}

static enum MHD_Result queue_plain(struct MHD_Connection *connection, unsigned status) {
        struct MHD_Response *response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
        if (!response)
                return MHD_NO;
        (void) MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
        (void) MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
        enum MHD_Result r = MHD_queue_response(connection, status, response);
        MHD_destroy_response(response);
        return r;
}

static enum MHD_Result count_framing(void *cls, enum MHD_ValueKind kind, const char *name, const char *value) {
        unsigned *n = cls;
        (void) kind;
        (void) value;
        if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0 || strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0)
                ++*n;
        return MHD_YES;
}

/* Whatever it is: passwords, variables and private keys come in bodies. */
static void body_free(HttpRequest *rq) {
        if (rq->body)
                explicit_bzero(rq->body, rq->size);
        free(rq->body);
}

void http_tell_answer(HttpRequest *rq, unsigned status) {
        void (*answered)(void *owner, unsigned status) = rq->answered;

        rq->answered = NULL;
        if (answered)
                answered(rq->answered_owner, status);
}

void http_request_free(HttpRequest *rq) {
        http_tell_answer(rq, 0);
        (void) watch_drop(rq->hangup);
        if (rq->response)
                MHD_destroy_response(rq->response);
        while (rq->decoded) {
                Decoded *next = rq->decoded->next;
                free(rq->decoded);
                rq->decoded = next;
        }
        if (rq->attached)
                rq->release(rq->attached);
        free(rq->method);
        free(rq->path);
        free(rq->target);
        body_free(rq);
        free(rq);
}

static HttpRequest *request_new(HttpServer *s, struct MHD_Connection *connection, const char *path, const char *method) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        HttpRequest *rq = calloc(1, sizeof *rq);
        if (!rq)
                return NULL;
        rq->server = s;
        rq->peer = info->socket_context;
        rq->connection = connection;
        rq->method = strdup(method);
        rq->path = strdup(path);
        rq->target = rq->peer ? handover(rq->peer->target) : NULL;
        rq->body = calloc(1, 1);
        if (!rq->peer || !rq->method || !rq->path || !rq->target || !rq->body) {
                http_request_free(rq);
                return NULL;
        }
        rq->size = 1;
        rq->limit = s->ops->body_limit(s->owner, rq->method, rq->path);
        rq->peer->request = rq;
        return rq;
}

static enum MHD_Result request_begin(HttpServer *s, struct MHD_Connection *connection, const char *path, const char *method,
                                     void **ret_rq) {
        unsigned n_framing = 0;
        HttpRequest *rq = request_new(s, connection, path, method);
        if (!rq)
                return MHD_NO;
        *ret_rq = rq;
        /* Two opinions on where the body ends are how requests are smuggled past a proxy. */
        (void) MHD_get_connection_values(connection, MHD_HEADER_KIND, count_framing, &n_framing);
        if (n_framing > 1) {
                rq->state = ANSWERED;
                return queue_plain(connection, MHD_HTTP_BAD_REQUEST);
        }
        const char *text = http_request_header(rq, MHD_HTTP_HEADER_CONTENT_LENGTH);
        unsigned long long length = text ? strtoull(text, NULL, 10) : 0;
        rq->oversized = length > rq->limit;
        /* Who waits for a 100 has not begun to send. */
        if (rq->oversized && (length - rq->limit > DRAIN_LIMIT || http_request_header(rq, MHD_HTTP_HEADER_EXPECT))) {
                rq->state = ANSWERED;
                return queue_plain(connection, MHD_HTTP_CONTENT_TOO_LARGE);
        }
        return MHD_YES;
}

static enum MHD_Result request_receive(HttpRequest *rq, const char *data, size_t length) {
        if (rq->oversized)
                return MHD_YES; /* its length was looked at */
        if (length > rq->limit - rq->length || rq->excess > 0) {
                /* Only a chunked body gets here. */
                rq->excess += length;
                return rq->excess > DRAIN_LIMIT ? MHD_NO : MHD_YES;
        }
        if (rq->length + length + 1 > rq->size) {
                size_t size = rq->size * 2 > rq->length + length + 1 ? rq->size * 2 : rq->length + length + 1;
                char *bigger = malloc(size); /* realloc() may leave a copy behind */
                if (!bigger)
                        return MHD_NO;
                memcpy(bigger, rq->body, rq->length);
                body_free(rq);
                rq->body = bigger;
                rq->size = size;
        }
        memcpy(rq->body + rq->length, data, length);
        rq->length += length;
        rq->body[rq->length] = '\0';
        return MHD_YES;
}

static enum MHD_Result request_queue(HttpRequest *rq) {
        struct MHD_Response *response = handover(rq->response);
        enum MHD_Result r = MHD_queue_response(rq->connection, rq->status, response);
        MHD_destroy_response(response); /* our reference */
        return r;
}

/* Called by libmicrohttpd for the head, for each piece of the body, at its end, and again after each resume. */
enum MHD_Result http_on_request(void *cls, struct MHD_Connection *connection, const char *path, const char *method, const char *version,
                                const char *data, size_t *data_size, void **rq_slot) {
        HttpServer *s = cls;
        HttpRequest *rq = *rq_slot;
        (void) version;
        if (!rq)
                return request_begin(s, connection, path, method, rq_slot);
        if (*data_size > 0) {
                size_t length = *data_size;
                *data_size = 0;
                return request_receive(rq, data, length);
        }
        if (rq->state == RECEIVING) {
                if (rq->oversized || rq->excess > 0) {
                        rq->state = ANSWERED;
                        return queue_plain(connection, MHD_HTTP_CONTENT_TOO_LARGE);
                }
                rq->state = HANDLING;
                s->ops->handle(s->owner, rq);
                if (rq->state == HANDLING) {
                        rq->state = KEPT;
                        http_suspend(rq);
                        return MHD_YES;
                }
        }
        return rq->response ? request_queue(rq) : MHD_NO; /* none: it was cut */
}

/* --- what a handler asks --- */

const char *http_request_method(const HttpRequest *rq) {
        return rq->method;
}

const char *http_request_path(const HttpRequest *rq) {
        return rq->path;
}

const char *http_request_target(const HttpRequest *rq) {
        return rq->target;
}

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        c = (char) (c | 0x20);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Plus signs are blanks already by libmicrohttpd's hand. */
static bool decode(const char *from, char *to) {
        for (; *from; from++) {
                if (*from != '%') {
                        *to++ = *from;
                        continue;
                }
                int high = hex_digit(from[1]), low = high < 0 ? -1 : hex_digit(from[2]);
                if (low < 0 || (high == 0 && low == 0))
                        return false;
                *to++ = (char) (high * 16 + low);
                from += 2;
        }
        *to = '\0';
        return true;
}

const char *http_request_query(const HttpRequest *rq, const char *name) {
        const char *value = MHD_lookup_connection_value(rq->connection, MHD_GET_ARGUMENT_KIND, name);
        if (!value)
                return NULL;
        Decoded *d = malloc(sizeof *d + strlen(value) + 1);
        if (!d)
                return NULL;
        if (!decode(value, d->text)) {
                free(d);
                return NULL;
        }
        HttpRequest *owner = (HttpRequest *) (uintptr_t) rq; /* the request keeps the text; that is no change to who asks */
        d->next = owner->decoded;
        owner->decoded = d;
        return d->text;
}

const char *http_request_header(const HttpRequest *rq, const char *name) {
        return MHD_lookup_connection_value(rq->connection, MHD_HEADER_KIND, name);
}

const char *http_request_body(const HttpRequest *rq, size_t *ret_length) {
        if (ret_length)
                *ret_length = rq->length;
        return rq->body;
}

static bool peer_credentials(const HttpRequest *rq, struct ucred *ret) {
        socklen_t length = sizeof *ret;
        return getsockopt(rq->peer->fd, SOL_SOCKET, SO_PEERCRED, ret, &length) == 0 && length == sizeof *ret;
}

uid_t http_request_peer_uid(const HttpRequest *rq) {
        struct ucred cred;
        return peer_credentials(rq, &cred) ? cred.uid : (uid_t) -1;
}

bool http_request_peer_in_group(const HttpRequest *rq, gid_t gid) {
        struct ucred cred;
        if (!peer_credentials(rq, &cred))
                return false;
        if (cred.gid == gid)
                return true;
        auto_free gid_t *groups = NULL;
        socklen_t length = 64 * sizeof *groups;
        for (;;) {
                gid_t *bigger = realloc(groups, length);
                if (!bigger)
                        return false;
                groups = bigger;
                if (getsockopt(rq->peer->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length) == 0)
                        break;
                if (errno != ERANGE) /* it has said in length how much it wants */
                        return false;
        }
        for (size_t i = 0; i < length / sizeof *groups; i++)
                if (groups[i] == gid)
                        return true;
        return false;
}

void http_request_on_gone(HttpRequest *rq, void (*gone)(void *owner), void *owner) {
        rq->gone = gone;
        rq->gone_owner = owner;
}

void http_request_attach(HttpRequest *rq, void *data, void (*release)(void *data)) {
        rq->attached = data;
        rq->release = release;
}

void *http_request_attached(const HttpRequest *rq) {
        return rq->attached;
}

void http_request_on_answer(HttpRequest *rq, void (*answered)(void *owner, unsigned status), void *owner) {
        rq->answered = answered;
        rq->answered_owner = owner;
}
