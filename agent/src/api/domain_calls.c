/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "api/domains.h"
#include "api/elsewhere.h"
#include "api/project_write.h"
#include "api/reply.h"

#include "base/cleanup.h"
#include "certificates/pem.h"
#include "deployment/describe.h"
#include "deployment/site.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static Store *store_of(const Api *a) {
        return a->config.context->store;
}

/* The project and its domain of the path; answers itself and returns false when there is none. */
static bool take_domain(const Api *a, HttpRequest *rq, const char *argument, ProjectRow *project, DomainRow *ret) {
        const char *name = api_second(argument);
        char detail[400];
        int r;

        if (!take_project(a, rq, argument, project))
                return false;
        r = store_domain_get(store_of(a), name, ret);
        if (r == STORE_OK && ret->project_id && strcmp(ret->project_id, project->id) == 0)
                return true;
        domain_row_done(ret);
        if (r < 0)
                reply_failure(a, rq, r, "The domain could not be read");
        else {
                (void) snprintf(detail, sizeof detail, "The project has no such domain. GET /api/projects/%s/domains lists them.",
                                project->name);
                reply_problem(rq, 404, "domain-absent", "There is no such domain", "domain", detail);
        }
        project_row_done(project);
        return false;
}

static void done(ProjectRow *project, DomainRow *row) {
        project_row_done(project);
        domain_row_done(row);
}

/* --- showing --- */

void api_domain_list(Api *a, HttpRequest *rq, const char *argument) {
        ProjectRow project = { 0 };

        if (!take_project(a, rq, argument, &project))
                return;
        reply_json(rq, 200, json_pack("{s:o}", "domains", domains_describe(a, &project)));
        project_row_done(&project);
}

void api_domain_show(Api *a, HttpRequest *rq, const char *argument) {
        ProjectRow project = { 0 };
        DomainRow row = { 0 };

        if (!take_domain(a, rq, argument, &project, &row))
                return;
        reply_domain(a, rq, &project, row.name, 200, false);
        done(&project, &row);
}

static void append_named(json_t *all, const char *project, json_t *list) {
        json_t *o;
        size_t i;

        json_array_foreach(list, i, o) {
                json_t *copy = json_copy(o);

                (void) json_object_set_new(copy, "project", json_string(project));
                (void) json_array_append_new(all, copy);
        }
        json_decref(list);
}

/* Names of this server itself. */
static int append_own(const Api *a, json_t *all) {
        DomainRow *rows = NULL;
        size_t n = 0;
        int r = store_domain_list_own(store_of(a), &rows, &n);

        for (size_t i = 0; i < n; i++) {
                json_t *o = describe_domain(&rows[i], false);

                (void) json_object_set_new(o, "project", json_null());
                (void) json_array_append_new(all, o);
        }
        domain_rows_free(rows, n);
        return r;
}

void api_domain_list_all(Api *a, HttpRequest *rq, const char *argument) {
        json_t *all = json_array();
        ProjectRow *rows = NULL;
        size_t n = 0;
        int r = store_project_list(store_of(a), NULL, 100000, &rows, &n);

        (void) argument;
        for (size_t i = 0; i < n; i++) {
                append_named(all, rows[i].name, domains_describe(a, &rows[i]));
                project_row_done(&rows[i]);
        }
        free(rows);
        if (r >= 0)
                r = append_own(a, all);
        if (r < 0) {
                json_decref(all);
                reply_failure(a, rq, r, "The domains could not be listed");
        } else
                reply_json(rq, 200, json_pack("{s:o}", "domains", all));
}

/* --- what may be set --- */

typedef struct {
        char *redirect_to; /* borrowed from the body, or from the row */
        bool hsts, source_acme, make_primary;
} Wish;

static bool refuse(HttpRequest *rq, const char *field, const char *sentence) {
        reply_problem(rq, 422, "invalid-field", "A field is not usable", field, sentence);
        return false;
}

static bool refuse_problem(const Api *a, HttpRequest *rq, int code, const DraftProblem *p) {
        if (code < 0)
                reply_failure(a, rq, code, "The domain could not be checked");
        else if (code == DOMAIN_E_TAKEN)
                reply_problem(rq, 409, "domain-taken", "The domain is taken", p->field, p->sentence);
        else
                (void) refuse(rq, p->field, p->sentence);
        return false;
}

