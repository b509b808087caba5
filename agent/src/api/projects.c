/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "api/domains.h"
#include "api/elsewhere.h"
#include "api/move.h"
#include "api/project_write.h"
#include "api/reply.h"
#include "api/statistics.h"

#include "base/cleanup.h"
#include "deployment/describe.h"
#include "deployment/environment.h"
#include "deployment/keeper.h"
#include "deployment/project_draft.h"
#include "security/random.h"
#include "security/validate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void api_project_list(Api *a, HttpRequest *rq, const char *argument) {
        const DeployContext *c = a->config.context;
        const char *after = http_request_query(rq, "after");
        ProjectRow *rows = NULL;
        size_t n = 0;
        long limit;
        json_t *list, *next = json_null();
        int r;

        (void) argument;
        if (!take_number(rq, "limit", 1, 500, 100, &limit))
                return;
        r = store_project_list(c->store, after, (size_t) limit + 1, &rows, &n);
        if (r < 0) {
                reply_failure(a, rq, r, "The projects could not be listed");
                return;
        }
        list = json_array();
        for (size_t i = 0; i < n; i++) {
                if (i < (size_t) limit)
                        (void) json_array_append_new(list, describe_any(a, &rows[i]));
                else
                        next = json_string(rows[i - 1].name);
                if (i > 0)
                        project_row_done(&rows[i - 1]);
        }
        if (n > 0)
                project_row_done(&rows[n - 1]);
        free(rows);
        reply_json(rq, 200, json_pack("{s:o, s:o}", "projects", list, "next", next));
}

static void reply_draft_problem(HttpRequest *rq, int code, const DraftProblem *problem) {
        if (code == DOMAIN_E_TAKEN)
                reply_problem(rq, 409, "domain-taken", "The domain is taken", problem->field, problem->sentence);
        else
                reply_problem(rq, 422, "invalid-field", "A field is not usable", problem->field, problem->sentence);
}

static void reply_env_problem(HttpRequest *rq, int code, const char *key) {
        char field[160];

        (void) snprintf(field, sizeof field, "env.%.128s", valid_env_key(key) ? key : "");
        reply_problem(rq, 422, "invalid-env", "An environment variable is not usable", field, environment_explain(code));
}

/* Seals the draft's env into the row. Answers itself and returns false on a problem. */
static bool take_env(Api *a, HttpRequest *rq, const json_t *draft, ProjectRow *row) {
        const json_t *set = json_object_get(draft, "env");
        json_t *env = json_object();
        const char *key = "";
        int r;

        if (set && !json_is_object(set)) {
                json_decref(env);
                reply_problem(rq, 422, "invalid-field", "A field is not usable", "env", "env must be an object of names and texts.");
                return false;
        }
        r = env ? environment_change(env, set, NULL, &key) : -ENOMEM;
        if (r > 0)
                reply_env_problem(rq, r, key);
        else {
                if (r == 0)
                        r = environment_seal(a->config.context->sealer, row->id, env, &row->env_vars);
                if (r < 0)
                        reply_failure(a, rq, r, "The environment could not be sealed");
        }
        json_decref(env);
        return r == 0;
}

int project_check_idle(const Api *a, const ProjectRow *row, DraftProblem *ret_problem) {
        unsigned shortest = a->config.context->shortest_idle_seconds;

        if (row->idle_seconds == 0 || row->idle_seconds >= shortest)
                return 0;
        ret_problem->field = "idle_seconds";
        (void) snprintf(ret_problem->sentence, sizeof ret_problem->sentence,
                        "idle_seconds must be at least %u, or 0 for an app that never sleeps.", shortest);
        return 1;
}

/* The server that the draft names (and no longer has), or this one. Answers itself and returns false on a problem. */
static bool take_draft_server(Api *a, HttpRequest *rq, json_t *draft, ProjectRow *row) {
        const json_t *named = json_object_get(draft, "server");
        ServerRow server = { 0 };

        if (!named) {
                row->server_id = strdup(a->config.context->server_id);
                return true;
        }
        if (!json_is_string(named)) {
                reply_problem(rq, 422, "invalid-field", "A field is not usable", "server", "server must be the name or id of a server.");
                return false;
        }
        if (!take_server(a, rq, json_string_value(named), &server))
                return false;
        if (server.draining) {
                server_row_done(&server);
                reply_problem(rq, 409, "server-draining", "The server takes no projects", "server",
                              "That server is being drained. Choose another one, or end that first: nanoscale servers undrain.");
                return false;
        }
        row->server_id = strdup(server.id);
        server_row_done(&server);
        (void) json_object_del(draft, "server");
        if (row->server_id && is_elsewhere(a, row) && !nodes_is_online(a->nodes, row->server_id)) {
                reply_node_problem(a, rq, row->server_id, NODES_E_OFFLINE);
                return false;
        }
        return true;
}

