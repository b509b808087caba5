/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "cluster/gate.h"

#include "base/cleanup.h"
#include "security/validate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Caller Caller;

struct Caller {
        Caller *next;
        char server[13];
        Nonces *nonces;
};

struct Gate {
        GateOps ops;
        void *owner;
        int64_t start_s;
        Caller *callers;
};

int gate_new(const GateOps *ops, void *owner, int64_t now_s, Gate **ret_gate) {
        Gate *g = calloc(1, sizeof *g);

        if (!g)
                return -ENOMEM;
        g->ops = *ops;
        g->owner = owner;
        g->start_s = now_s;
        *ret_gate = g;
        return 0;
}

static void caller_free(Caller *c) {
        nonces_free(c->nonces);
        free(c);
}

Gate *gate_free(Gate *g) {
        if (!g)
                return NULL;
        while (g->callers) {
                Caller *c = g->callers;
                g->callers = c->next;
                caller_free(c);
        }
        free(g);
        return NULL;
}

void gate_forget(Gate *g, const char *server) {
        for (Caller **p = &g->callers; *p; p = &(*p)->next)
                if (strcmp((*p)->server, server) == 0) {
                        Caller *c = *p;
                        *p = c->next;
                        caller_free(c);
                        return;
                }
}

static int caller_of(Gate *g, const char *server, Caller **ret_caller) {
        Caller *c;
        int r;

        for (c = g->callers; c; c = c->next)
                if (strcmp(c->server, server) == 0) {
                        *ret_caller = c;
                        return 0;
                }
        c = calloc(1, sizeof *c);
        if (!c)
                return -ENOMEM;
        r = nonces_new(NONCES_MAX, &c->nonces);
        if (r < 0) {
                free(c);
                return r;
        }
        /* All of the second in which we began: a call of its first half may have been taken by who was here before. */
        nonces_forget(c->nonces, g->start_s > 2 * SIGNATURE_CLOCK_S ? g->start_s - 2 * SIGNATURE_CLOCK_S : 0, g->start_s);
        (void) snprintf(c->server, sizeof c->server, "%s", server);
        c->next = g->callers;
        g->callers = c;
        *ret_caller = c;
        return 0;
}

/* A memory of nonces is made only for who has shown a right key: nobody else can make us hold anything. */
static int check_key(Gate *g, const unsigned char key[static SECRET_BYTES], const SignedRequest *rq, const GateHeaders *h, int64_t now_s,
                     GateVerdict *verdict) {
        Caller *caller = NULL;
        int r = signature_check(key, rq, h->timestamp, h->nonce, h->signature, h->binding, now_s, NULL, &verdict->difference_s);

        if (r != SIGNATURE_OK)
                return r;
        r = caller_of(g, h->server, &caller);
        if (r < 0)
                return r;
        return signature_check(key, rq, h->timestamp, h->nonce, h->signature, h->binding, now_s, caller->nonces, &verdict->difference_s);
}

int gate_check(Gate *g, const SignedRequest *rq, const GateHeaders *h, int64_t now_s, GateVerdict *ret_verdict) {
        unsigned char keys[GATE_KEYS][SECRET_BYTES] = { { 0 } };
        GateVerdict verdict = { .reason = "it names no server" };
        SignedRequest signed_request = *rq;
        int r = SIGNATURE_E_MALFORMED;
        size_t n;

        if (valid_id(h->server)) {
                (void) snprintf(verdict.server, sizeof verdict.server, "%s", h->server);
                signed_request.server = h->server;
                n = g->ops.keys(g->owner, h->server, keys);
                verdict.reason = n ? NULL : "it names a server that is not known here";
                r = SIGNATURE_E_WRONG;
                for (size_t i = 0; i < n && r == SIGNATURE_E_WRONG; i++) {
                        verdict.key = i;
                        r = check_key(g, keys[i], &signed_request, h, now_s, &verdict);
                }
        }
        secret_zero(keys, sizeof keys);
        if (r < 0)
                return r;
        if (r != SIGNATURE_OK && !verdict.reason)
                verdict.reason = signature_explain(r);
        if (r != SIGNATURE_E_CLOCK)
                verdict.difference_s = 0;
        *ret_verdict = verdict;
        return r == SIGNATURE_OK ? GATE_OK : GATE_E_REFUSED;
}