/* No chains: a visitor is sent on once. */
static bool check_redirect(const Api *a, HttpRequest *rq, const ProjectRow *project, const char *name, const char *to) {
        DomainRow *rows = NULL;
        bool found = false, plain = true, is_target = false;
        size_t n = 0;
        int r;

        if (!to)
                return true;
        r = store_domain_list(store_of(a), project->id, &rows, &n);
        for (size_t i = 0; i < n; i++) {
                if (strcmp(rows[i].name, to) == 0 && strcmp(to, name) != 0) {
                        found = true;
                        plain = !rows[i].redirect_to;
                }
                is_target = is_target || (rows[i].redirect_to && strcmp(rows[i].redirect_to, name) == 0);
        }
        domain_rows_free(rows, n);
        if (r < 0)
                reply_failure(a, rq, r, "The domains could not be read");
        else if (!found)
                return refuse(rq, "redirect_to", "A domain redirects to another domain of the project, which is added before.");
        else if (!plain)
                return refuse(rq, "redirect_to", "That domain redirects itself. Name the one where visitors are to arrive.");
        else if (is_target)
                return refuse(rq, "redirect_to", "Another domain redirects to this one. Change that first.");
        return r >= 0;
}

/* Reads what the body has of known into w, which has what is there; nothing else may be in it. */
static bool take_wish(HttpRequest *rq, const json_t *body, bool is_new, Wish *w) {
        const char *key;
        json_t *value;

        json_object_foreach((json_t *) (uintptr_t) body, key, value) {
                if (is_new && strcmp(key, "name") == 0)
                        continue;
                if (strcmp(key, "redirect_to") == 0 && (json_is_null(value) || json_is_string(value)))
                        w->redirect_to = (char *) (uintptr_t) json_string_value(value);
                else if (strcmp(key, "redirect_to") == 0)
                        return refuse(rq, key, "redirect_to must be another domain of the project, or null.");
                else if (strcmp(key, "hsts") == 0 && json_is_boolean(value))
                        w->hsts = json_is_true(value);
                else if (strcmp(key, "primary") == 0 && json_is_true(value))
                        w->make_primary = true;
                else if (!is_new && strcmp(key, "source") == 0 && json_is_string(value) && strcmp(json_string_value(value), "acme") == 0)
                        w->source_acme = true;
                else if (strcmp(key, "hsts") == 0)
                        return refuse(rq, key, "hsts must be true or false.");
                else if (strcmp(key, "primary") == 0)
                        return refuse(rq, key, "primary can only be set to true: another domain becomes it in its place.");
                else if (strcmp(key, "source") == 0)
                        return refuse(rq, key, "source can only be set to \"acme\"; it becomes \"own\" by uploading a certificate.");
                else
                        return refuse(rq, key, "There is no such field. docs/api.md lists the fields of a domain.");
        }
        return true;
}

static int set_primary(const Api *a, ProjectRow *project, const char *name) {
        char *copy = name ? strdup(name) : NULL;

        if (name && !copy)
                return -ENOMEM;
        free(project->domain);
        project->domain = copy;
        return store_project_update(store_of(a), project);
}

/* After what was stored: the answer is the domain as it is here, or once its server has it. Should that refuse, the project's row is put
 * back as it was before, and a domain that was added is taken away. */
static void answer(Api *a, HttpRequest *rq, const ProjectRow *project, ProjectRow *before, const char *name, bool added, unsigned status) {
        if (is_elsewhere(a, project)) {
                push_then_answer(a, rq, project,
                                 &(PushOptions){ .undo = before, .domain = name, .added = added ? name : NULL, .status = status });
                return;
        }
        domains_changed(a, project->id);
        reply_domain(a, rq, project, name, status, false);
}

/* --- adding, changing, removing --- */

static bool has_room(const Api *a, HttpRequest *rq, const ProjectRow *project) {
        DomainRow *rows = NULL;
        size_t n = 0;
        int r = store_domain_list(store_of(a), project->id, &rows, &n);

        domain_rows_free(rows, n);
        if (r < 0)
                reply_failure(a, rq, r, "The domains could not be read");
        else if (n >= SITE_DOMAINS_MOST)
                reply_problem(rq, 409, "too-many-domains", "The project has too many domains", NULL, "A project has at most 30 domains.");
        return r >= 0 && n < SITE_DOMAINS_MOST;
}

