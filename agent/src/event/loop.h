/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The one event loop of the process (sd-event). Everything runs on the thread that calls loop_run(); no callback may block.
 *
 * Each pending thing is an object owned by whoever started it: dropping it cancels it, and its callback will not run any more. */
#pragma once

#include <stdint.h>

typedef struct Loop Loop;
typedef struct Timer Timer;
typedef struct Watch Watch;
struct sd_event;

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC UINT64_C(1000000)

/* Once a process, before any other thread. SIGTERM and SIGINT end the loop with code 0; SIGPIPE is ignored; SIGCHLD is blocked, as child
 * sources want it. */
int loop_new(Loop **ret_loop);
Loop *loop_free(Loop *l); /* NULL-safe, returns NULL; every Timer and Watch must be dropped before */
void loop_free_cleanup(Loop **l);

/* Runs until loop_exit() or a signal; returns the exit code, or negative errno. Tells systemd READY=1 first, and STOPPING=1 at the end, and
 * feeds its watchdog when one is set. */
int loop_run(Loop *l);
void loop_exit(Loop *l, int code);
/* For libraries that attach themselves (sd-bus). Borrowed. */
struct sd_event *loop_event(Loop *l);

/* Calls fire(owner) once, after_us from now; it may drop or rearm the timer itself. */
int timer_start(Loop *l, uint64_t after_us, void (*fire)(void *owner), void *owner, Timer **ret_timer);
int timer_rearm(Timer *t, uint64_t after_us);
void timer_stop(Timer *t);   /* disarms; rearm starts it again */
Timer *timer_drop(Timer *t); /* NULL-safe, returns NULL */

/* Calls ready(owner, revents) when fd has one of events (EPOLLIN, …). fd stays the caller's, and must outlive the watch. */
int watch_start(Loop *l, int fd, uint32_t events, void (*ready)(void *owner, uint32_t revents), void *owner, Watch **ret_watch);
int watch_change(Watch *w, uint32_t events);
Watch *watch_drop(Watch *w);

/* Wall clock in milliseconds since 1970, and the monotonic clock in microseconds. */
int64_t clock_now_ms(void);
uint64_t clock_monotonic_us(void);
