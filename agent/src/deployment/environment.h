/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A project's env vars: a JSON object of strings, sealed in projects.env_vars, and as fields of the helper's env-install. */
#pragma once

#include "base/fields.h"
#include "security/seal.h"

#include <jansson.h>
#include <stddef.h>

enum { ENVIRONMENT_MAX = 256 };

enum {
        ENVIRONMENT_OK = 0,
        ENVIRONMENT_E_KEY,      /* not a name */
        ENVIRONMENT_E_RESERVED, /* NanoScale sets it */
        ENVIRONMENT_E_VALUE,    /* not text, too long, or with control characters */
        ENVIRONMENT_E_MANY,
};

/* sealed "" is the empty environment. *ret_env is a new reference. -EBADMSG when the sealed text was tampered with. */
int environment_unseal(const Sealer *s, const char *project_id, const char *sealed, json_t **ret_env);
int environment_seal(const Sealer *s, const char *project_id, const json_t *env, char **ret_sealed);

/* Sets the members of set (an object) and takes away those of unset (an array of names); either may be NULL. Checks everything first; on a
 * positive answer nothing has changed and *ret_key (borrowed from set or unset) is the offending name. */
int environment_change(json_t *env, const json_t *set, const json_t *unset, const char **ret_key);
const char *environment_explain(int code); /* static sentence */

/* Appends an `env` field for each variable. */
void environment_put(FieldWriter *w, const json_t *env);
