/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A worker's projects have changed: while somebody listens to the orchestrator's events, that is asked to ask at once, instead of at its
 * next turn. Its question is answered with all projects, so the more there are, the rarer. */
#include "api/nudge.h"

#include <errno.h>

enum { PROJECTS_A_SECOND = 50 };
#define WATCHED_US (30 * USEC_PER_SEC) /* three questions */
#define SETTLE_US (300 * USEC_PER_MSEC)

struct Nudge {
        Api *a;
        Timer *timer;
        bool is_due;
        uint64_t watched_us, sent_us; /* until when; the last one */
        uint64_t rest_us;             /* between two */
};

static void nudge(void *owner) {
        Nudge *n = owner;

        const DeployContext *c = n->a->config.context;
        int64_t projects = 0;

        n->is_due = false;
        n->sent_us = clock_monotonic_us();
        (void) store_project_count_on(c->store, c->server_id, &projects); /* not in touch(), which runs inside of the store */
        n->rest_us = (1 + (uint64_t) projects / PROJECTS_A_SECOND) * USEC_PER_SEC;
        hello_now(n->a->hello);
}

int nudge_new(Api *a, Loop *l, Nudge **ret_nudge) {
        Nudge *n = calloc(1, sizeof *n);
        int r;

        if (!n)
                return -ENOMEM;
        n->a = a;
        r = timer_start(l, 0, nudge, n, &n->timer);
        if (r < 0) {
                free(n);
                return r;
        }
        timer_stop(n->timer);
        *ret_nudge = n;
        return 0;
}

Nudge *nudge_free(Nudge *n) {
        if (n)
                timer_drop(n->timer);
        free(n);
        return NULL;
}

void nudge_watched(Nudge *n) {
        if (n)
                n->watched_us = clock_monotonic_us() + WATCHED_US;
}

void nudge_touch(Nudge *n) {
        uint64_t now_us, due_us;

        if (!n || n->is_due || !n->a->hello)
                return;
        now_us = clock_monotonic_us();
        if (n->watched_us < now_us)
                return;
        due_us = n->sent_us + n->rest_us;
        n->is_due = true;
        (void) timer_rearm(n->timer, due_us > now_us + SETTLE_US ? due_us - now_us : SETTLE_US);
}
