/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "deployment/describe.h"

#include "base/cleanup.h"
#include "deployment/environment.h"
#include "deployment/keeper.h"
#include "deployment/project_draft.h"
#include "deployment/site.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LAST_LINES = 20, LAST_BYTES = 256 * 1024 };

json_t *describe_time(int64_t ms) {
        char text[64];
        time_t seconds = (time_t) (ms / 1000);
        struct tm tm;
        size_t n;

        if (ms == 0 || !gmtime_r(&seconds, &tm))
                return json_null();
        n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
        (void) snprintf(text + n, sizeof text - n, ".%03dZ", (int) (ms % 1000));
        return json_string(text);
}

static json_t *describe_duration(int64_t from_ms, int64_t to_ms) {
        return from_ms && to_ms ? json_integer(to_ms - from_ms) : json_null();
}

/* An empty or absent text is null. */
static json_t *describe_text(const char *s) {
        return s && *s ? json_string(s) : json_null();
}

json_t *describe_step(const StepRow *row) {
        return json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", row->name, "result", row->result, "started_at",
                         describe_time(row->started_at_ms), "finished_at", describe_time(row->finished_at_ms), "duration_ms",
                         describe_duration(row->started_at_ms, row->finished_at_ms));
}

typedef struct {
        const char *step;
        json_t *lines;
} LastLines;

static void keep_last(void *owner, const char *type, const char *json) {
        LastLines *last = owner;
        json_t *event, *line;
        const char *step;

        if (strcmp(type, "log") != 0)
                return;
        event = json_loads(json, 0, NULL);
        step = json_string_value(json_object_get(event, "step"));
        line = json_object_get(event, "line");
        if (step && line && strcmp(step, last->step) == 0) {
                (void) json_array_append(last->lines, line);
                if (json_array_size(last->lines) > LAST_LINES)
                        (void) json_array_remove(last->lines, 0);
        }
        json_decref(event);
}

static json_t *describe_failure(const DeployContext *c, const DeploymentRow *row, bool details) {
        LastLines last = { .step = row->failed_step ? row->failed_step : "" };

        if (!row->failure)
                return json_null();
        last.lines = json_array();
        if (details)
                (void) event_log_read(c->logs, row->id, LAST_BYTES, keep_last, &last);
        return json_pack("{s:o, s:s, s:o, s:o}", "step", describe_text(row->failed_step), "sentence", row->failure, "exit_code",
                         row->exit_code >= 0 ? json_integer(row->exit_code) : json_null(), "last_lines", last.lines);
}

static json_t *describe_steps(const DeployContext *c, const char *deployment) {
        StepRow *rows = NULL;
        size_t n = 0;
        json_t *list = json_array();

        if (store_step_list(c->store, deployment, &rows, &n) == 0)
                for (size_t i = 0; i < n; i++) {
                        (void) json_array_append_new(list, describe_step(&rows[i]));
                        step_row_done(&rows[i]);
                }
        free(rows);
        return list;
}

void project_host(const DeployContext *c, const ProjectRow *row, char *ret, size_t size) {
        (void) snprintf(ret, size, "%s.%s", row->name, c->base_domain);
}

static json_t *describe_url(const DeployContext *c, const ProjectRow *row) {
        DomainRow domain = { 0 };
        const char *name = row->domain;
        char host[512];
        bool is_secure;
        int r;

        project_host(c, row, host, sizeof host);
        if (!name)
                name = host;
        r = store_domain_get(c->store, name, &domain);
        is_secure = r == STORE_OK ? domain.issued_at_ms > 0 : strcmp(name, host) == 0 && site_has_wildcard(c);
        domain_row_done(&domain);
        return json_sprintf("http%s://%s", is_secure ? "s" : "", name);
}

json_t *describe_domain(const DomainRow *row, bool is_primary) {
        json_t *problem = row->problem ? json_pack("{s:s, s:s}", "type", row->problem_word ? row->problem_word : "other", "sentence",
                                                   row->problem)
                                       : json_null();

        return json_pack("{s:s, s:b, s:s?, s:b, s:s, s:s, s:o, s:o, s:o, s:b, s:o, s:o}", "name", row->name, "primary", (int) is_primary,
                         "redirect_to", row->redirect_to, "hsts", (int) row->hsts, "source", row->source, "state", row->state, "problem",
                         problem, "not_after", describe_time(row->not_after_ms), "issued_at", describe_time(row->issued_at_ms), "ends_soon",
                         (int) domain_ends_soon(row, clock_now_ms()), "next_try", describe_time(row->next_try_ms), "created_at",
                         describe_time(row->created_at_ms));
}

static json_t *describe_domains(const DeployContext *c, const ProjectRow *project) {
        json_t *list = json_array();
        DomainRow *rows = NULL;
        size_t n = 0;

        if (store_domain_list(c->store, project->id, &rows, &n) == STORE_OK)
                for (size_t i = 0; i < n; i++)
                        (void) json_array_append_new(
                                        list, describe_domain(&rows[i], project->domain && strcmp(project->domain, rows[i].name) == 0));
        domain_rows_free(rows, n);
        return list;
}