static void add_domain(Api *a, HttpRequest *rq, ProjectRow *project, ProjectRow *before, const char *name, const Wish *w) {
        const DomainRow row = { .name = (char *) (uintptr_t) name,
                                .project_id = project->id,
                                .redirect_to = w->redirect_to,
                                .hsts = w->hsts,
                                .source = (char *) (uintptr_t) "acme",
                                .state = (char *) (uintptr_t) "waiting",
                                .created_at_ms = clock_now_ms() };
        char detail[400];
        int r = store_domain_add(store_of(a), &row);

        if (r == STORE_E_TAKEN) {
                (void) snprintf(detail, sizeof detail, "%s is a domain of this project already.", name);
                reply_problem(rq, 409, "domain-taken", "The domain is taken", "name", detail);
                return;
        }
        if (r == STORE_OK && (w->make_primary || (!project->domain && !w->redirect_to)))
                r = set_primary(a, project, name);
        if (r != STORE_OK)
                reply_failure(a, rq, r < 0 ? r : -EIO, "The domain could not be stored");
        else
                answer(a, rq, project, before, name, true, 201);
}

void api_domain_add(Api *a, HttpRequest *rq, const char *argument) {
        json_t *body = take_json(rq);
        const json_t *given = json_object_get(body, "name");
        const char *name = json_string_value(given);
        ProjectRow project = { 0 }, before = { 0 };
        DraftProblem problem = { 0 };
        Wish w = { 0 };
        int r;

        if (!body)
                return;
        if (project_may_write(a, rq) && take_project(a, rq, argument, &project) && take_project(a, rq, project.id, &before)) {
                if (name && strlen(name) != json_string_length(given))
                        name = NULL;
                r = domain_refuse(a, &project, name, &problem);
                if (r != 0)
                        (void) refuse_problem(a, rq, r, &problem);
                else if (take_wish(rq, body, true, &w) && check_redirect(a, rq, &project, name, w.redirect_to) && has_room(a, rq, &project))
                        add_domain(a, rq, &project, &before, name, &w);
        }
        project_row_done(&project);
        project_row_done(&before);
        json_decref(body);
}

static void change_domain(Api *a, HttpRequest *rq, ProjectRow *project, ProjectRow *before, const DomainRow *domain, const Wish *w) {
        DomainRow row = *domain; /* borrows */
        int r;

        row.redirect_to = w->redirect_to;
        row.hsts = w->hsts;
        if (w->source_acme)
                row.source = (char *) (uintptr_t) "acme";
        r = store_domain_update(store_of(a), &row);
        if (r == STORE_OK && w->make_primary)
                r = set_primary(a, project, row.name);
        if (r == STORE_OK && w->source_acme && strcmp(domain->source, "own") == 0 && !is_elsewhere(a, project))
                r = certificates_try_now(a->config.certificates, row.name, true);
        if (r != STORE_OK)
                reply_failure(a, rq, r < 0 ? r : -EIO, "The domain could not be stored");
        else
                answer(a, rq, project, before, row.name, false, 200);
}

void api_domain_change(Api *a, HttpRequest *rq, const char *argument) {
        json_t *body = take_json(rq);
        ProjectRow project = { 0 }, before = { 0 };
        DomainRow row = { 0 };
        Wish w;

        if (!body)
                return;
        if (project_may_write(a, rq) && take_domain(a, rq, argument, &project, &row) && take_project(a, rq, project.id, &before)) {
                w = (Wish){ .redirect_to = row.redirect_to, .hsts = row.hsts };
                if (take_wish(rq, body, false, &w) && check_redirect(a, rq, &project, row.name, w.redirect_to))
                        change_domain(a, rq, &project, &before, &row, &w);
        }
        done(&project, &row);
        project_row_done(&before);
        json_decref(body);
}

/* Another one takes its place in the URL, where there is one at which visitors arrive. */
static int choose_primary(const Api *a, ProjectRow *project, const char *leaving) {
        DomainRow *rows = NULL;
        const char *next = NULL;
        size_t n = 0;
        int r;

        if (!project->domain || strcmp(project->domain, leaving) != 0)
                return STORE_OK;
        r = store_domain_list(store_of(a), project->id, &rows, &n);
        for (size_t i = 0; i < n && !next; i++)
                if (!rows[i].redirect_to && strcmp(rows[i].name, leaving) != 0)
                        next = rows[i].name;
        if (r == STORE_OK)
                r = set_primary(a, project, next);
        domain_rows_free(rows, n);
        return r;
}

