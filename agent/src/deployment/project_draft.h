/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* From the JSON that a user sends to a ProjectRow, by one table: each field's name, kind, bounds, default and what is wanted of it. */
#pragma once

#include "store/store.h"

#include <jansson.h>
#include <stdbool.h>

typedef struct {
        const char *field;  /* static, or borrowed from the draft */
        char sentence[512]; /* what is wrong and what to do */
} DraftProblem;

/* Fills row with the defaults and what the draft says. 0; 1 with *ret_problem when the draft is refused; -ENOMEM. The caller sets id,
 * server_id, env_vars and created_at_ms. */
int project_draft_new(const json_t *draft, ProjectRow *row, DraftProblem *ret_problem);
/* Changes an existing row; the name stays. The same answers. */
int project_draft_change(const json_t *draft, ProjectRow *row, DraftProblem *ret_problem);
/* Adds the fields that a draft has to a JSON object; of a password only whose it is. */
int project_draft_describe(const ProjectRow *row, json_t *object);
