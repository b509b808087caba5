/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "event/loop.h"

#include "base/cleanup.h"

#include <errno.h>
#include <signal.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <time.h>

struct Loop {
        sd_event *event;
};

struct Timer {
        sd_event_source *source;
        void (*fire)(void *owner);
        void *owner;
};

struct Watch {
        sd_event_source *source;
        void (*ready)(void *owner, uint32_t revents);
        void *owner;
};

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        (void) info;
        (void) userdata;
        return sd_event_exit(sd_event_source_get_event(source), 0);
}

Loop *loop_free(Loop *l) {
        if (!l)
                return NULL;
        (void) sd_event_unref(l->event);
        free(l);
        return NULL;
}

void loop_free_cleanup(Loop **l) {
        *l = loop_free(*l);
}

int loop_new(Loop **ret_loop) {
        static const int handled[] = { SIGTERM, SIGINT, SIGCHLD };
        auto_call(loop_free_cleanup) Loop *l = calloc(1, sizeof *l);
        if (!l)
                return -ENOMEM;

        sigset_t blocked;
        (void) sigemptyset(&blocked);
        for (size_t i = 0; i < ELEMENTS(handled); i++)
                (void) sigaddset(&blocked, handled[i]);
        if (sigprocmask(SIG_BLOCK, &blocked, NULL) < 0)
                return -errno;
        const struct sigaction ignore = { .sa_handler = SIG_IGN };
        if (sigaction(SIGPIPE, &ignore, NULL) < 0)
                return -errno;

        int r = sd_event_new(&l->event);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTS(handled); i++) {
                if (handled[i] == SIGCHLD)
                        continue;
                r = sd_event_add_signal(l->event, NULL, handled[i], on_signal, NULL);
                if (r < 0)
                        return r;
        }
        r = sd_event_set_watchdog(l->event, 1);
        if (r < 0)
                return r;
        *ret_loop = handover(l);
        return 0;
}

int loop_run(Loop *l) {
        (void) sd_notify(0, "READY=1");
        int r = sd_event_loop(l->event);
        (void) sd_notify(0, "STOPPING=1");
        return r;
}

void loop_exit(Loop *l, int code) {
        (void) sd_event_exit(l->event, code);
}

struct sd_event *loop_event(Loop *l) {
        return l->event;
}

/* How late a timer may be: 1 % of its time, so that wake-ups of long ones coalesce, and 1 ms to 250 ms. */
static uint64_t accuracy_of(uint64_t after_us) {
        uint64_t a = after_us / 100;
        if (a < USEC_PER_MSEC)
                return USEC_PER_MSEC;
        return a > 250 * USEC_PER_MSEC ? 250 * USEC_PER_MSEC : a;
}

static int on_timer(sd_event_source *source, uint64_t at_us, void *userdata) {
        const Timer *t = userdata;
        (void) source;
        (void) at_us;
        t->fire(t->owner); /* may have freed t */
        return 0;
}

int timer_start(Loop *l, uint64_t after_us, void (*fire)(void *owner), void *owner, Timer **ret_timer) {
        Timer *t = calloc(1, sizeof *t);
        if (!t)
                return -ENOMEM;
        t->fire = fire;
        t->owner = owner;
        int r = sd_event_add_time_relative(l->event, &t->source, CLOCK_MONOTONIC, after_us, accuracy_of(after_us), on_timer, t);
        if (r < 0) {
                free(t);
                return r;
        }
        *ret_timer = t;
        return 0;
}

int timer_rearm(Timer *t, uint64_t after_us) {
        int r = sd_event_source_set_time_relative(t->source, after_us);
        if (r >= 0)
                r = sd_event_source_set_time_accuracy(t->source, accuracy_of(after_us));
        if (r >= 0)
                r = sd_event_source_set_enabled(t->source, SD_EVENT_ONESHOT);
        return r < 0 ? r : 0;
}

void timer_stop(Timer *t) {
        (void) sd_event_source_set_enabled(t->source, SD_EVENT_OFF);
}

Timer *timer_drop(Timer *t) {
        if (!t)
                return NULL;
        (void) sd_event_source_disable_unref(t->source);
        free(t);
        return NULL;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        const Watch *w = userdata;
        (void) source;
        (void) fd;
        w->ready(w->owner, revents); /* may have freed w */
        return 0;
}

int watch_start(Loop *l, int fd, uint32_t events, void (*ready)(void *owner, uint32_t revents), void *owner, Watch **ret_watch) {
        Watch *w = calloc(1, sizeof *w);
        if (!w)
                return -ENOMEM;
        w->ready = ready;
        w->owner = owner;
        int r = sd_event_add_io(l->event, &w->source, fd, events, on_io, w);
        if (r < 0) {
                free(w);
                return r;
        }
        *ret_watch = w;
        return 0;
}

int watch_change(Watch *w, uint32_t events) {
        int r = sd_event_source_set_io_events(w->source, events);
        return r < 0 ? r : 0;
}

Watch *watch_drop(Watch *w) {
        if (!w)
                return NULL;
        (void) sd_event_source_disable_unref(w->source);
        free(w);
        return NULL;
}

static uint64_t clock_us(clockid_t clock) {
        struct timespec t;
        (void) clock_gettime(clock, &t); /* cannot fail with these clocks */
        return (uint64_t) t.tv_sec * USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000;
}

int64_t clock_now_ms(void) {
        return (int64_t) (clock_us(CLOCK_REALTIME) / USEC_PER_MSEC);
}

uint64_t clock_monotonic_us(void) {
        return clock_us(CLOCK_MONOTONIC);
}
