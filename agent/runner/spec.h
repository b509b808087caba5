/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the runner is to do: NS_ROOT/specs/{id}/{build,a,b} (docs/design/interfaces.md). Every value is validated here again: the runner
 * trusts neither the agent nor the disk. */
#pragma once

#include "place.h"

#include <stdbool.h>

typedef struct Spec Spec;

typedef enum {
        SPEC_BUILD,
        SPEC_SLOT,
} SpecKind;

/* name is build, a or b. 0; negative errno, and then *ret_why says for people what is wrong (static text or owned by nobody). */
int spec_read(const Place *place, const char *id, const char *name, SpecKind kind, Spec **ret_spec, const char **ret_why);
Spec *spec_free(Spec *s); /* NULL-safe, returns NULL */
void spec_free_cleanup(Spec **s);

/* Value of an optional or required key; "" where it is absent. */
const char *spec_get(const Spec *s, const char *key);
bool spec_is_set(const Spec *s, const char *key);
