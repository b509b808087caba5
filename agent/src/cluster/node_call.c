/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "cluster/nodes_internal.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void call_free(NodeCall *c) {
        for (NodeCall **p = &c->nodes->calls; *p; p = &(*p)->next)
                if (*p == c) {
                        *p = c->next;
                        break;
                }
        if (c->node)
                c->node->n_calls--;
        fetch_drop(c->fetch);
        timer_drop(c->lost);
        timer_drop(c->again);
        for (size_t i = 0; c->headers && c->headers[i]; i++)
                free(c->headers[i]);
        free(c->headers);
        free(c->method);
        free(c->target);
        if (c->body)
                explicit_bzero(c->body, c->length); /* a project's variables, a private key */
        free(c->body);
        free(c);
}

NodeCall *node_call_drop(NodeCall *c) {
        if (c)
                call_free(c);
        return NULL;
}

void node_call_resume(NodeCall *c) {
        if (c->fetch)
                fetch_resume(c->fetch);
}

static void call_lost(void *owner) {
        NodeCall *c = owner;
        const FetchResult result = { .error = -ESHUTDOWN, .sentence = "The server has been removed.", .body = "" };

        c->done(c->owner, &result);
}

void calls_lose(Nodes *n, const char *server_id) {
        for (NodeCall *c = n->calls; c; c = c->next)
                if (c->node && strcmp(c->node->id, server_id) == 0) {
                        c->node->n_calls--;
                        c->node = NULL;
                        c->fetch = fetch_drop(c->fetch);
                        c->again = timer_drop(c->again);
                        (void) timer_start(n->loop, 0, call_lost, c, &c->lost);
                }
}

void calls_end(Nodes *n) {
        static const FetchResult result = { .error = -ESHUTDOWN, .sentence = "The agent is ending.", .body = "" };

        n->ending = true;
        while (n->calls) {
                NodeCall *c = n->calls;
                c->done(c->owner, &result);
                if (n->calls == c) /* its owner has not dropped it */
                        call_free(c);
        }
}

static int call_send(NodeCall *c);

static void call_head(void *owner, unsigned status) {
        NodeCall *c = owner;

        c->begun = true;
        if (c->request.on_head)
                c->request.on_head(c->owner, status);
}

static bool call_body(void *owner, const char *data, size_t length) {
        NodeCall *c = owner;
        return c->request.on_body(c->owner, data, length);
}

/* A connection that broke, or never was; not a peer with another key, and not one that took its time. */
static bool worth_repeating(const FetchResult *result) {
        return result->error == -ECONNRESET || result->error == -ECONNREFUSED || result->error == -EPIPE || result->error == -EPROTO;
}

static void call_again(void *owner) {
        NodeCall *c = owner;
        int r = call_send(c);
        const FetchResult result = { .error = r, .sentence = strerror(-r), .body = "" };

        if (r < 0)
                c->done(c->owner, &result);
}

/* An agent refuses what was signed up to the second in which it began (gate.h): the next second is good. */
static bool has_just_begun(const FetchResult *result) {
        return result->error == 0 && result->status == 401 && !strstr(result->body, "clock_difference_seconds");
}

static void call_done(void *owner, const FetchResult *result) {
        NodeCall *c = owner;
        uint64_t pause_us = has_just_begun(result) ? AGAIN_US : 0;

        if (c->request.repeatable && !c->repeated && !c->begun && (pause_us || worth_repeating(result))) {
                c->repeated = true;
                c->fetch = fetch_drop(c->fetch);
                if (timer_start(c->nodes->loop, pause_us, call_again, c, &c->again) == 0)
                        return;
        }
        c->done(c->owner, result);
}

static int call_send(NodeCall *c) {
        SignedPeer peer = node_peer(c->node);
        SignedCall call;
        FetchSpec spec;
        int r = signed_call_make(&peer, c->method, c->target, c->body, c->length, (const char *const *) c->headers, &call, &spec);

        if (r < 0)
                return r;
        spec.timeout_us = c->request.timeout_us;
        spec.max_bytes = 32 * 1024 * 1024;
        if (c->request.on_body) {
                spec.on_head = call_head;
                spec.on_body = call_body;
                spec.stall_us = 60 * USEC_PER_SEC; /* a stream says something every 15 s */
        }
        return fetch_start(c->nodes->pool, &spec, call_done, c, &c->fetch);
}

static int copy_request(NodeCall *c, const NodeRequest *request) {
        size_t n = 0;

        c->request = *request;
        c->length = request->length;
        c->method = strdup(request->method);
        c->target = strdup(request->target);
        c->body = malloc(request->length + 1);
        while (request->headers && request->headers[n])
                n++;
        c->headers = calloc(n + 1, sizeof *c->headers);
        if (!c->method || !c->target || !c->body || !c->headers)
                return -ENOMEM;
        if (request->length)
                memcpy(c->body, request->body, request->length);
        for (size_t i = 0; i < n; i++)
                if (!(c->headers[i] = strdup(request->headers[i])))
                        return -ENOMEM;
        return 0;
}

int node_call(Nodes *n, const char *server_id, const NodeRequest *request, NodeDone done, void *owner, NodeCall **ret_call) {
        Node *node = node_find(n, server_id);
        NodeCall *c;
        int r;

        if (!node || n->ending)
                return NODES_E_ABSENT;
        if (!node->online && !request->even_offline)
                return NODES_E_OFFLINE;
        if (node->n_calls >= CALLS_MAX)
                return NODES_E_BUSY;
        c = calloc(1, sizeof *c);
        if (!c)
                return -ENOMEM;
        c->nodes = n;
        c->node = node;
        c->done = done;
        c->owner = owner;
        node->n_calls++;
        c->next = n->calls;
        n->calls = c;
        r = copy_request(c, request);
        if (r == 0)
                r = call_send(c);
        if (r < 0) {
                call_free(c);
                return r;
        }
        *ret_call = c;
        return 0;
}