/* The one that the URL shows may be a new one: it is added then. */
static int check_domain(const Api *a, const ProjectRow *row, DraftProblem *ret_problem) {
        int r = row->domain ? domain_refuse(a, row, row->domain, ret_problem) : 0;

        if (r > 0)
                ret_problem->field = "domain";
        return r;
}

static bool is_renamed(const ProjectRow *row, const ProjectRow *before) {
        return strcmp(row->name, before->name) != 0;
}

static int refuse_reserved(const ProjectRow *row, DraftProblem *ret_problem) {
        if (strcmp(row->name, "new") != 0)
                return 0;
        ret_problem->field = "name";
        (void) snprintf(ret_problem->sentence, sizeof ret_problem->sentence,
                        "/projects/new is the dashboard's page for new projects. Choose another name.");
        return 1;
}

/* before NULL: it is new. What depends on the project's server is checked by that. */
static int check_settings(const Api *a, const ProjectRow *row, const ProjectRow *before, DraftProblem *ret_problem) {
        bool has_new_name = !before || is_renamed(row, before);
        int r = has_new_name ? refuse_reserved(row, ret_problem) : 0;

        if (r != 0 || is_elsewhere(a, row))
                return r;
        if (has_new_name)
                r = domain_refuse_project_name(a, row, before, ret_problem);
        return r == 0 ? project_check_idle(a, row, ret_problem) : r;
}

static bool fill_row(Api *a, HttpRequest *rq, json_t *draft, ProjectRow *row) {
        DraftProblem problem = { 0 };
        char id[13];
        int r;

        if (!take_draft_server(a, rq, draft, row))
                return false;
        random_id(id);
        row->id = strdup(id);
        row->created_at_ms = clock_now_ms();
        row->next_release = 1;
        if (!row->id || !row->server_id) {
                reply_failure(a, rq, -ENOMEM, "The project could not be made");
                return false;
        }
        r = project_draft_new(draft, row, &problem);
        if (r == 0)
                r = check_domain(a, row, &problem);
        if (r == 0)
                r = check_settings(a, row, NULL, &problem);
        if (r > 0)
                reply_draft_problem(rq, r, &problem);
        else if (r < 0)
                reply_failure(a, rq, r, "The project could not be made");
        return r == 0 && take_env(a, rq, draft, row);
}

/* On a worker, what the orchestrator decides is not decided behind its back: it would undo it. */
bool project_may_write(const Api *a, HttpRequest *rq) {
        if (!a->config.identity || a->config.identity->removed_at_ms)
                return true;
        reply_problem(rq, 409, "not-the-orchestrator", "This server is a worker", NULL,
                      "The projects of this server are managed on its orchestrator. Run the command there.");
        return false;
}

static void reply_unstored(const Api *a, HttpRequest *rq, const ProjectRow *row, int code) {
        char detail[256];

        if (code == STORE_E_TAKEN) {
                (void) snprintf(detail, sizeof detail, "A project with the name %s exists. Choose another name.", row->name);
                reply_problem(rq, 409, "name-taken", "The name is taken", "name", detail);
        } else
                reply_failure(a, rq, code < 0 ? code : -EINVAL, "The project could not be stored");
}

void api_project_create(Api *a, HttpRequest *rq, const char *argument) {
        ProjectRow row = { 0 };
        json_t *draft = take_json(rq);
        int r;

        (void) argument;
        if (!draft)
                return;
        if (project_may_write(a, rq) && fill_row(a, rq, draft, &row)) {
                r = store_project_add(a->config.context->store, &row);
                if (r != STORE_OK)
                        reply_unstored(a, rq, &row, r);
                else if ((r = domain_adopt(a, &row, NULL)) != STORE_OK)
                        reply_failure(a, rq, r < 0 ? r : -EIO, "The project's domain could not be stored");
                else if (is_elsewhere(a, &row))
                        push_then_answer(a, rq, &row, &(PushOptions){ .status = 201 });
                else {
                        domains_changed(a, row.id);
                        reply_json(rq, 201, describe_project(a->config.context, &row));
                }
        }
        json_decref(draft);
        project_row_done(&row);
}

