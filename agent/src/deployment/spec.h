/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Writes what the runner is to do: NS_SPECS/{id}/{build,a,b} (docs/design/interfaces.md). Files are replaced whole, and synced. */
#pragma once

#include "store/store.h"

#include <stdbool.h>

typedef struct {
        const char *deployment;
        long release;
        const char *commit;        /* NULL: the branch's tip */
        const char *resolve;       /* host:port:address that git is held to, NULL: none */
        const char *node, *bun;    /* exact versions */
        const char *registry, *ca; /* may be NULL */
} BuildSpec;

/* directory: NS_SPECS, or another for tests. */
int spec_write_build(const char *directory, const ProjectRow *project, const char *branch, const BuildSpec *spec);
typedef struct {
        bool armed;     /* the runner waits for the first connection */
        unsigned proxy; /* port behind a proxy, for a release of that kind; else 0 */
        const char *ca; /* may be NULL */
} SlotSpec;

int spec_write_slot(const char *directory, const ProjectRow *project, const char *slot, const ReleaseRow *release, const SlotSpec *spec);
/* The release that a slot's spec names; 0 when there is none. */
int64_t spec_release_of_slot(const char *directory, const char *project_id, const char *slot);
/* Removes a project's specs. Absent ones are no error. */
int spec_remove(const char *directory, const char *project_id);
