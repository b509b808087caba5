/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The closed list of verbs, and the check of a request against it. Nothing is done here. */
#pragma once

#include "helper/job.h"

#define REQUEST_MAX (4 * 1024 * 1024)
#define HEAD_MAX 253 /* of a field that has two parts, the first */

extern const Verb verbs[];
extern const size_t n_verbs;

/* Parses and checks all of a request: verb, id, argument, every field. 0 and j filled (job_drop() frees), or negative and the answer in j.
 */
int request_parse(Job *j, const char *text, size_t length);
void job_drop(Job *j); /* for auto_call() */

/* The two halves of the field `env KEY HEX`. The key is copied to ret_key (≥ HEAD_MAX + 1 bytes), the value is new. 0, -EBADMSG or
 * -ENOMEM. */
int request_env(const char *field, char *ret_key, char **ret_value);
