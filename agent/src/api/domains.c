/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What must hold for the domains of a project, and how they are told; domain_calls.c has the calls. */
#include "api/domains.h"
#include "api/elsewhere.h"
#include "api/reply.h"

#include "base/cleanup.h"
#include "deployment/describe.h"
#include "deployment/site.h"
#include "security/validate.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A file is called like it, with an ending and, while it is written, a beginning. */
enum { NAME_LONGEST = 200 };

static Store *store_of(const Api *a) {
        return a->config.context->store;
}

__attribute__((format(printf, 4, 5))) static int refuse(DraftProblem *p, int code, const char *field, const char *format, ...) {
        va_list args;

        p->field = field;
        va_start(args, format);
        (void) vsnprintf(p->sentence, sizeof p->sentence, format, args);
        va_end(args);
        return code;
}

/* NAME.BASE-DOMAIN is that project's, whether it exists yet or not. */
static bool is_of_another(const Api *a, const ProjectRow *project, const char *name) {
        const char *dot = strchr(name, '.');
        char own[512];

        project_host(a->config.context, project, own, sizeof own);
        return dot && strcmp(dot + 1, a->config.context->base_domain) == 0 && strcmp(name, own) != 0;
}

int domain_refuse(const Api *a, const ProjectRow *project, const char *name, DraftProblem *ret_problem) {
        DomainRow row = { 0 };
        bool is_taken, is_servers;
        int r;

        if (!valid_host_name(name) || strlen(name) > NAME_LONGEST)
                return refuse(ret_problem, DOMAIN_E_INVALID, "name",
                              "A domain is a host name in lower case of up to 200 characters, such as "
                              "www.example.com. A name with other letters is given in its form with xn--.");
        r = store_domain_get(store_of(a), name, &row);
        is_servers = r == STORE_OK && !row.project_id;
        is_taken = r == STORE_OK && !is_servers && strcmp(row.project_id, project->id) != 0;
        domain_row_done(&row);
        if (is_servers)
                return refuse(ret_problem, DOMAIN_E_TAKEN, "name", "%s is a name of the server itself. Choose another one.", name);
        if (is_taken)
                return refuse(ret_problem, DOMAIN_E_TAKEN, "name", "%s is a domain of another project. Remove it there first.", name);
        if (r <= 0) /* what a project has, it keeps */
                return r;
        if (is_of_another(a, project, name))
                return refuse(ret_problem, DOMAIN_E_TAKEN, "name", "%s is the name of the project that is called so. Choose another one.",
                              name);
        return DOMAIN_OK;
}

/* The domain that the project's address NAME.BASE-DOMAIN is, if it is one. */
static int find_address(const Api *a, const ProjectRow *project, char ret_host[static 512], DomainRow *ret) {
        project_host(a->config.context, project, ret_host, 512);
        return store_domain_get(store_of(a), ret_host, ret);
}

static bool is_of(const DomainRow *row, const ProjectRow *project) {
        return row->project_id && strcmp(row->project_id, project->id) == 0;
}

int domain_refuse_project_name(const Api *a, const ProjectRow *project, const ProjectRow *before, DraftProblem *ret_problem) {
        DomainRow left = { 0 }, own = { 0 };
        char left_host[512], host[512];
        int found_left = before ? find_address(a, before, left_host, &left) : STORE_E_ABSENT, found = find_address(a, project, host, &own);
        int r = DOMAIN_OK;

        if (found_left < 0 || found < 0)
                r = found_left < 0 ? found_left : found;
        else if (found_left == STORE_OK && is_of(&left, before)) /* whoever gets the old name has that address then */
                r = refuse(ret_problem, DOMAIN_E_TAKEN, "name",
                           "%s is one of its domains, and belongs to whichever project is called %s. Remove that domain first.", left_host,
                           before->name);
        else if (found == STORE_OK && !is_of(&own, project))
                r = refuse(ret_problem, DOMAIN_E_TAKEN, "name", "%s, its address, is %s. Choose another name.", host,
                           own.project_id ? "a domain of another project" : "a name of the server itself");
        domain_row_done(&left);
        domain_row_done(&own);
        return r;
}

