/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Several requests to the helper, put down first, then sent in order; the first one that fails ends it. */
#pragma once

#include "base/fields.h"
#include "system/helper_client.h"

#include <stdbool.h>

typedef struct Plan Plan;

/* ok, or the verb that failed with the helper's word and sentence (valid during the call). */
typedef void (*PlanDone)(void *owner, bool ok, const char *verb, const char *word, const char *sentence);

int plan_new(HelperClient *client, Plan **ret_plan);
/* Appends VERB [id [argument]] with the fields of w (consumed; may be NULL). Errors stick until plan_run(). */
void plan_add(Plan *p, const char *verb, const char *id, const char *argument, FieldWriter *w);
/* done() is never called from inside. After it has run the plan may only be dropped. */
int plan_run(Plan *p, PlanDone done, void *owner);
Plan *plan_drop(Plan *p); /* NULL-safe, returns NULL; requests that were not sent yet are not sent */