json_t *describe_deployment(const DeployContext *c, const ProjectRow *project, const DeploymentRow *row, bool details) {
        json_t *o = json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "id", row->id, "project", project->name,
                              "project_id", row->project_id, "number", (json_int_t) row->number, "state", row->state, "source", row->source,
                              "branch", row->branch, "commit", describe_text(row->commit), "author", describe_text(row->author), "subject",
                              describe_text(row->subject), "release", row->release ? json_integer(row->release) : json_null());
        if (!o)
                return NULL;
        (void) json_object_set_new(o, "kind", json_string(row->kind));
        (void) json_object_set_new(o, "receipt", row->receipt ? json_loads(row->receipt, 0, NULL) : json_null());
        (void) json_object_set_new(o, "failure", describe_failure(c, row, details));
        (void) json_object_set_new(o, "created_at", describe_time(row->created_at_ms));
        (void) json_object_set_new(o, "started_at", describe_time(row->started_at_ms));
        (void) json_object_set_new(o, "finished_at", describe_time(row->finished_at_ms));
        (void) json_object_set_new(o, "duration_ms", describe_duration(row->started_at_ms, row->finished_at_ms));
        (void) json_object_set_new(o, "url", strcmp(row->state, "live") == 0 ? describe_url(c, project) : json_null());
        if (details)
                (void) json_object_set_new(o, "steps", describe_steps(c, row->id));
        return o;
}

const char *describe_status(const DeployContext *c, const ProjectRow *row, const DeploymentRow *latest) {
        static const char *const words[] = {
                [LIFE_NONE] = "live",       [LIFE_AWAKE] = "live",      [LIFE_DOZING] = "sleeping", [LIFE_ARMED] = "sleeping",
                [LIFE_ASLEEP] = "sleeping", [LIFE_CRASHED] = "crashed", [LIFE_STATIC] = "live",
        };

        if (latest && latest->finished_at_ms == 0)
                return "deploying";
        if (row->live_release)
                return words[keeper_kind(c->keeper, row->id)];
        return latest ? "failed" : "new";
}

static void describe_live(const DeployContext *c, const ProjectRow *row, json_t *o) {
        ReleaseRow release = { 0 };
        bool is_there = row->live_release && store_release_get(c->store, row->id, row->live_release, &release) == STORE_OK;

        (void) json_object_set_new(o, "live_release", row->live_release ? json_integer(row->live_release) : json_null());
        (void) json_object_set_new(o, "live_commit", is_there ? describe_text(release.commit) : json_null());
        (void) json_object_set_new(o, "live_kind", is_there ? json_string(release.kind) : json_null());
        release_row_done(&release);
}

static json_t *describe_server_name(const DeployContext *c, const ProjectRow *row) {
        ServerRow server = { 0 };
        json_t *name;

        if (store_server_get(c->store, row->server_id, &server) != STORE_OK)
                return json_null();
        name = json_string(server.name);
        server_row_done(&server);
        return name;
}

static json_t *describe_env_count(const DeployContext *c, const ProjectRow *row) {
        json_t *env = NULL, *count;

        if (environment_unseal(c->sealer, row->id, row->env_vars, &env) < 0)
                return json_null();
        count = json_integer((json_int_t) json_object_size(env));
        json_decref(env);
        return count;
}

json_t *describe_project(const DeployContext *c, const ProjectRow *row) {
        json_t *o = json_object();
        DeploymentRow *latest = NULL;
        size_t n = 0;
        char host[512];

        if (!o || project_draft_describe(row, o) < 0) {
                json_decref(o);
                return NULL;
        }
        (void) store_deployment_list(c->store, row->id, 0, 1, &latest, &n);
        project_host(c, row, host, sizeof host);
        (void) json_object_set_new(o, "id", json_string(row->id));
        (void) json_object_set_new(o, "server", describe_server_name(c, row));
        (void) json_object_set_new(o, "host", json_string(host));
        (void) json_object_set_new(o, "url", describe_url(c, row));
        (void) json_object_set_new(o, "domains", describe_domains(c, row));
        (void) json_object_set_new(o, "site_problem", describe_text(sites_problem(c->sites, row->id)));
        (void) json_object_set_new(o, "status", json_string(describe_status(c, row, n ? &latest[0] : NULL)));
        describe_live(c, row, o);
        (void) json_object_set_new(o, "env_count", describe_env_count(c, row));
        (void) json_object_set_new(o, "latest_deployment", n ? describe_deployment(c, row, &latest[0], false) : json_null());
        (void) json_object_set_new(o, "created_at", describe_time(row->created_at_ms));
        keeper_describe(c->keeper, row, o);
        for (size_t i = 0; i < n; i++)
                deployment_row_done(&latest[i]);
        free(latest);
        return o;
}

json_t *describe_release(const DeployContext *c, const ProjectRow *project, const ReleaseRow *row) {
        DeploymentRow made = { 0 };
        json_t *o;

        (void) store_deployment_get(c->store, row->deployment_id, &made);
        o = json_pack("{s:I, s:o, s:o, s:s, s:o, s:b}", "number", (json_int_t) row->number, "commit", describe_text(row->commit), "subject",
                      describe_text(made.subject), "kind", row->kind, "created_at", describe_time(row->created_at_ms), "live",
                      (int) (row->number == project->live_release));
        deployment_row_done(&made);
        return o;
}

json_t *describe_wake(const WakeRow *row) {
        return json_pack("{s:o, s:s, s:I}", "at", describe_time(row->at_ms), "kind", row->kind, "duration_ms",
                         (json_int_t) row->duration_ms);
}

json_t *describe_server(const ServerRow *row) {
        return json_pack("{s:s, s:s, s:s, s:I, s:s, s:s?, s:s, s:b, s:o, s:o, s:o}", "id", row->id, "name", row->name, "ip_address",
                         row->ip_address, "port", (json_int_t) row->port, "status", row->status, "reason", row->reason, "version",
                         row->version, "draining", (int) row->draining, "changed_at", describe_time(row->changed_at_ms), "seen_at",
                         describe_time(row->seen_at_ms), "created_at", describe_time(row->created_at_ms));
}
