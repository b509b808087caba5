/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Of a worker: tells its orchestrator soon that its projects have changed, while somebody there wants to know. All take NULL. */
#pragma once

#include "api/handlers.h"

typedef struct Nudge Nudge;

int nudge_new(Api *a, Loop *l, Nudge **ret_nudge);
Nudge *nudge_free(Nudge *n);
/* The orchestrator has said that somebody listens. */
void nudge_watched(Nudge *n);
/* Something has changed; may be in the middle of a statement of the store. */
void nudge_touch(Nudge *n);
