/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "event/http_internal.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define CONNECTION_MEMORY ((size_t) 16 * 1024) /* holds a request's head; more is 431 */
#define SWEEP_US (10 * USEC_PER_SEC)
#define REQUEST_US (60 * USEC_PER_SEC)

static void on_completed(void *cls, struct MHD_Connection *connection, void **rq_slot, enum MHD_RequestTerminationCode why) {
        HttpRequest *rq = *rq_slot;
        (void) cls;
        (void) connection;
        (void) why;
        if (!rq)
                return;
        *rq_slot = NULL;
        rq->suspended = false;
        if (rq->peer) {
                rq->peer->request = NULL;
                rq->peer->since_us = clock_monotonic_us();
        }
        http_tell_gone(rq);
        http_request_free(rq);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **peer_slot, enum MHD_ConnectionNotificationCode what) {
        HttpServer *s = cls;
        Peer *p = *peer_slot;
        if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
                /* If this was one of the most that may be, libmicrohttpd had stopped to look at the listening socket, and begins again with
                 * its next turn only. */
                (void) sd_event_source_set_enabled(s->pump, SD_EVENT_ONESHOT);
                if (!p)
                        return;
                *p->link = p->next;
                if (p->next)
                        p->next->link = p->link;
                if (p->request)
                        p->request->peer = NULL;
                free(p->target);
                free(p);
                *peer_slot = NULL;
                return;
        }
        p = calloc(1, sizeof *p);
        if (!p)
                return; /* request_new() then refuses */
        p->server = s;
        p->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        p->since_us = clock_monotonic_us();
        p->next = s->peers;
        p->link = &s->peers;
        if (p->next)
                p->next->link = &p->next;
        else
                (void) timer_rearm(s->sweep, s->sweep_us);
        s->peers = p;
        *peer_slot = p;
}

/* Called with each request line, before libmicrohttpd cuts the query off; what it returns would be the first value of the request's slot.
 */
static void *on_request_line(void *cls, const char *target, struct MHD_Connection *connection) {
        Peer *p = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
        (void) cls;
        if (p) {
                free(p->target);
                p->target = strdup(target); /* NULL: request_new() then refuses */
        }
        return NULL;
}

/* libmicrohttpd's time-out starts anew with each byte, so a client could keep a connection for ever with one now and then. */
static void on_sweep(void *owner) {
        HttpServer *s = owner;
        uint64_t now = clock_monotonic_us();
        for (const Peer *p = s->peers; p; p = p->next)
                if ((!p->request || p->request->state == RECEIVING) && now - p->since_us > s->idle_s * USEC_PER_SEC + s->request_us)
                        (void) shutdown(p->fd, SHUT_RDWR);
        if (s->peers)
                (void) timer_rearm(s->sweep, s->sweep_us);
}

/* --- the daemon on the loop --- */

static void run(HttpServer *s) {
        MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
        (void) MHD_run(s->daemon);
        if (MHD_get_timeout(s->daemon, &timeout_ms) == MHD_YES)
                (void) timer_rearm(s->timeout, timeout_ms * USEC_PER_MSEC); /* it is relative */
        else
                timer_stop(s->timeout);
}

static void on_readable(void *owner, uint32_t revents) {
        (void) revents;
        run(owner);
}

static void on_timeout(void *owner) {
        run(owner);
}

static int on_pump(sd_event_source *source, void *owner) {
        (void) source;
        run(owner);
        return 0;
}

static int server_start(HttpServer *s, int listen_fd, unsigned max_connections) {
        int r = timer_start(s->loop, 0, on_timeout, s, &s->timeout);
        if (r < 0)
                return r;
        timer_stop(s->timeout);
        r = timer_start(s->loop, s->sweep_us, on_sweep, s, &s->sweep);
        if (r < 0)
                return r;
        timer_stop(s->sweep);
        r = sd_event_add_defer(loop_event(s->loop), &s->pump, on_pump, s);
        if (r < 0)
                return r;
        (void) sd_event_source_set_enabled(s->pump, SD_EVENT_OFF);

        int flags = fcntl(listen_fd, F_GETFL);
        if (flags < 0 || fcntl(listen_fd, F_SETFL, flags | O_NONBLOCK) < 0)
                return -errno;
        s->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, http_on_request, s, MHD_OPTION_LISTEN_SOCKET,
                                     listen_fd, MHD_OPTION_CONNECTION_LIMIT, max_connections, MHD_OPTION_CONNECTION_TIMEOUT, s->idle_s,
                                     MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
                                     MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_URI_LOG_CALLBACK, on_request_line, s,
                                     MHD_OPTION_UNESCAPE_CALLBACK, http_unescape_nothing, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1,
                                     MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
        if (!s->daemon)
                return -EIO;
        const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
        return watch_start(s->loop, info->epoll_fd, EPOLLIN, on_readable, s, &s->readable);
}

int http_server_new(Loop *l, int listen_fd, unsigned max_connections, unsigned idle_s, const HttpServerOps *ops, void *owner,
                    HttpServer **ret_server) {
        HttpServer *s = calloc(1, sizeof *s);
        if (!s)
                return -ENOMEM;
        s->loop = l;
        s->idle_s = idle_s;
        s->sweep_us = SWEEP_US;
        s->request_us = REQUEST_US;
        s->ops = ops;
        s->owner = owner;
        int r = server_start(s, listen_fd, max_connections);
        if (r < 0) {
                if (s->daemon)
                        (void) MHD_quiesce_daemon(s->daemon); /* gives the socket back to the caller */
                (void) http_server_free(s);
                return r;
        }
        *ret_server = s;
        return 0;
}

HttpServer *http_server_free(HttpServer *s) {
        if (!s)
                return NULL;
        (void) watch_drop(s->readable);
        /* libmicrohttpd does not stop while a connection is suspended. */
        for (Peer *p = s->peers; p; p = p->next)
                if (p->request)
                        http_cut(p->request);
        if (s->daemon)
                MHD_stop_daemon(s->daemon);
        (void) sd_event_source_disable_unref(s->pump);
        (void) timer_drop(s->timeout);
        (void) timer_drop(s->sweep);
        free(s);
        return NULL;
}