void api_project_show(Api *a, HttpRequest *rq, const char *argument) {
        ProjectRow row = { 0 };
        json_t *shown;

        if (!take_project(a, rq, argument, &row))
                return;
        shown = describe_any(a, &row);
        (void) json_object_set_new(shown, "statistics", describe_project_now(a->config.statistics, row.id));
        reply_json(rq, 200, shown);
        project_row_done(&row);
}

/* Stores the changed row; before is what it was. */
static void store_change(Api *a, HttpRequest *rq, const ProjectRow *row, ProjectRow *before) {
        int r = store_project_update(a->config.context->store, row);
        bool added = false;

        if (r == 0)
                r = domain_adopt(a, row, &added);
        if (r != 0)
                reply_unstored(a, rq, row, r);
        else if (is_elsewhere(a, row))
                push_then_answer(a, rq, row,
                                 &(PushOptions){ .undo = before,
                                                 .added = added ? row->domain : NULL,
                                                 .status = 200,
                                                 .or_not_at_all = is_renamed(row, before) });
        else {
                keeper_look(a->config.context->keeper, row->id);
                domains_changed(a, row->id);
                reply_json(rq, 200, describe_project(a->config.context, row));
        }
}

void api_project_change(Api *a, HttpRequest *rq, const char *argument) {
        ProjectRow row = { 0 }, before = { 0 };
        DraftProblem problem = { 0 };
        json_t *draft = take_json(rq);
        int r;

        if (!draft)
                return;
        if (json_object_get(draft, "server"))
                reply_problem(rq, 422, "invalid-field", "A field is not usable", "server",
                              "A project stays on the server on which it was created.");
        else if (project_may_write(a, rq) && take_project(a, rq, argument, &row)) {
                r = store_project_get(a->config.context->store, row.id, &before);
                if (r == STORE_OK)
                        r = project_draft_change(draft, &row, &problem);
                if (r == 0)
                        r = check_domain(a, &row, &problem);
                if (r == 0)
                        r = check_settings(a, &row, &before, &problem);
                if (r > 0)
                        reply_draft_problem(rq, r, &problem);
                else if (r < 0)
                        reply_failure(a, rq, r, "The project could not be changed");
                else if (!is_renamed(&row, &before) || !mover_refuses(a, rq, row.id, false)) /* its old place has the old name */
                        store_change(a, rq, &row, &before);
                project_row_done(&row);
                project_row_done(&before);
        }
        json_decref(draft);
}

/* --- removal --- */

typedef struct {
        Api *api;
        HttpRequest *rq;
        Removal *removal;
        char project[13];
} Delete;

static void delete_client_gone(void *owner) {
        Delete *d = owner;

        removal_forget(d->removal);
        free(d);
}

static void delete_done(void *owner, const char *sentence) {
        Delete *d = owner;

        if (!sentence) {
                statistics_forget(d->api->config.statistics, d->project);
                certificates_look(d->api->config.certificates); /* to clear away those of its domains */
                http_reply(d->rq, 204, NULL, NULL, 0, NULL);
        } else
                reply_problem(d->rq, 500, "removal-failed", "The project could not be removed", NULL, sentence);
        free(d);
}

void api_project_delete(Api *a, HttpRequest *rq, const char *argument) {
        ProjectRow row = { 0 };
        Delete *d;
        int r;

        if (!take_project(a, rq, argument, &row))
                return;
        d = calloc(1, sizeof *d);
        if (d) {
                d->api = a;
                (void) snprintf(d->project, sizeof d->project, "%s", row.id);
        }
        r = d ? deployer_remove_project(a->config.deployer, row.id, delete_done, d, &d->removal) : -ENOMEM;
        project_row_done(&row);
        if (r == DEPLOYER_OK) {
                d->rq = rq;
                http_request_on_gone(rq, delete_client_gone, d);
                return;
        }
        free(d);
        if (r == DEPLOYER_E_RUNNING)
                reply_problem(rq, 409, "being-removed", "The project is being removed already", NULL, "Wait until it is gone.");
        else
                reply_failure(a, rq, r, "The removal could not begin");
}

/* --- environment --- */

/* Characters, not bytes, so that a mask says what a person would count. */
static size_t count_characters(const char *s) {
        size_t n = 0;
        for (; *s; s++)
                n += ((unsigned char) *s & 0xc0) != 0x80;
        return n;
}

