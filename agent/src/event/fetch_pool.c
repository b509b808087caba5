/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "event/fetch_internal.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/epoll.h>

#define IDLE_US (30 * USEC_PER_SEC)
#define TRIM_EACH 4096 /* with three nodes an afternoon, with a thousand of them less than a minute */

/* --- what waits until curl is off the stack --- */

int fetch_pool_do_soon(Fetch *f) {
        FetchPool *p = f->pool;
        if (f->link)
                return 0;
        f->next = p->todo;
        f->link = &p->todo;
        if (f->next)
                f->next->link = &f->next;
        p->todo = f;
        return timer_rearm(p->soon, 0);
}

static void todo_remove(Fetch *f) {
        if (!f->link)
                return;
        *f->link = f->next;
        if (f->next)
                f->next->link = f->link;
        f->next = NULL;
        f->link = NULL;
}

void fetch_pool_remove(Fetch *f) {
        todo_remove(f);
        if (f->added)
                (void) curl_multi_remove_handle(f->multi->handle, f->easy);
        f->added = false;
}

static void act(Fetch *f) {
        FetchPool *p = f->pool;
        if (f->dropped) {
                fetch_free(f);
        } else if (!f->added) {
                f->added = curl_multi_add_handle(f->multi->handle, f->easy) == CURLM_OK;
                if (!f->added)
                        fetch_finish(f, CURLE_OUT_OF_MEMORY);
        } else if (f->over) {
                fetch_finish(f, CURLE_OK);
        } else if (f->held) {
                f->held = false;
                p->inside = true;
                CURLcode code = curl_easy_pause(f->easy, CURLPAUSE_CONT); /* gives what it holds to write_body() */
                p->inside = false;
                if (code != CURLE_OK && !f->dropped)
                        fetch_finish(f, code);
        }
}

/* A message of either multi; false when there is none. */
static bool message_take(const Multi *m) {
        int left = 0;
        const CURLMsg *message = m->handle ? curl_multi_info_read(m->handle, &left) : NULL;
        Fetch *f = NULL;
        if (!message)
                return false;
        if (message->msg != CURLMSG_DONE)
                return true;
        CURLcode code = message->data.result; /* the message dies with the handle */
        (void) curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &f);
        if (code == CURLE_OK && f->paused)
                f->over = true; /* its owner is told after the pause */
        else
                fetch_finish(f, code);
        return true;
}

/* Only called when no function of curl is on the stack, since done() may drop and start transfers. The messages form a queue: read it to
 * its end, as nothing wakes us for those that are left. A transfer that was dropped inside its callback is freed before its message is. */
static void drain(FetchPool *p) {
        do {
                while (p->todo) {
                        Fetch *f = p->todo;
                        todo_remove(f);
                        act(f);
                }
        } while (message_take(&p->calls) || message_take(&p->streams));
}

static void on_soon(void *owner) {
        drain(owner);
}

/* --- curl on the loop --- */

typedef struct {
        Multi *multi;
        Watch *watch;
        int fd;
} Socket;

static void socket_action(Multi *m, curl_socket_t fd, int what) {
        int running = 0;
        if (!m->handle)
                return;
        m->pool->inside = true;
        (void) curl_multi_socket_action(m->handle, fd, what, &running);
        m->pool->inside = false;
        drain(m->pool);
}

static void on_socket_ready(void *owner, uint32_t revents) {
        const Socket *s = owner; /* curl may drop it */
        int what = 0;
        if (revents & (EPOLLIN | EPOLLHUP | EPOLLRDHUP))
                what |= CURL_CSELECT_IN;
        if (revents & EPOLLOUT)
                what |= CURL_CSELECT_OUT;
        if (revents & EPOLLERR)
                what |= CURL_CSELECT_ERR;
        socket_action(s->multi, s->fd, what);
}

static void on_curl_timeout(void *owner) {
        socket_action(owner, CURL_SOCKET_TIMEOUT, 0);
}

static int socket_callback(CURL *easy, curl_socket_t fd, int what, void *multi, void *per_socket) {
        Multi *m = multi;
        Socket *s = per_socket;
        (void) easy;
        if (what == CURL_POLL_REMOVE) {
                if (s) {
                        (void) watch_drop(s->watch);
                        free(s);
                        (void) curl_multi_assign(m->handle, fd, NULL);
                }
                return 0;
        }
        uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
        if (s)
                return watch_change(s->watch, events) < 0 ? -1 : 0;
        s = calloc(1, sizeof *s);
        if (!s)
                return -1;
        s->multi = m;
        s->fd = fd;
        if (watch_start(m->pool->loop, fd, events, on_socket_ready, s, &s->watch) < 0 || curl_multi_assign(m->handle, fd, s) != CURLM_OK) {
                (void) watch_drop(s->watch);
                free(s);
                return -1;
        }
        return 0;
}

