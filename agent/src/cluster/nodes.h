/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The orchestrator's side of the cluster: knows each worker, asks it how it is every 10 s, and carries signed calls to it
 * (docs/protocol.md).
 *
 * A node has one connection for all its calls, and streams have one each; it has its own timers and limits, so a slow or dead one delays no
 * other. A worker is online from its first answer, and offline after three questions in a row that it did not answer; calls to one that is
 * offline are refused at once. Pins and keys are read from the store when a node is added. */
#pragma once

#include "event/fetch.h"
#include "security/seal.h"
#include "security/secrets.h"
#include "store/store.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Nodes Nodes;
typedef struct NodeCall NodeCall;

enum {
        NODES_OK = 0,
        NODES_E_ABSENT,  /* no such worker */
        NODES_E_OFFLINE, /* it does not answer; the reason is in its description */
        NODES_E_BUSY,    /* as many calls to it as it may have are under way */
};

typedef struct {
        /* It has answered after it had not, or a change may not have reached it: what it should know is to be sent to it again. */
        void (*came_back)(void *owner, const char *server_id);
        /* What its projects are like, when that has changed: an array of descriptions (docs/api.md); borrowed. */
        void (*projects)(void *owner, const char *server_id, const json_t *list);
} NodesOps;

int nodes_new(Loop *l, Store *store, const Sealer *s, const NodesOps *ops, void *owner, Nodes **ret_nodes);
/* NULL-safe, returns NULL. Calls that are still under way end with -ESHUTDOWN; none begins any more. */
Nodes *nodes_free(Nodes *n);

/* Begins to follow the server of that row. -EBADMSG: its key cannot be unsealed. Replaces one of the same id. */
int nodes_add(Nodes *n, const ServerRow *row);
void nodes_remove(Nodes *n, const char *server_id);
bool nodes_knows(const Nodes *n, const char *server_id);
bool nodes_is_online(const Nodes *n, const char *server_id);
/* The key with which it signs; for the gate. False: no such worker. */
bool nodes_key(const Nodes *n, const char *server_id, unsigned char ret[static SECRET_BYTES]);
void nodes_set_key(Nodes *n, const char *server_id, const unsigned char key[static SECRET_BYTES]);
/* Asks it at once, instead of at its next turn: it has just called us. */
void nodes_wake(Nodes *n, const char *server_id);
/* Somebody wants to know at once what changes, and what projects use: nodes are told so with each question. NULL is allowed for n. */
void nodes_watch(Nodes *n, bool is_watched);
/* What it said last that its projects use, as JSON text, while nodes are watched; NULL: nothing. Borrowed, and not to be believed. */
const char *nodes_usage(const Nodes *n, const char *server_id);
/* came_back() is called again after its next answer. */
void nodes_push_again(Nodes *n, const char *server_id);
/* Adds to a description of its row what is known now: status, reason, seen_at, clock_difference_seconds, and what it last said of itself.
 */
void nodes_describe(const Nodes *n, const char *server_id, json_t *object);

typedef struct {
        const char *method, *target; /* as in SignedRequest */
        const char *body;            /* may be NULL */
        size_t length;
        const char *const *headers; /* more of them, "Name: value", NULL-terminated; not signed; may be NULL */
        uint64_t timeout_us;        /* 0: 30 s */
        bool repeatable;            /* when the connection fails, send it once more: for what is done once, however often it is asked for */
        bool even_offline;          /* try it all the same */
        FetchHead on_head;          /* of a stream */
        FetchBody on_body;          /* makes it one */
} NodeRequest;

/* error and sentence of result are about the connection; any answer of the node is error 0. 401 means that it does not accept us. */
typedef void (*NodeDone)(void *owner, const FetchResult *result);

/* done() is never called from inside. A code above, or -ENOMEM. */
int node_call(Nodes *n, const char *server_id, const NodeRequest *request, NodeDone done, void *owner, NodeCall **ret_call);
void node_call_resume(NodeCall *c);    /* as fetch_resume() */
NodeCall *node_call_drop(NodeCall *c); /* NULL-safe, returns NULL; allowed inside its own callbacks */
