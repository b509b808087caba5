/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Asks the root helper, over its socket or by `sudo -n` (docs/design/interfaces.md). Requests are sent one at a time, in order. */
#pragma once

#include "base/fields.h"
#include "event/loop.h"

#include <stdbool.h>

typedef struct HelperClient HelperClient;
typedef struct HelperCall HelperCall;

typedef struct {
        bool ok;
        /* When not ok: request, denied, absent, conflict, nginx, system; "unreachable" when the helper could not be asked. */
        const char *word;
        const char *text; /* a sentence, or what followed `ok`; never NULL; valid during the call */
} HelperAnswer;

typedef void (*HelperDone)(void *owner, const HelperAnswer *answer);

int helper_client_new(Loop *l, bool sudo, HelperClient **ret_client);
HelperClient *helper_client_free(HelperClient *c);

/* Sends VERB [id [argument]] with the fields in w (may be NULL; it is consumed, without its `end`). done() is never called from inside.
 * The request of a dropped call that was sent already still takes effect. */
int helper_call(HelperClient *c, const char *verb, const char *id, const char *argument, FieldWriter *w, HelperDone done, void *owner,
                HelperCall **ret_call);
HelperCall *helper_call_drop(HelperCall *h); /* NULL-safe, returns NULL; allowed inside its own callback */