static int add(const Api *a, const char *project_id, const char *name) {
        const DomainRow row = { .name = (char *) (uintptr_t) name,
                                .project_id = (char *) (uintptr_t) project_id,
                                .source = (char *) (uintptr_t) "acme",
                                .state = (char *) (uintptr_t) "waiting",
                                .created_at_ms = clock_now_ms() };

        return store_domain_add(store_of(a), &row);
}

int domain_adopt(const Api *a, const ProjectRow *project, bool *ret_added) {
        DomainRow row = { 0 };
        int r = project->domain ? store_domain_get(store_of(a), project->domain, &row) : STORE_OK;
        bool absent = r == STORE_E_ABSENT;

        domain_row_done(&row);
        if (absent)
                r = add(a, project->id, project->domain);
        if (ret_added)
                *ret_added = absent && r == STORE_OK;
        return r;
}

void domains_changed(const Api *a, const char *project_id) {
        certificates_look(a->config.certificates);
        sites_update(a->config.context->sites, project_id);
}

/* --- between nodes --- */

json_t *domains_for_push(const Api *a, const char *project_id) {
        json_t *list = json_array();
        DomainRow *rows = NULL;
        size_t n = 0;

        if (store_domain_list(store_of(a), project_id, &rows, &n) != STORE_OK) {
                json_decref(list);
                return NULL;
        }
        for (size_t i = 0; i < n; i++)
                (void) json_array_append_new(list, json_pack("{s:s, s:s?, s:b, s:s}", "name", rows[i].name, "redirect_to",
                                                             rows[i].redirect_to, "hsts", (int) rows[i].hsts, "source", rows[i].source));
        domain_rows_free(rows, n);
        return list;
}

/* Borrows the texts of o. */
static int take_one(const Api *a, const ProjectRow *project, const json_t *o, DomainRow *ret, DraftProblem *ret_problem) {
        const char *name = json_string_value(json_object_get(o, "name")), *to = json_string_value(json_object_get(o, "redirect_to")),
                   *source = json_string_value(json_object_get(o, "source"));
        bool is_own = source && strcmp(source, "own") == 0;
        int r = domain_refuse(a, project, name, ret_problem);

        if (r != 0)
                return r;
        if (to && !valid_host_name(to))
                return refuse(ret_problem, DOMAIN_E_INVALID, "redirect_to", "A domain redirects to a host name.");
        *ret = (DomainRow){ .name = (char *) (uintptr_t) name,
                            .project_id = project->id,
                            .redirect_to = (char *) (uintptr_t) to,
                            .hsts = json_is_true(json_object_get(o, "hsts")),
                            .source = (char *) (uintptr_t) (is_own ? "own" : "acme"),
                            .state = (char *) (uintptr_t) "waiting",
                            .created_at_ms = clock_now_ms() };
        return 0;
}

int domains_take_push(const Api *a, const ProjectRow *project, const json_t *list, DraftProblem *ret_problem) {
        DomainRow rows[SITE_DOMAINS_MOST] = { 0 };
        size_t i;
        json_t *o;
        int r = 0;

        if (!json_is_array(list) || json_array_size(list) > SITE_DOMAINS_MOST)
                return refuse(ret_problem, DOMAIN_E_INVALID, "domains", "domains is a list of up to 30 domains.");
        json_array_foreach((json_t *) (uintptr_t) list, i, o) {
                r = take_one(a, project, o, &rows[i], ret_problem);
                for (size_t k = 0; r == 0 && k < i; k++)
                        if (strcmp(rows[k].name, rows[i].name) == 0)
                                r = refuse(ret_problem, DOMAIN_E_INVALID, "domains", "%s stands there twice.", rows[i].name);
                if (r != 0)
                        return r;
        }
        r = store_domain_replace(store_of(a), project->id, rows, json_array_size(list));
        return r == STORE_E_TAKEN ? refuse(ret_problem, DOMAIN_E_TAKEN, "domains", "A domain is another project's.") : r > 0 ? -EIO : r;
}

/* --- as they are known --- */

static json_t *find(const json_t *list, const char *name) {
        json_t *o;
        size_t i;

        json_array_foreach((json_t *) (uintptr_t) list, i, o) {
                const char *found = json_string_value(json_object_get(o, "name"));

                if (found && strcmp(found, name) == 0)
                        return o;
        }
        return NULL;
}