static bool is_target(const Api *a, const DomainRow *domain) {
        DomainRow *rows = NULL;
        bool found = false;
        size_t n = 0;

        (void) store_domain_list(store_of(a), domain->project_id, &rows, &n);
        for (size_t i = 0; i < n; i++)
                found = found || (rows[i].redirect_to && strcmp(rows[i].redirect_to, domain->name) == 0);
        domain_rows_free(rows, n);
        return found;
}

void api_domain_delete(Api *a, HttpRequest *rq, const char *argument) {
        ProjectRow project = { 0 }, before = { 0 };
        DomainRow row = { 0 };
        int r;

        if (!project_may_write(a, rq) || !take_domain(a, rq, argument, &project, &row))
                return;
        if (!take_project(a, rq, project.id, &before)) {
                done(&project, &row);
                return;
        }
        if (is_target(a, &row))
                reply_problem(rq, 409, "domain-in-use", "Another domain redirects to it", "domain",
                              "Another domain of the project redirects to this one. Remove or change that first.");
        else {
                r = choose_primary(a, &project, row.name);
                if (r == STORE_OK)
                        r = store_domain_delete(store_of(a), row.name);
                if (r != STORE_OK)
                        reply_failure(a, rq, r < 0 ? r : -EIO, "The domain could not be removed");
                else
                        answer(a, rq, &project, &before, row.name, false, 204);
        }
        done(&project, &row);
        project_row_done(&before);
}

/* --- certificates --- */

void api_domain_check(Api *a, HttpRequest *rq, const char *argument) {
        json_t *body = take_json(rq);
        const json_t *force = json_object_get(body, "force");
        ProjectRow project = { 0 };
        DomainRow row = { 0 };
        int r;

        if (!body)
                return;
        if (force && !json_is_boolean(force))
                (void) refuse(rq, "force", "force must be true or false.");
        else if (take_domain(a, rq, argument, &project, &row)) {
                r = certificates_try_now(a->config.certificates, row.name, json_is_true(force));
                if (r != STORE_OK)
                        reply_failure(a, rq, r < 0 ? r : -ENOENT, "The domain could not be checked");
                else
                        reply_domain(a, rq, &project, row.name, 202, false);
                done(&project, &row);
        }
        json_decref(body);
}

static void put_certificate(Api *a, HttpRequest *rq, const ProjectRow *project, const DomainRow *row, const char *chain, const char *key) {
        int r = certificates_put_own(a->config.certificates, row, chain, strlen(chain), key, strlen(key));
        const char *field = r == PEM_E_KEY || r == PEM_E_MISMATCH ? "key" : "chain";

        if (r > 0)
                reply_problem(rq, 422, "invalid-certificate", "The certificate is not usable", field, pem_explain(r));
        else if (r < 0)
                reply_failure(a, rq, r, "The certificate could not be stored");
        else {
                domains_changed(a, project->id);
                reply_domain(a, rq, project, row->name, 200, false);
        }
}

void api_domain_certificate(Api *a, HttpRequest *rq, const char *argument) {
        json_t *body = take_json(rq);
        json_t *chain = json_object_get(body, "chain"), *key = json_object_get(body, "key");
        ProjectRow project = { 0 };
        DomainRow row = { 0 };

        if (!body)
                return;
        if (!json_is_string(chain) || !json_is_string(key) || json_object_size(body) != 2 ||
            strlen(json_string_value(chain)) != json_string_length(chain) || strlen(json_string_value(key)) != json_string_length(key))
                (void) refuse(rq, json_is_string(chain) ? "key" : "chain", "The body has chain and key, each a text in PEM form.");
        else if (take_domain(a, rq, argument, &project, &row)) {
                put_certificate(a, rq, &project, &row, json_string_value(chain), json_string_value(key));
                done(&project, &row);
        }
        /* libjansson frees without clearing. */
        if (json_is_string(key))
                explicit_bzero((char *) (uintptr_t) json_string_value(key), json_string_length(key));
        json_decref(body);
}
