/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "cluster/nodes.h"
#include "cluster/server_key.h"
#include "cluster/signed_call.h"

#include "event/loop.h"

enum {
        BEAT_US = 10 * 1000 * 1000,
        BEAT_TIMEOUT_US = 4 * 1000 * 1000,
        MISSES_MAX = 3,
        AGAIN_US = 1100 * 1000,
        BUCKETS = 1024, /* as many as workers, when there are many */
        CALLS_MAX = 48, /* to one node at a time, streams among them; its nginx takes 64 */
};

typedef struct Node Node;

struct Node {
        Node *next; /* of its bucket */
        Nodes *nodes;
        char id[13], name[64], host[254], pin[65];
        unsigned port;
        unsigned char secret[SECRET_BYTES];
        Timer *timer; /* for its next beat */
        Fetch *beat;
        unsigned misses, n_calls;
        bool online;
        bool push;        /* came_back() is due */
        char reason[320]; /* why it is not online */
        int64_t seen_at_ms, changed_at_ms;
        int64_t clock_difference_s; /* its clock minus ours, when it refuses us for that; else 0 */
        json_t *said;               /* its last answer, without its projects; may be NULL */
        char *projects_version;     /* of the list that we have; may be NULL */
        char *usage;                /* JSON: what its projects use, while that is wanted; else NULL */
};

struct NodeCall {
        NodeCall *next;
        Nodes *nodes;
        Node *node; /* NULL: it has been removed meanwhile */
        Fetch *fetch;
        Timer *lost;  /* tells that it was removed */
        Timer *again; /* sends it once more */
        char *method, *target, *body;
        size_t length;
        char **headers;
        NodeRequest request; /* points to the copies */
        bool repeated, begun;
        NodeDone done;
        void *owner;
};

struct Nodes {
        Loop *loop;
        Store *store;
        const Sealer *sealer;
        NodesOps ops;
        void *owner;
        FetchPool *pool;
        Node *buckets[BUCKETS]; /* by id */
        NodeCall *calls;
        size_t n_nodes;
        bool ending, is_watched;
};

Node *node_find(const Nodes *n, const char *server_id);
SignedPeer node_peer(const Node *node);
void beat_begin(void *node);
/* Its calls end with an error soon. */
void calls_lose(Nodes *n, const char *server_id);
/* All of them end with an error now. */
void calls_end(Nodes *n);
