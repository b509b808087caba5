/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the orchestrator may ask of a worker, where that is not what an administrator may ask of it (gateway.c has the whole list).
 * Everything is checked again here: a stolen orchestrator can deploy bad code into a project's sandbox, and nothing more. */
#include "api/domains.h"
#include "api/elsewhere.h"
#include "api/nudge.h"
#include "api/project_write.h"
#include "api/reply.h"
#include "api/usage.h"

#include "base/cleanup.h"
#include "deployment/describe.h"
#include "deployment/environment.h"
#include "deployment/keeper.h"
#include "deployment/project_draft.h"
#include "security/validate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- how this node is --- */

/* Two equal ones mean that nothing about the projects has changed. */
static void projects_version(const Api *a, char ret[static 96]) {
        const DeployContext *c = a->config.context;

        (void) snprintf(ret, 96, "%lld.%lld.%llu", (long long) a->started_ms, (long long) store_changes(c->store),
                        (unsigned long long) keeper_changes(c->keeper));
}

static json_t *describe_projects(const Api *a) {
        const DeployContext *c = a->config.context;
        json_t *list = json_array();
        ProjectRow *rows = NULL;
        size_t n = 0;

        if (store_project_list_on(c->store, c->server_id, &rows, &n) != STORE_OK) {
                json_decref(list);
                return NULL;
        }
        for (size_t i = 0; i < n; i++) {
                (void) json_array_append_new(list, describe_project(c, &rows[i]));
                project_row_done(&rows[i]);
        }
        free(rows);
        return list;
}

void api_internal_health(Api *a, HttpRequest *rq, const char *argument) {
        json_t *body = take_json(rq), *o;
        const char *known = json_string_value(json_object_get(body, "projects_version"));
        char version[96];

        (void) argument;
        if (!body)
                return;
        projects_version(a, version);
        o = json_pack("{s:s, s:s}", "name", a->config.identity->name, "projects_version", version);
        if (o)
                describe_own(a, o);
        if (json_is_true(json_object_get(body, "watched"))) {
                nudge_watched(a->nudge);
                if (o)
                        (void) json_object_set_new(o, "usage", describe_own_usage(a));
        }
        if (o && (!known || strcmp(known, version) != 0))
                (void) json_object_set_new(o, "projects", describe_projects(a));
        reply_json(rq, 200, o);
        json_decref(body);
}

/* --- projects --- */

/* A newer orchestrator knows settings that we do not: those are left out. */
static void drop_unknown(json_t *settings) {
        static const ProjectRow none = { 0 };
        json_t *known = json_object(), *value;
        const char *key;
        void *next;

        if (known && project_draft_describe(&none, known) == 0)
                json_object_foreach_safe(settings, next, key, value) if (!json_object_get(known, key))(void) json_object_del(settings, key);
        json_decref(known);
}

static bool take_push(HttpRequest *rq, json_t *body, const char **ret_id, json_t **ret_settings, const json_t **ret_env) {
        const char *field = NULL;

        *ret_id = json_string_value(json_object_get(body, "id"));
        *ret_settings = json_object_get(body, "settings");
        *ret_env = json_object_get(body, "env");
        if (!valid_id(*ret_id))
                field = "id";
        else if (!json_is_object(*ret_settings))
                field = "settings";
        else if (!json_is_object(*ret_env))
                field = "env";
        if (field)
                reply_problem(rq, 422, "invalid-field", "A field is not usable", field, "The body has id, settings and env.");
        else
                drop_unknown(*ret_settings);
        return !field;
}

