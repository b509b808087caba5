/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "listener.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <unistd.h>

enum { STATE_LISTEN = 0x0a };

typedef struct {
        unsigned own, others;
} Listeners;

static void count(const char *table, uint16_t wanted, Listeners *l) {
        auto_fclose FILE *f = fopen(table, "re");
        char line[512];
        unsigned port, state, uid;
        if (!f || !fgets(line, sizeof line, f)) /* the heading */
                return;
        /* Listeners come first. */
        while (fgets(line, sizeof line, f) &&
               sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%*x %*x:%*x %*x %u", &port, &state, &uid) == 3 &&
               state == STATE_LISTEN)
                if (port == wanted)
                        *(uid == getuid() ? &l->own : &l->others) += 1;
}

bool listener_is_own(uint16_t port) {
        Listeners l = { 0 };
        count("/proc/self/net/tcp", port, &l);
        count("/proc/self/net/tcp6", port, &l);
        return l.own > 0 && l.others == 0;
}