static int timer_callback(CURLM *handle, long timeout_ms, void *multi) {
        const Multi *m = multi;
        (void) handle;
        if (timeout_ms < 0) {
                timer_stop(m->timer);
                return 0;
        }
        return timer_rearm(m->timer, (uint64_t) timeout_ms * USEC_PER_MSEC) < 0 ? -1 : 0;
}

int fetch_pool_open(Multi *m) {
        if (m->handle)
                return 0;
        m->handle = curl_multi_init();
        if (!m->handle)
                return -ENOMEM;
        (void) curl_multi_setopt(m->handle, CURLMOPT_SOCKETFUNCTION, socket_callback);
        (void) curl_multi_setopt(m->handle, CURLMOPT_SOCKETDATA, m);
        (void) curl_multi_setopt(m->handle, CURLMOPT_TIMERFUNCTION, timer_callback);
        (void) curl_multi_setopt(m->handle, CURLMOPT_TIMERDATA, m);
        (void) curl_multi_setopt(m->handle, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
        (void) curl_multi_setopt(m->handle, CURLMOPT_MAXCONNECTS, m->max_connections);
        return 0;
}

static void multi_close(Multi *m) {
        if (!m->handle)
                return;
        (void) curl_multi_cleanup(m->handle); /* closes the kept connections, which calls back to us */
        m->handle = NULL;
        timer_stop(m->timer);
}

/* With the connections goes the parsed CA bundle, which is the larger part of curl's memory. */
static void on_idle(void *owner) {
        FetchPool *p = owner;
        if (p->n_active > 0)
                return;
        multi_close(&p->calls);
        multi_close(&p->streams);
        (void) malloc_trim(0);
}

/* A pool that is never idle: what many answers at once have left between the connections is given back now and then. */
void fetch_pool_rest(FetchPool *p) {
        if (!p->idle && ++p->n_done % TRIM_EACH == 0)
                (void) malloc_trim(0);
        if (p->n_active == 0 && p->idle)
                (void) timer_rearm(p->idle, IDLE_US);
}

/* --- the pool --- */

static int timer_new(Loop *l, void (*fire)(void *owner), void *owner, Timer **ret_timer) {
        int r = timer_start(l, IDLE_US, fire, owner, ret_timer);
        if (r >= 0)
                timer_stop(*ret_timer);
        return r;
}

static int pool_new(Loop *l, unsigned max_connections, bool kept, FetchPool **ret_pool) {
        static bool initialised;
        if (!initialised && !fetch_memory_init())
                return -ENOMEM;
        initialised = true;
        FetchPool *p = calloc(1, sizeof *p);
        if (!p)
                return -ENOMEM;
        p->loop = l;
        p->calls = (Multi){ .pool = p, .max_connections = (long) max_connections };
        p->streams = (Multi){ .pool = p, .max_connections = 1 }; /* none is kept */
        int r = timer_new(l, on_curl_timeout, &p->calls, &p->calls.timer);
        if (r >= 0)
                r = timer_new(l, on_curl_timeout, &p->streams, &p->streams.timer);
        if (r >= 0)
                r = timer_new(l, on_soon, p, &p->soon);
        if (r >= 0 && !kept)
                r = timer_new(l, on_idle, p, &p->idle);
        if (r < 0) {
                (void) fetch_pool_free(p);
                return r;
        }
        *ret_pool = p;
        return 0;
}

int fetch_pool_new(Loop *l, FetchPool **ret_pool) {
        return pool_new(l, 8, false, ret_pool);
}

int fetch_pool_new_kept(Loop *l, unsigned max_hosts, FetchPool **ret_pool) {
        return pool_new(l, max_hosts + 8, true, ret_pool); /* dead ones count until curl finds out */
}

FetchPool *fetch_pool_free(FetchPool *p) {
        if (!p)
                return NULL;
        multi_close(&p->calls);
        multi_close(&p->streams);
        (void) timer_drop(p->calls.timer);
        (void) timer_drop(p->streams.timer);
        (void) timer_drop(p->soon);
        (void) timer_drop(p->idle);
        free(p);
        return NULL;
}