/* The newest deployment, rollback or restart that went live has taken the variables as they were when it began. */
static bool env_changed_since_deploy(const DeployContext *c, const ProjectRow *row) {
        DeploymentRow *rows = NULL;
        size_t n = 0;
        bool found = false, changed = false;

        if (!row->live_release || store_deployment_list(c->store, row->id, 0, 50, &rows, &n) != STORE_OK)
                return false;
        for (size_t i = 0; i < n; i++) {
                if (!found && strcmp(rows[i].state, "live") == 0) {
                        found = true;
                        changed = row->env_changed_at_ms > rows[i].started_at_ms;
                }
                deployment_row_done(&rows[i]);
        }
        free(rows);
        return changed;
}

static void reply_env(Api *a, HttpRequest *rq, const ProjectRow *row, const json_t *env) {
        json_t *list = json_array(), *value;
        const char *key;

        json_object_foreach((json_t *) (uintptr_t) env, key, value)(void)
                        json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "key", key, "masked", "••••••••", "length",
                                                              (json_int_t) count_characters(json_string_value(value))));
        reply_json(rq, 200,
                   json_pack("{s:o, s:b}", "env", list, "changed_since_deploy", (int) env_changed_since_deploy(a->config.context, row)));
}

/* The project and its open environment. Answers itself and returns false on a problem. */
static bool take_project_env(Api *a, HttpRequest *rq, const char *argument, ProjectRow *row, json_t **ret_env) {
        int r;

        if (!take_project(a, rq, argument, row))
                return false;
        r = environment_unseal(a->config.context->sealer, row->id, row->env_vars, ret_env);
        if (r == 0)
                return true;
        project_row_done(row);
        if (r == -EBADMSG)
                reply_problem(rq, 500, "env-unreadable", "The environment cannot be read", NULL,
                              "The stored text or the sealing key has been changed. Restore /opt/nanoscale/data from a backup.");
        else
                reply_failure(a, rq, r, "The environment could not be read");
        return false;
}

void api_env_show(Api *a, HttpRequest *rq, const char *argument) {
        ProjectRow row = { 0 };
        json_t *env = NULL;

        if (!take_project_env(a, rq, argument, &row, &env))
                return;
        reply_env(a, rq, &row, env);
        json_decref(env);
        project_row_done(&row);
}

/* {"set":{},"unset":[]} and nothing else. */
static bool env_change_is_well_formed(HttpRequest *rq, const json_t *change) {
        const json_t *set = json_object_get(change, "set"), *unset = json_object_get(change, "unset");
        size_t known = (set ? 1u : 0u) + (unset ? 1u : 0u);

        if ((!set || json_is_object(set)) && (!unset || json_is_array(unset)) && json_object_size(change) == known && known > 0)
                return true;
        reply_problem(rq, 422, "invalid-field", "The change is not usable", set && !json_is_object(set) ? "set" : "unset",
                      "The body has set, an object of names and texts, or unset, an array of names, or both.");
        return false;
}

void api_env_change(Api *a, HttpRequest *rq, const char *argument) {
        const DeployContext *c = a->config.context;
        json_t *change = take_json(rq), *env = NULL;
        ProjectRow row = { 0 }, before = { 0 };
        const char *key = "";
        char *sealed = NULL;
        int r;

        if (!change)
                return;
        if (!env_change_is_well_formed(rq, change) || !project_may_write(a, rq) || !take_project_env(a, rq, argument, &row, &env)) {
                json_decref(change);
                return;
        }
        (void) store_project_get(c->store, row.id, &before);
        r = environment_change(env, json_object_get(change, "set"), json_object_get(change, "unset"), &key);
        if (r > 0)
                reply_env_problem(rq, r, key);
        else {
                if (r == 0)
                        r = environment_seal(c->sealer, row.id, env, &sealed);
                if (r == 0) {
                        free(row.env_vars);
                        row.env_vars = sealed;
                        row.env_changed_at_ms = clock_now_ms();
                        r = store_project_update(c->store, &row);
                }
                if (r != 0)
                        reply_failure(a, rq, r < 0 ? r : -EINVAL, "The environment could not be stored");
                else if (is_elsewhere(a, &row)) {
                        char then[64];
                        (void) snprintf(then, sizeof then, "/internal/projects/%s/env", row.id);
                        push_then_answer(a, rq, &row, &(PushOptions){ .undo = &before, .then = then, .status = 200 });
                } else
                        reply_env(a, rq, &row, env);
        }
        json_decref(change);
        json_decref(env);
        project_row_done(&row);
        project_row_done(&before);
}
