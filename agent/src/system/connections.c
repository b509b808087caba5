/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* An accepted socket has its listener's name; who is at its other end is an inode, to be looked up among the sockets with a mark of ours.
 *
 * A connection that waits to be accepted has the listener's name too, and is as established as any, but has no inode, and the kernel leaves
 * such out of dumps; it is seen in the length of the listener's queue alone. First the queues are read and then the connections: so one
 * that is accepted in between is in both, and none is in neither. */
#include "system/connections_internal.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "system/diag.h"
#include "system/slot_name.h"

/* Of agent/shim/inherited.c: an abstract name begins with a NUL byte. */
static const char own_client[] = "\0nanoscale-own-client-";

enum { TRIES = 3 };

/* In this order they are sorted, and then used. */
typedef enum {
        OWN_CLIENT,
        LISTENER,
        ACCEPTED,
} Kind;

typedef struct {
        uint64_t key;    /* of the slot; 0 for an own client */
        uint32_t inode;  /* of an own client; of the other end of an accepted one */
        uint32_t queued; /* of a listener */
        Kind kind;
} Entry;

typedef struct {
        const char *directory;
        uint64_t only; /* key of the one slot that is asked for; 0: all */
        Entry *entries;
        size_t n, size;
} Table;

static int put(Table *t, Entry e) {
        if (t->n == t->size) {
                size_t size = t->size ? 2 * t->size : 256;
                Entry *entries = reallocarray(t->entries, size, sizeof(*entries));

                if (!entries)
                        return -ENOMEM;
                t->entries = entries;
                t->size = size;
        }
        t->entries[t->n++] = e;
        return 0;
}

static int take_socket(void *owner, const void *body, size_t size) {
        Table *t = owner;
        struct unix_diag_msg head;
        size_t skip = NLMSG_ALIGN(sizeof(head)), length = 0;
        const char *name = diag_attribute(body, size, skip, UNIX_DIAG_NAME, &length);
        SlotName slot;

        memcpy(&head, body, sizeof(head));
        if (!name || head.udiag_type != SOCK_STREAM)
                return 0;
        if (length >= sizeof(own_client) - 1 && memcmp(name, own_client, sizeof(own_client) - 1) == 0)
                return put(t, (Entry){ .kind = OWN_CLIENT, .inode = head.udiag_ino });
        if (!slot_name_from_socket(name, strnlen(name, length), t->directory, &slot) || (t->only && slot_key(&slot) != t->only))
                return 0;
        if (head.udiag_state == TCP_LISTEN)
                /* The length of the queue is the first of two numbers. */
                return put(t,
                           (Entry){ .kind = LISTENER, .key = slot_key(&slot), .queued = diag_number(body, size, skip, UNIX_DIAG_RQLEN) });

        uint32_t peer = diag_number(body, size, skip, UNIX_DIAG_PEER);

        /* 0: the other end has been closed. */
        return peer == 0 ? 0 : put(t, (Entry){ .kind = ACCEPTED, .key = slot_key(&slot), .inode = peer });
}

static int read_sockets(Table *t, uint32_t state, uint32_t show) {
        struct unix_diag_req request = { .sdiag_family = AF_UNIX, .udiag_states = UINT32_C(1) << state, .udiag_show = show };

        return diag_dump(&request, sizeof(request), sizeof(struct unix_diag_msg), take_socket, t);
}

static int compare(const void *a, const void *b) {
        const Entry *x = a, *y = b;

        if (x->kind != y->kind)
                return x->kind < y->kind ? -1 : 1;
        if (x->key != y->key)
                return x->key < y->key ? -1 : 1;
        return x->inode < y->inode ? -1 : x->inode > y->inode;
}

static int read_table(Table *t) {
        int r = -EINTR;

        for (unsigned tries = 0; r == -EINTR && tries < TRIES; tries++) {
                t->n = 0;
                r = read_sockets(t, TCP_LISTEN, UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN);
                if (r == 0)
                        r = read_sockets(t, TCP_ESTABLISHED, UDIAG_SHOW_NAME | UDIAG_SHOW_PEER);
        }
        if (r == 0 && t->n > 0)
                qsort(t->entries, t->n, sizeof(*t->entries), compare);
        return r;
}

static bool is_own_client(const Table *t, size_t n_own, uint32_t inode) {
        Entry wanted = { .kind = OWN_CLIENT, .inode = inode };

        return n_own > 0 && bsearch(&wanted, t->entries, n_own, sizeof(wanted), compare);
}