static json_t *describe_own_rows(const Api *a, const ProjectRow *project, const json_t *said) {
        json_t *list = json_array();
        DomainRow *rows = NULL;
        size_t n = 0;

        if (store_domain_list(store_of(a), project->id, &rows, &n) == STORE_OK)
                for (size_t i = 0; i < n; i++) {
                        json_t *o = find(said, rows[i].name);
                        bool primary = project->domain && strcmp(project->domain, rows[i].name) == 0;

                        (void) json_array_append_new(list, o ? json_incref(o) : describe_domain(&rows[i], primary));
                }
        domain_rows_free(rows, n);
        return list;
}

void domains_overlay(const Api *a, const ProjectRow *project, json_t *description) {
        (void) json_object_set_new(description, "domains", describe_own_rows(a, project, json_object_get(description, "domains")));
}

json_t *domains_describe(const Api *a, const ProjectRow *project) {
        json_t *whole, *list;

        if (!is_elsewhere(a, project))
                return describe_own_rows(a, project, NULL);
        whole = describe_elsewhere(a, project);
        list = json_incref(json_object_get(whole, "domains"));
        json_decref(whole);
        return list ? list : json_array();
}

/* Of a project elsewhere the certificates are there, and the rows here do not know them. */
static json_t *describe_row(const Api *a, const DomainRow *row) {
        ProjectRow project = { 0 };
        json_t *said = NULL, *o = NULL;

        if (!row->project_id)
                return describe_domain(row, false);
        if (store_project_get(store_of(a), row->project_id, &project) != STORE_OK)
                return NULL;
        if (is_elsewhere(a, &project)) {
                said = project.mirror ? json_loads(project.mirror, 0, NULL) : NULL;
                o = json_incref(find(json_object_get(said, "domains"), row->name));
                json_decref(said);
        } else
                o = describe_domain(row, false);
        project_row_done(&project);
        return o;
}

size_t domains_ending(const Api *a, const char *server_id, char **ret_name, char ret_end[static 32]) {
        json_t *soon = describe_time(clock_now_ms() + DOMAIN_WARN_DAYS * INT64_C(86400000));
        DomainRow *rows = NULL;
        size_t n = 0, count = 0;
        bool is_own = strcmp(server_id, a->config.context->server_id) == 0;
        int r = is_own ? store_domain_list_here(store_of(a), server_id, &rows, &n)
                       : store_domain_list_on(store_of(a), server_id, &rows, &n);

        if (soon && r == STORE_OK)
                for (size_t i = 0; i < n; i++) {
                        json_t *o = describe_row(a, &rows[i]);
                        const char *end = json_string_value(json_object_get(o, "not_after"));

                        /* All are UTC in one form, so their order is that of the texts. */
                        if (end && strcmp(end, json_string_value(soon)) <= 0 && (count++ == 0 || strcmp(end, ret_end) < 0)) {
                                (void) snprintf(ret_end, 32, "%s", end);
                                free(*ret_name);
                                *ret_name = handover(rows[i].name);
                        }
                        json_decref(o);
                }
        domain_rows_free(rows, n);
        json_decref(soon);
        return count;
}

void domains_taken_there(Api *a, const char *project_id, unsigned status, const json_t *domain) {
        const char *name = json_string_value(json_object_get(domain, "name"));
        DomainRow row = { 0 };

        if (status != 200 || !name || store_domain_get(store_of(a), name, &row) != STORE_OK)
                return;
        if (row.project_id && strcmp(row.project_id, project_id) == 0) {
                DomainRow changed = row; /* borrows */

                changed.source = (char *) (uintptr_t) "own";
                (void) store_domain_update(store_of(a), &changed);
        }
        domain_row_done(&row);
}

void reply_domain(const Api *a, HttpRequest *rq, const ProjectRow *project, const char *name, unsigned status, bool pending) {
        json_t *list, *o;

        if (status == 204) {
                http_reply(rq, 204, NULL, NULL, 0, NULL);
                return;
        }
        list = domains_describe(a, project);
        o = json_incref(find(list, name));
        json_decref(list);
        if (o && pending)
                (void) json_object_set_new(o, "pending", json_true());
        if (o)
                reply_json(rq, status, o);
        else
                reply_problem(rq, 404, "domain-absent", "There is no such domain", "domain", "The project has no such domain any more.");
}
