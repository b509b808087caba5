/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "cluster/nodes_internal.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOSTS_MAX = 4096 };

int nodes_new(Loop *l, Store *store, const Sealer *s, const NodesOps *ops, void *owner, Nodes **ret_nodes) {
        Nodes *n = calloc(1, sizeof *n);
        int r;

        if (!n)
                return -ENOMEM;
        n->loop = l;
        n->store = store;
        n->sealer = s;
        n->ops = *ops;
        n->owner = owner;
        r = fetch_pool_new_kept(l, HOSTS_MAX, &n->pool);
        if (r < 0) {
                free(n);
                return r;
        }
        *ret_nodes = n;
        return 0;
}

static void node_free(Node *node) {
        fetch_drop(node->beat);
        timer_drop(node->timer);
        secret_zero(node->secret, sizeof node->secret);
        json_decref(node->said);
        free(node->projects_version);
        free(node->usage);
        free(node);
}

Nodes *nodes_free(Nodes *n) {
        if (!n)
                return NULL;
        calls_end(n);
        for (size_t i = 0; i < BUCKETS; i++)
                while (n->buckets[i]) {
                        Node *node = n->buckets[i];
                        n->buckets[i] = node->next;
                        node_free(node);
                }
        fetch_pool_free(n->pool);
        free(n);
        return NULL;
}

/* Ids are random and ours: nobody can choose many of one bucket. */
static size_t bucket_of(const char *server_id) {
        size_t h = 0;

        for (; *server_id; server_id++)
                h = h * 31 + (unsigned char) *server_id;
        return h % BUCKETS;
}

Node *node_find(const Nodes *n, const char *server_id) {
        for (Node *node = n->buckets[bucket_of(server_id)]; node; node = node->next)
                if (strcmp(node->id, server_id) == 0)
                        return node;
        return NULL;
}

void nodes_remove(Nodes *n, const char *server_id) {
        for (Node **p = &n->buckets[bucket_of(server_id)]; *p; p = &(*p)->next)
                if (strcmp((*p)->id, server_id) == 0) {
                        Node *node = *p;
                        *p = node->next;
                        calls_lose(n, server_id);
                        node_free(node);
                        n->n_nodes--;
                        return;
                }
}

int server_unseal(const Sealer *s, const ServerRow *row, unsigned char ret[static SECRET_BYTES]) {
        char context[64], *hex = NULL;
        size_t length = 0;
        int r;

        (void) snprintf(context, sizeof context, "server:%s", row->id);
        r = unseal_text(s, context, row->secret_key, &hex, &length);
        if (r == 0 && !secret_from_hex(hex, ret))
                r = -EBADMSG;
        secret_free(hex, length);
        return r;
}

int server_seal(const Sealer *s, const char *server_id, const unsigned char key[static SECRET_BYTES], char **ret_sealed) {
        char context[64], hex[SECRET_HEX_LENGTH + 1];
        int r;

        (void) snprintf(context, sizeof context, "server:%s", server_id);
        secret_hex(key, hex);
        r = seal_text(s, context, hex, strlen(hex), ret_sealed);
        secret_zero(hex, sizeof hex);
        return r;
}

int nodes_add(Nodes *n, const ServerRow *row) {
        Node *node, **bucket;
        int r;

        if (!row->public_key)
                return -EBADMSG;
        node = calloc(1, sizeof *node);
        if (!node)
                return -ENOMEM;
        node->nodes = n;
        (void) snprintf(node->id, sizeof node->id, "%s", row->id);
        (void) snprintf(node->name, sizeof node->name, "%s", row->name);
        (void) snprintf(node->host, sizeof node->host, "%s", row->ip_address);
        (void) snprintf(node->pin, sizeof node->pin, "%s", row->public_key);
        (void) snprintf(node->reason, sizeof node->reason, "%s", row->reason ? row->reason : "It has not answered yet.");
        node->port = (unsigned) row->port;
        node->seen_at_ms = row->seen_at_ms;
        node->changed_at_ms = row->changed_at_ms;
        node->push = true;
        r = server_unseal(n->sealer, row, node->secret);
        if (r == 0) /* the first one soon, then each at a place of its own within the ten seconds */
                r = timer_start(n->loop, n->n_nodes * 10 * USEC_PER_MSEC, beat_begin, node, &node->timer);
        if (r < 0) {
                node_free(node);
                return r;
        }
        nodes_remove(n, row->id);
        bucket = &n->buckets[bucket_of(row->id)];
        node->next = *bucket;
        *bucket = node;
        n->n_nodes++;
        return 0;
}

bool nodes_knows(const Nodes *n, const char *server_id) {
        return node_find(n, server_id) != NULL;
}

bool nodes_is_online(const Nodes *n, const char *server_id) {
        const Node *node = node_find(n, server_id);
        return node && node->online;
}

bool nodes_key(const Nodes *n, const char *server_id, unsigned char ret[static SECRET_BYTES]) {
        const Node *node = node_find(n, server_id);

        if (node)
                memcpy(ret, node->secret, SECRET_BYTES);
        return node != NULL;
}

void nodes_set_key(Nodes *n, const char *server_id, const unsigned char key[static SECRET_BYTES]) {
        Node *node = node_find(n, server_id);

        if (node)
                memcpy(node->secret, key, SECRET_BYTES);
}

void nodes_wake(Nodes *n, const char *server_id) {
        Node *node = node_find(n, server_id);

        if (node && !node->beat)
                (void) timer_rearm(node->timer, 0);
}

void nodes_watch(Nodes *n, bool is_watched) {
        if (n)
                n->is_watched = is_watched;
}

const char *nodes_usage(const Nodes *n, const char *server_id) {
        const Node *node = node_find(n, server_id);

        return node && node->online ? node->usage : NULL;
}

void nodes_push_again(Nodes *n, const char *server_id) {
        Node *node = node_find(n, server_id);

        if (node)
                node->push = true;
}

SignedPeer node_peer(const Node *node) {
        return (SignedPeer){ node->host, node->port, node->pin, node->id, node->secret };
}