static bool put_settings(Api *a, HttpRequest *rq, const char *id, json_t *settings, ProjectRow *row, bool *ret_is_new) {
        DraftProblem problem = { 0 };
        int r = store_project_get(a->config.context->store, id, row);

        *ret_is_new = r == STORE_E_ABSENT;
        if (r == STORE_OK)
                r = project_draft_change(settings, row, &problem);
        else if (*ret_is_new) {
                row->id = strdup(id);
                row->server_id = strdup(a->config.context->server_id);
                row->env_vars = strdup("");
                row->created_at_ms = clock_now_ms();
                row->next_release = 1;
                r = row->id && row->server_id && row->env_vars ? project_draft_new(settings, row, &problem) : -ENOMEM;
        }
        if (r == 0)
                r = project_check_idle(a, row, &problem);
        if (r > 0)
                reply_problem(rq, 422, "invalid-field", "A field is not usable", problem.field, problem.sentence);
        else if (r < 0)
                reply_failure(a, rq, r, "The project could not be taken");
        return r == 0;
}

/* Sealed anew only when something has changed: each sealing is another text, and a change that would have to be deployed. */
static bool put_env(Api *a, HttpRequest *rq, const json_t *wanted, int64_t changed_at_ms, ProjectRow *row) {
        const Sealer *sealer = a->config.context->sealer;
        json_t *now = NULL, *env = json_object();
        const char *key = "";
        char *sealed = NULL;
        int r = env ? environment_change(env, wanted, NULL, &key) : -ENOMEM;

        if (r > 0)
                reply_problem(rq, 422, "invalid-env", "An environment variable is not usable", "env", environment_explain(r));
        if (r == 0)
                r = environment_unseal(sealer, row->id, row->env_vars, &now);
        if (r == 0 && (!json_equal(now, env) || !row->env_vars[0])) {
                r = environment_seal(sealer, row->id, env, &sealed);
                if (r == 0) {
                        free(row->env_vars);
                        row->env_vars = sealed;
                        row->env_changed_at_ms = changed_at_ms;
                }
        }
        if (r < 0)
                reply_failure(a, rq, r, "The environment could not be sealed");
        json_decref(now);
        json_decref(env);
        return r == 0;
}

/* An older orchestrator sends no list: then there is the one domain of the settings. */
static int put_domains(const Api *a, const ProjectRow *row, const json_t *domains, DraftProblem *problem) {
        return domains ? domains_take_push(a, row, domains, problem) : domain_adopt(a, row, NULL);
}

/* After its domains: one that it does not have any more must not keep it from another name. */
static int update_row(const Api *a, const ProjectRow *row, DraftProblem *problem) {
        Store *store = a->config.context->store;
        ProjectRow before = { 0 };
        int r = store_project_get(store, row->id, &before);

        if (r == STORE_OK && strcmp(before.name, row->name) != 0)
                r = domain_refuse_project_name(a, row, &before, problem);
        project_row_done(&before);
        return r == STORE_OK ? store_project_update(store, row) : r;
}

static int change_row(const Api *a, const ProjectRow *row, const json_t *domains, DraftProblem *problem) {
        Store *store = a->config.context->store;
        DomainRow *before = NULL;
        size_t n = 0;
        int r = store_domain_list(store, row->id, &before, &n);

        if (r == STORE_OK)
                r = put_domains(a, row, domains, problem);
        if (r == STORE_OK) {
                r = update_row(a, row, problem);
                if (r != STORE_OK)
                        (void) store_domain_replace(store, row->id, before, n);
        }
        domain_rows_free(before, n);
        return r;
}

/* All or nothing, as far as that goes: what is refused leaves the row and its domains as they were. */
static int put_row(const Api *a, const ProjectRow *row, bool is_new, const json_t *domains, DraftProblem *problem) {
        Store *store = a->config.context->store;
        int r;

        if (!is_new)
                return change_row(a, row, domains, problem);
        r = domain_refuse_project_name(a, row, NULL, problem);
        if (r == 0)
                r = store_project_add(store, row);
        if (r != STORE_OK)
                return r;
        r = put_domains(a, row, domains, problem);
        if (r != STORE_OK)
                (void) store_project_delete(store, row->id);
        return r;
}

