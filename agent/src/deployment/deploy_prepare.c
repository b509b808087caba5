/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a build needs before it begins: the runtimes, and the address of the repository. */
#include "deployment/deploy_internal.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>

static void prepared(Deploy *d) {
        if (d->node && d->bun && !d->resolve)
                deploy_build(d);
}

static void runtime_ready(Deploy *d, char **to, const char *what, int error, const char *version, const char *sentence) {
        if (error < 0) {
                deploy_fail(d, "%s could not be made ready: %s", what, sentence);
                return;
        }
        if (deploy_set_text(to, version) < 0) {
                deploy_fail(d, "out of memory in the agent");
                return;
        }
        deploy_sayf(d, "%s %s", what, version);
        prepared(d);
}

static void node_ready(void *owner, int error, const char *version, const char *sentence) {
        Deploy *d = owner;
        d->node_wait = runtime_wait_drop(d->node_wait);
        runtime_ready(d, &d->node, "Node.js", error, version, sentence);
}

static void bun_ready(void *owner, int error, const char *version, const char *sentence) {
        Deploy *d = owner;
        d->bun_wait = runtime_wait_drop(d->bun_wait);
        runtime_ready(d, &d->bun, "Bun", error, version, sentence);
}

static void resolved(void *owner, const char *address, const char *sentence) {
        Deploy *d = owner;

        d->resolve = resolve_drop(d->resolve);
        if (!address) {
                deploy_fail(d, "%s", sentence);
                return;
        }
        if (*address && deploy_set_text(&d->address, address) < 0) {
                deploy_fail(d, "out of memory in the agent");
                return;
        }
        prepared(d);
}

int deploy_begin(Deploy *d) {
        int r;

        d->row.started_at_ms = clock_now_ms();
        if (!deploy_builds(d)) {
                deploy_start(d);
                return 0;
        }
        deploy_enter(d, D_PREPARE);
        r = resolve_repository(d->c->loop, d->project.repo_url, d->c->allow_private_repositories, resolved, d, &d->resolve);
        if (r == 0)
                r = runtimes_want(d->c->runtimes, RUNTIME_NODE, d->project.node_version, node_ready, d, &d->node_wait);
        if (r == 0)
                r = runtimes_want(d->c->runtimes, RUNTIME_BUN, d->project.bun_version, bun_ready, d, &d->bun_wait);
        if (r < 0)
                deploy_fail(d, "The deployment could not begin: %s.", strerror(-r));
        return 0;
}
