/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who may change what serves a project: one at a time. A deployment claims its project from the start of its slot until the old one is
 * gone; so do falling asleep, the restart after a crash, and removal. Whoever is refused asks again later. */
#pragma once

#include <stdbool.h>

typedef struct Claims Claims;

int claims_new(Claims **ret_claims);
Claims *claims_free(Claims *c); /* NULL-safe, returns NULL */

/* 1: it is owner's now (owner is an address that stands for the claimer; again by the same owner is fine). 0: another one has it. */
int claim_take(Claims *c, const char *project, const void *owner);
void claim_drop(Claims *c, const char *project, const void *owner); /* harmless when it is not owner's */
bool claim_is_taken(const Claims *c, const char *project);