void api_internal_project_put(Api *a, HttpRequest *rq, const char *argument) {
        const DeployContext *c = a->config.context;
        json_t *body = take_json(rq), *settings = NULL;
        const json_t *env = NULL;
        const char *id = NULL;
        ProjectRow row = { 0 };
        DraftProblem problem = { 0 };
        bool is_new;
        int r;

        (void) argument;
        if (!body)
                return;
        if (take_push(rq, body, &id, &settings, &env) && put_settings(a, rq, id, settings, &row, &is_new) &&
            put_env(a, rq, env, is_new ? 0 : clock_now_ms(), &row)) {
                r = put_row(a, &row, is_new, json_object_get(body, "domains"), &problem);
                if (problem.field)
                        reply_problem(rq, 409, "domain-taken", "A domain is not usable", problem.field, problem.sentence);
                else if (r == STORE_E_TAKEN)
                        reply_problem(rq, 409, "name-taken", "The name is taken", "name",
                                      "The server has another project of that name, which the orchestrator does not know.");
                else if (r != STORE_OK)
                        reply_failure(a, rq, r < 0 ? r : -EIO, "The project could not be stored");
                else {
                        keeper_look(c->keeper, row.id);
                        domains_changed(a, row.id);
                        reply_json(rq, is_new ? 201 : 200, describe_project(c, &row));
                }
        }
        project_row_done(&row);
        json_decref(body);
}

void api_internal_deploy(Api *a, HttpRequest *rq, const char *argument) {
        json_t *body = take_json(rq);
        const char *project = json_string_value(json_object_get(body, "project"));
        char id[13];

        (void) argument;
        if (!body)
                return;
        if (!valid_id(project))
                reply_problem(rq, 422, "invalid-field", "A field is not usable", "project", "project must be the id of a project.");
        else {
                (void) snprintf(id, sizeof id, "%s", project);
                api_deployment_create(a, rq, id);
        }
        json_decref(body);
}

/* --- this node's place in the cluster --- */

void api_internal_key(Api *a, HttpRequest *rq, const char *argument) {
        Identity *i = a->config.identity;
        json_t *body = take_json(rq);
        const char *hex = json_string_value(json_object_get(body, "secret_key"));
        int r;

        (void) argument;
        if (!body)
                return;
        if (!hex || !secret_from_hex(hex, i->next))
                reply_problem(rq, 422, "invalid-field", "A field is not usable", "secret_key", "secret_key must be 64 hexadecimal digits.");
        else {
                i->has_next = true;
                r = identity_write(a->config.identity_path, a->config.context->sealer, i);
                if (r < 0) {
                        i->has_next = false;
                        secret_zero(i->next, sizeof i->next);
                        reply_failure(a, rq, r, "The key could not be stored");
                } else
                        reply_json(rq, 200, json_object());
        }
        json_decref(body);
}

static int leave(Api *a) {
        Identity *i = a->config.identity;

        if (i->removed_at_ms)
                return 0;
        i->removed_at_ms = clock_now_ms();
        (void) fprintf(stderr, "<5>This server has been removed from the cluster. Its projects go on as they are. To join again: "
                               "scripts/install.sh --join\n");
        return identity_write(a->config.identity_path, a->config.context->sealer, i);
}

void api_internal_leave(Api *a, HttpRequest *rq, const char *argument) {
        int r = leave(a);

        (void) argument;
        if (r < 0)
                reply_failure(a, rq, r, "That this server was removed could not be stored");
        else
                reply_json(rq, 200, json_object());
}

static void told_removed(void *owner) {
        Api *a = owner;
        int r = leave(a);

        if (r < 0)
                (void) fprintf(stderr, "<3>%s: %s\n", a->config.identity_path, strerror(-r));
}

int elsewhere_begin_worker(Api *a, Loop *l) {
        static const HelloOps ops = { .removed = told_removed };
        int r;

        if (a->config.identity->removed_at_ms)
                return 0;
        r = hello_new(l, a->config.identity, a->config.address, &ops, a, &a->hello);
        return r < 0 ? r : nudge_new(a, l, &a->nudge);
}
