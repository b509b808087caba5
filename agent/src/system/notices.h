/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the runner and the shim say of a slot, in lines of its journal with priority 5 (docs/design/interfaces.md).
 *
 * The slot is the journal's own word (_SYSTEMD_UNIT), but an app can print the same lines: they are true only as far as the app is honest,
 * and may concern nobody else. A slot that says more than NOTICES_MAX in NOTICES_MS is not heard for the rest of that time. */
#pragma once

#include "event/loop.h"

#include <stdint.h>

enum {
        NOTICES_MAX = 50,
        NOTICES_MS = 10000,
        NOTICE_AWAKE_MAX_MS = 600000, /* a longer wake is no notice */
        NOTICE_TEXT_MAX = 300,        /* a longer reason is cut */
};

typedef enum {
        NOTICE_ARMED,
        NOTICE_WOKEN,
        NOTICE_AWAKE,
        NOTICE_STOPPED,
} NoticeKind;

typedef struct {
        char project[13];
        char slot[2];
        NoticeKind kind;
        uint32_t awake_ms;   /* NOTICE_AWAKE */
        const char *text;    /* NOTICE_STOPPED: the reason, fit to be shown; NULL otherwise. Valid during the call */
        int64_t at_ms;       /* wall clock */
        char invocation[33]; /* of the run that said so, as in UnitState; empty when the journal does not know it */
} Notice;

typedef struct NoticeFollow NoticeFollow;

/* Follows the notices of all slots, from now on. Never blocks. No callback runs from inside. */
int notices_follow(Loop *l, void (*notice)(void *owner, const Notice *n), void *owner, NoticeFollow **ret_follow);
NoticeFollow *notice_follow_drop(NoticeFollow *f); /* NULL-safe, returns NULL; allowed inside its own callback */
