/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "cluster/hello.h"

#include "base/cleanup.h"
#include "cluster/signed_call.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_US (1 * USEC_PER_SEC)
#define SILENCE_US (60 * USEC_PER_SEC) /* six questions that did not come */
#define LONGEST_US (300 * USEC_PER_SEC)

struct Hello {
        const Identity *identity;
        const char *address;
        HelloOps ops;
        void *owner;
        FetchPool *pool;
        Fetch *fetch;
        Timer *timer;
        uint64_t pause_us;
        char reason[256]; /* that was said last */
};

static void again(Hello *h) {
        h->pause_us = h->pause_us * 2 > LONGEST_US ? LONGEST_US : h->pause_us * 2;
        (void) timer_rearm(h->timer, h->pause_us);
}

static void complain(Hello *h, const char *reason) {
        if (strncmp(h->reason, reason, sizeof h->reason - 1) == 0)
                return;
        (void) snprintf(h->reason, sizeof h->reason, "%s", reason);
        (void) fprintf(stderr, "<4>The orchestrator at %s: %s\n", h->identity->host, reason);
}

static void hello_done(void *owner, const FetchResult *result) {
        Hello *h = owner;
        char text[256];

        h->fetch = fetch_drop(h->fetch);
        again(h);
        if (result->error)
                complain(h, result->sentence);
        else if (result->status == 410) {
                timer_stop(h->timer);
                h->ops.removed(h->owner);
        } else if (result->status == 200)
                h->reason[0] = '\0';
        else {
                (void) snprintf(text, sizeof text, "it answers with status %u%s", result->status,
                                result->status == 401 ? " (is the clock right?)" : "");
                complain(h, text);
        }
}

static void hello_begin(void *owner) {
        Hello *h = owner;
        const Identity *i = h->identity;
        const SignedPeer peer = { i->host, i->port, i->pin, i->server_id, i->secret };
        auto_free char *body = NULL;
        SignedCall call;
        FetchSpec spec;
        json_t *o;
        int r;

        if (h->fetch)
                return;
        o = json_pack("{s:s}", "version", NANOSCALE_VERSION);
        r = o ? 0 : -ENOMEM;
        if (r == 0 && h->address)
                r = json_object_set_new(o, "ip", json_string(h->address));
        if (r == 0 && !(body = json_dumps(o, JSON_COMPACT)))
                r = -ENOMEM;
        json_decref(o);
        if (r == 0)
                r = signed_call_make(&peer, "POST", "/internal/hello", body, strlen(body), NULL, &call, &spec);
        if (r == 0)
                r = fetch_start(h->pool, &spec, hello_done, h, &h->fetch);
        if (r < 0) {
                complain(h, strerror(-r));
                again(h);
        }
}

int hello_new(Loop *l, const Identity *identity, const char *address, const HelloOps *ops, void *owner, Hello **ret_hello) {
        Hello *h = calloc(1, sizeof *h);
        int r;

        if (!h)
                return -ENOMEM;
        h->identity = identity;
        h->address = address;
        h->ops = *ops;
        h->owner = owner;
        h->pause_us = SILENCE_US / 2;
        r = fetch_pool_new(l, &h->pool);
        if (r == 0)
                r = timer_start(l, FIRST_US, hello_begin, h, &h->timer);
        if (r < 0) {
                hello_free(h);
                return r;
        }
        *ret_hello = h;
        return 0;
}

Hello *hello_free(Hello *h) {
        if (!h)
                return NULL;
        timer_drop(h->timer);
        fetch_drop(h->fetch);
        fetch_pool_free(h->pool);
        free(h);
        return NULL;
}

void hello_heard(Hello *h) {
        h->pause_us = SILENCE_US / 2;
        h->reason[0] = '\0';
        (void) timer_rearm(h->timer, SILENCE_US);
}

void hello_now(Hello *h) {
        hello_begin(h);
}
