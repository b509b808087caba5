/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Domains of projects, as far as other files of this folder need them. */
#pragma once

#include "api/handlers.h"
#include "deployment/project_draft.h"

#include <stdbool.h>

enum {
        DOMAIN_OK = 0,
        DOMAIN_E_INVALID, /* it is no name for one */
        DOMAIN_E_TAKEN,   /* it is another project's */
};

/* May the project have a domain of that name? A code above, with a problem; negative errno. */
int domain_refuse(const Api *a, const ProjectRow *project, const char *name, DraftProblem *ret_problem);
/* May the project have its name, which makes its address NAME.BASE-DOMAIN? before: the same project under the name that it gives up; NULL:
 * it is new. A code above, with a problem; negative errno. That no other project is called so is the store's to see. */
int domain_refuse_project_name(const Api *a, const ProjectRow *project, const ProjectRow *before, DraftProblem *ret_problem);
/* The domain that the project's URL shows is one of its domains: adds it when it is not there. *ret_added (may be NULL): it was not. */
int domain_adopt(const Api *a, const ProjectRow *project, bool *ret_added);

/* [{"name","redirect_to","hsts","source"}], for another node. NULL when memory ran out. */
json_t *domains_for_push(const Api *a, const char *project_id);
/* Takes such a list from the orchestrator. A code above, with a problem; negative errno. */
int domains_take_push(const Api *a, const ProjectRow *project, const json_t *list, DraftProblem *ret_problem);

/* Those of a project, here or elsewhere, as they are known. */
json_t *domains_describe(const Api *a, const ProjectRow *project);
/* Puts what is known of them here into what the project's server said of it last. */
void domains_overlay(const Api *a, const ProjectRow *project, json_t *description);
/* A server has taken a certificate for a domain of the project: its row says whose it is. */
void domains_taken_there(Api *a, const char *project_id, unsigned status, const json_t *domain);

/* The certificate of the server's projects that ends first, when that is soon or was: its domain, to be freed, and when, as in JSON; how
 * many end soon in all. 0: none does. What another server's are is what that said last. */
size_t domains_ending(const Api *a, const char *server_id, char **ret_name, char ret_end[static 32]);

/* Something about the domains of a project of this node has changed. */
void domains_changed(const Api *a, const char *project_id);
/* Answers with one domain of the project (status 204: with nothing). */
void reply_domain(const Api *a, HttpRequest *rq, const ProjectRow *project, const char *name, unsigned status, bool pending);
