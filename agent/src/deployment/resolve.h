/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Looks up a repository's host once, before the build, refuses private and link-local addresses unless they are allowed, and says to which
 * addresses git is to be held: a name that answers differently a moment later (DNS rebinding) gains nothing. */
#pragma once

#include "event/loop.h"

#include <stdbool.h>

typedef struct Resolve Resolve;

/* address is `host:port:address[,address]` as git's http.curloptResolve takes it, or "" when the URL names an address itself; NULL: refused
 * or not found, and sentence says why. Both are valid during the call. */
typedef void (*Resolved)(void *owner, const char *address, const char *sentence);

int resolve_repository(Loop *l, const char *url, bool allow_private, Resolved done, void *owner, Resolve **ret_resolve);
Resolve *resolve_drop(Resolve *r); /* NULL-safe, returns NULL; allowed inside its own callback */

/* From addresses, one a line, as the look-up printed them. Pure, for tests. 0 and *ret (to be freed), or 1 and *ret a sentence. */
int resolve_judge(const char *host, unsigned port, const char *lines, bool allow_private, char **ret);