/* Two listeners of one name, of which the older one lost its file, are one slot. */
static void tell_table(const Table *t, void (*each)(void *owner, const SlotConnections *s), void *owner) {
        size_t n_own = 0, at, accepted;

        while (n_own < t->n && t->entries[n_own].kind == OWN_CLIENT)
                n_own++;
        for (accepted = n_own; accepted < t->n && t->entries[accepted].kind == LISTENER;)
                accepted++;
        for (at = n_own; at < t->n && t->entries[at].kind == LISTENER;) {
                uint64_t key = t->entries[at].key;
                SlotConnections s = { 0 };
                SlotName name;

                slot_name_from_key(key, &name);
                memcpy(s.project, name.project, sizeof(s.project));
                memcpy(s.slot, name.slot, sizeof(s.slot));
                for (; at < t->n && t->entries[at].kind == LISTENER && t->entries[at].key == key; at++)
                        s.queued += t->entries[at].queued;
                /* Of a listener that is gone some may be left. */
                while (accepted < t->n && t->entries[accepted].key < key)
                        accepted++;
                for (; accepted < t->n && t->entries[accepted].key == key; accepted++)
                        s.connections += !is_own_client(t, n_own, t->entries[accepted].inode);
                each(owner, &s);
        }
}

int connections_sweep_in(const char *directory, void (*each)(void *owner, const SlotConnections *s), void *owner) {
        Table t = { .directory = directory };
        int r = read_table(&t);
        auto_free Entry *entries = t.entries;

        (void) entries;
        if (r == 0)
                tell_table(&t, each, owner);
        return r;
}

static void keep(void *owner, const SlotConnections *s) {
        *(SlotConnections *) owner = *s;
}

int connections_of_in(const char *directory, const char *project, const char *slot, unsigned *ret_connections, unsigned *ret_queued) {
        SlotConnections s = { 0 };
        SlotName name;
        int r = 0;

        if (!slot_name_make(project, slot, &name))
                return -EINVAL;
        /* A dump of many parts goes on by counting where it was; a socket that is closed in between can hide another one. Not twice. */
        for (unsigned tries = 0; r == 0 && tries < 2 && s.connections == 0 && s.queued == 0; tries++) {
                Table t = { .directory = directory, .only = slot_key(&name) };
                auto_free Entry *entries = NULL;

                r = read_table(&t);
                entries = t.entries;
                if (r == 0)
                        tell_table(&t, keep, &s);
        }
        if (r < 0)
                return r;
        *ret_connections = s.connections;
        *ret_queued = s.queued;
        return 0;
}

int connections_sweep(void (*each)(void *owner, const SlotConnections *s), void *owner) {
        return connections_sweep_in(NS_APPS, each, owner);
}

int connections_of(const char *project, const char *slot, unsigned *ret_connections, unsigned *ret_queued) {
        return connections_of_in(NS_APPS, project, slot, ret_connections, ret_queued);
}

/* --- TCP --- */

typedef struct {
        uid_t uid;
        uint64_t ports[65536 / 64]; /* a bit each */
} Ports;

static int take_listener(void *owner, const void *body, size_t size) {
        Ports *p = owner;
        struct inet_diag_msg head;
        uint16_t port;

        (void) size;
        memcpy(&head, body, sizeof(head));
        port = ntohs(head.id.idiag_sport);
        if (head.idiag_uid == p->uid && head.idiag_state == TCP_LISTEN)
                p->ports[port / 64] |= UINT64_C(1) << port % 64;
        return 0;
}

static int read_listeners(Ports *p, uint8_t family) {
        struct inet_diag_req_v2 request = { .sdiag_family = family,
                                            .sdiag_protocol = IPPROTO_TCP,
                                            .idiag_states = UINT32_C(1) << TCP_LISTEN };
        int r = -EINTR;

        for (unsigned tries = 0; r == -EINTR && tries < TRIES; tries++)
                r = diag_dump(&request, sizeof(request), sizeof(struct inet_diag_msg), take_listener, p);
        /* A kernel without IPv6. */
        return r == -ENOENT && family == AF_INET6 ? 0 : r;
}

int tcp_listeners(uid_t uid, uint16_t *ret_ports, size_t max) {
        Ports p = { .uid = uid };
        int r = read_listeners(&p, AF_INET);
        size_t n = 0;

        if (r == 0)
                r = read_listeners(&p, AF_INET6);
        if (r < 0)
                return r;
        for (uint32_t port = 1; port < 65536 && n < max; port++)
                if (p.ports[port / 64] & UINT64_C(1) << port % 64)
                        ret_ports[n++] = (uint16_t) port;
        return (int) n;
}
