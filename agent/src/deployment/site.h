/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What nginx is told of a project: its names, which of them have a certificate, and what protects it. A switch tells it before it moves;
 * between switches Sites does, whenever one of these changes. */
#pragma once

#include "deployment/context.h"
#include "deployment/plan.h"

#include <stdbool.h>

/* More names a project cannot have: the helper takes 32 of each kind, one is its own. */
enum { SITE_DOMAINS_MOST = 30 };

/* Appends site-install for the project as the database has it now, and writes the file with its password first. */
int site_plan(const DeployContext *c, const char *project_id, bool is_static, Plan *plan);
/* The fields alone, for tests; row and domains as they are. is_secure: its own name, NAME.BASE-DOMAIN, has a certificate. */
void site_fields(const DeployContext *c, const ProjectRow *row, const DomainRow *domains, size_t n, bool is_static, bool is_secure,
                 FieldWriter *w);
/* There is a certificate for all names below the base domain. */
bool site_has_wildcard(const DeployContext *c);

int sites_new(const DeployContext *c, Sites **ret_sites);
Sites *sites_free(Sites *s); /* NULL-safe, returns NULL */

/* The project's row, its domains or their certificates have changed: its site is written anew, soon, if anything was ever live. The helper
 * leaves nginx alone when the site is as it should be. NULL-safe. */
void sites_update(Sites *s, const char *project_id);
/* All projects of this node: a newer version may write sites in another way. */
void sites_update_all(Sites *s);
/* The project has gone: so does its password. */
void sites_forget(Sites *s, const char *project_id);
/* Why its site could not be written the last time: a sentence, or NULL. */
const char *sites_problem(const Sites *s, const char *project_id);
