/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The switch: the only way in which a project changes what serves it (docs/design/3-releases-and-sleep.md). The slot that is not live gets
 * what is wanted, is found to work, `live` points to it, and the old slot is drained and stopped. Until `live` moves, the old one does not
 * notice anything; from then on it gets nothing new, so no request is lost.
 *
 * Of an exclusive project the app must never run twice: there `live` moves first, requests wait in the new slot's socket, the old slot is
 * drained and stopped, and only then does the new app start (the runner's lock holds it back until then). When it is not healthy, the old
 * release is started in the new slot, and those who wait are served by it.
 *
 * The caller has claimed the project (claim.h). */
#pragma once

#include "deployment/context.h"

#include <jansson.h>
#include <stdbool.h>

typedef struct Switch Switch;

typedef enum {
        SWITCH_RUN,    /* to the app, awake and healthy */
        SWITCH_ARM,    /* to an armed runner */
        SWITCH_SLEEP,  /* to a socket alone */
        SWITCH_STATIC, /* to the release's files: no slot */
        SWITCH_TIDY,   /* to nothing new: what is left in the slot that is not live is drained and stopped */
} SwitchTo;

typedef enum {
        SWITCH_STARTS,
        SWITCH_CHECKS,
        SWITCH_MOVES, /* too late to cancel */
} SwitchPhase;

/* phase(), then live() or failed(), then over(), after which it is to be dropped. All from the loop; said and phase may be NULL. */
typedef struct {
        void (*said)(void *owner, const char *line);
        void (*phase)(void *owner, SwitchPhase phase);
        void (*live)(void *owner); /* the new slot is live, the database says so; the old one drains */
        void (*failed)(void *owner, const char *sentence, int exit_code); /* exit_code: the app's, or -1 */
        void (*over)(void *owner);                                        /* what was to be stopped is stopped */
} SwitchOps;

/* Times in milliseconds since 1970, 0: not reached. */
typedef struct {
        int64_t started_at_ms, healthy_at_ms, switched_at_ms, drained_at_ms;
        unsigned tries;
        unsigned drained, cut; /* connections of the old slot, and how many of them were still there when its time was over */
} SwitchReceipt;

/* project and release (NULL for SWITCH_TIDY) are borrowed until it is dropped. */
int switch_begin(const DeployContext *c, const ProjectRow *project, const ReleaseRow *release, SwitchTo to, const SwitchOps *ops,
                 void *owner, Switch **ret_switch);
/* Stops what it has started; over() follows, failed() does not. False when it is too late. */
bool switch_cancel(Switch *s);
Switch *switch_drop(Switch *s); /* NULL-safe, returns NULL; allowed inside its own callbacks */

const char *switch_slot(const Switch *s); /* the new one; empty for static */
const SwitchReceipt *switch_receipt(const Switch *s);
json_t *switch_receipt_describe(const SwitchReceipt *r);

/* Where the project's `live` link points to: "a", "b", or "" for no slot. */
void switch_read_live(const char *project_id, char ret_slot[static 2]);
/* The slot that is not the given one. */
const char *switch_other_slot(const char *slot);
