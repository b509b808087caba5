/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "deployment/drain.h"

#include "system/connections.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
        LOOK_US = 200 * 1000,
        BLIND_US = 5 * 1000 * 1000, /* where the kernel tells nothing: longer than nginx keeps a connection */
        QUIET_LOOKS = 2,            /* in a row: a request may be on its way from the queue to the app */
};

struct Drain {
        char project[13], slot[2];
        uint64_t begun_us, until_us;
        unsigned quiet, most;
        Timer *timer;
        Drained done;
        void *owner;
};

static void look(void *owner) {
        Drain *d = owner;
        unsigned connections = 0, queued = 0;
        uint64_t now = clock_monotonic_us();
        int r = connections_of(d->project, d->slot, &connections, &queued);
        unsigned users = connections + queued;

        if (r < 0)
                d->quiet = now - d->begun_us >= BLIND_US ? QUIET_LOOKS : 0;
        else
                d->quiet = users == 0 ? d->quiet + 1 : 0;
        if (users > d->most)
                d->most = users;
        if (d->quiet >= QUIET_LOOKS || now >= d->until_us) {
                d->done(d->owner, d->most, users);
                return;
        }
        (void) timer_rearm(d->timer, LOOK_US);
}

int drain_slot(const DeployContext *c, const char *project, const char *slot, uint64_t within_us, Drained done, void *owner,
               Drain **ret_drain) {
        Drain *d = calloc(1, sizeof *d);
        int r;

        if (!d)
                return -ENOMEM;
        (void) snprintf(d->project, sizeof d->project, "%s", project);
        (void) snprintf(d->slot, sizeof d->slot, "%s", slot);
        d->begun_us = clock_monotonic_us();
        d->until_us = d->begun_us + within_us;
        d->done = done;
        d->owner = owner;
        r = timer_start(c->loop, 0, look, d, &d->timer);
        if (r < 0) {
                free(d);
                return r;
        }
        *ret_drain = d;
        return 0;
}

Drain *drain_drop(Drain *d) {
        if (d) {
                timer_drop(d->timer);
                free(d);
        }
        return NULL;
}
