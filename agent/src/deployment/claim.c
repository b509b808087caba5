/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "deployment/claim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Few at a time: a list is enough. */
typedef struct Claim Claim;
struct Claim {
        Claim *next;
        const void *owner;
        char project[13];
};

struct Claims {
        Claim *first;
};

int claims_new(Claims **ret_claims) {
        *ret_claims = calloc(1, sizeof **ret_claims);
        return *ret_claims ? 0 : -ENOMEM;
}

Claims *claims_free(Claims *c) {
        while (c && c->first) {
                Claim *claim = c->first;
                c->first = claim->next;
                free(claim);
        }
        free(c);
        return NULL;
}

static Claim *find(const Claims *c, const char *project) {
        for (Claim *claim = c->first; claim; claim = claim->next)
                if (strcmp(claim->project, project) == 0)
                        return claim;
        return NULL;
}

int claim_take(Claims *c, const char *project, const void *owner) {
        Claim *claim = find(c, project);

        if (claim)
                return claim->owner == owner;
        claim = calloc(1, sizeof *claim);
        if (!claim)
                return -ENOMEM;
        (void) snprintf(claim->project, sizeof claim->project, "%s", project);
        claim->owner = owner;
        claim->next = c->first;
        c->first = claim;
        return 1;
}

void claim_drop(Claims *c, const char *project, const void *owner) {
        for (Claim **p = &c->first; *p; p = &(*p)->next)
                if ((*p)->owner == owner && strcmp((*p)->project, project) == 0) {
                        Claim *claim = *p;
                        *p = claim->next;
                        free(claim);
                        return;
                }
}

bool claim_is_taken(const Claims *c, const char *project) {
        return find(c, project) != NULL;
}
