/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Asks nanoscale-repository@.service to look at a repository (docs/design/interfaces.md). */
#pragma once

#include "base/fields.h"
#include "event/loop.h"

typedef struct RepositoryCall RepositoryCall;

typedef struct {
        const char *repo, *branch, *root, *resolve, *ca; /* all but repo may be NULL or empty */
} RepositoryRequest;

/* answer is valid during the call; NULL: there was none, or one that is not in order. */
typedef void (*RepositoryDone)(void *owner, const Fields *answer);

/* done() is never called from inside, and comes within half a minute. */
int repository_call(Loop *l, const char *socket_path, const RepositoryRequest *request, RepositoryDone done, void *owner,
                    RepositoryCall **ret_call);
RepositoryCall *repository_call_drop(RepositoryCall *c); /* NULL-safe, returns NULL; allowed inside done() */

/* Checks an answer as it came: known keys, none twice but those that repeat. 0 and *ret, or -EBADMSG, -ENOMEM. Pure. */
int repository_answer_parse(const char *text, size_t length, Fields **ret);
