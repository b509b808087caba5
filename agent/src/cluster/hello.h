/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A worker's call to its orchestrator: at its start, and when that has not called for a while. It says where the worker is now, and is how
 * a worker that was away learns that it has been removed. Not needed for anything that the worker does for its visitors. */
#pragma once

#include "cluster/identity.h"
#include "event/fetch.h"

typedef struct Hello Hello;

typedef struct {
        /* The orchestrator answers, with the right key, that this server is none of its own any more. */
        void (*removed)(void *owner);
} HelloOps;

/* identity is borrowed, and read at each call. address: under which our gateway is reached; NULL: as the orchestrator knows it. */
int hello_new(Loop *l, const Identity *identity, const char *address, const HelloOps *ops, void *owner, Hello **ret_hello);
Hello *hello_free(Hello *h); /* NULL-safe, returns NULL */
/* It has called us: all is well, nothing to do for a while. */
void hello_heard(Hello *h);
/* Calls it now, if no call is under way: it will ask us at once how we are. */
void hello_now(Hello *h);
