/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "api/audit.h"

#include "api/actor.h"
#include "api/elsewhere.h"

#include "base/cleanup.h"
#include "deployment/project_draft.h"
#include "security/validate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { ADDRESSES_A_MINUTE = 30 }; /* of which refusals are told apart */

/* What the first {} of a path names, or the body of a request that makes something. */
typedef enum {
        NOTHING,
        PROJECT,     /* and its second {} a domain of it */
        NEW_PROJECT, /* in the body */
        DEPLOYMENT,
        SERVER,
        MADE_ID, /* of a token or a session: written down when there was one */
} About;

typedef struct {
        const char *method, *path, *action;
        About about;
        bool lists_fields; /* of its body */
} Action;

static const Action actions[] = {
        { "POST", "/api/projects", "project.create", NEW_PROJECT, true },
        { "PATCH", "/api/projects/{}", "project.change", PROJECT, true },
        { "DELETE", "/api/projects/{}", "project.delete", PROJECT },
        { "POST", "/api/projects/{}/move", "project.move", PROJECT },
        { "POST", "/api/projects/{}/deployments", "project.deploy", PROJECT },
        { "POST", "/api/projects/{}/rollback", "project.rollback", PROJECT },
        { "POST", "/api/projects/{}/restart", "project.restart", PROJECT },
        { "POST", "/api/projects/{}/sleep", "project.sleep", PROJECT },
        { "POST", "/api/projects/{}/wake", "project.wake", PROJECT },
        { "PATCH", "/api/projects/{}/env", "project.env", PROJECT },
        { "POST", "/api/projects/{}/domains", "domain.add", PROJECT },
        { "PATCH", "/api/projects/{}/domains/{}", "domain.change", PROJECT, true },
        { "DELETE", "/api/projects/{}/domains/{}", "domain.delete", PROJECT },
        { "POST", "/api/projects/{}/domains/{}/check", "domain.check", PROJECT },
        { "PUT", "/api/projects/{}/domains/{}/certificate", "domain.certificate", PROJECT },
        { "POST", "/api/deployments/{}/cancel", "deployment.cancel", DEPLOYMENT },
        { "DELETE", "/api/servers/{}", "server.remove", SERVER },
        { "POST", "/api/servers/{}/drain", "server.drain", SERVER },
        { "POST", "/api/servers/{}/undrain", "server.undrain", SERVER },
        { "POST", "/api/servers/{}/rotate-key", "server.rotate-key", SERVER },
        { "POST", "/api/cluster/generate-token", "cluster.generate-token", NOTHING },
        { "POST", "/api/cluster/join", "cluster.join", NOTHING },
        { "POST", "/api/metrics/token", "metrics.token", NOTHING },
        { "DELETE", "/api/metrics/token", "metrics.no-token", NOTHING },
        { "PATCH", "/api/settings", "settings.change", NOTHING, true },
        { "POST", "/api/auth/claim", "auth.claim", NOTHING },
        { "POST", "/api/auth/setup", "auth.setup", NOTHING },
        { "POST", "/api/auth/login", "auth.login", NOTHING },
        { "POST", "/api/auth/logout", "auth.logout", NOTHING },
        { "POST", "/api/me/password", "account.password", NOTHING },
        { "DELETE", "/api/me/sessions/{}", "account.end-session", MADE_ID },
        { "POST", "/api/me/second-factor", "account.second-factor", NOTHING },
        { "POST", "/api/me/second-factor/confirm", "account.confirm-second-factor", NOTHING },
        { "POST", "/api/me/second-factor/remove", "account.remove-second-factor", NOTHING },
        { "POST", "/api/tokens", "token.create", NOTHING },
        { "DELETE", "/api/tokens/{}", "token.revoke", MADE_ID },
        /* A move of a project to or from this server: the agent asks itself. */
        { "POST", "/internal/projects", "project.take-over", NOTHING },
        { "POST", "/internal/deploy", "project.deploy", NOTHING },
};

/* Names of fields that are written down. Whoever sends a secret as the name of a field sees it nowhere again. */
static const char *const more_fields[] = { "server", "env", "redirect_to", "hsts", "primary", "source", "site_name", "logo" };

typedef struct {
        Api *a;
        const Action *action;
        char *actor_kind, *actor_name, *address;
        char *project, *target, *detail;
        char *argument; /* what the path named */
        char *typed;    /* by who signs in, as a name; perhaps a secret */
        json_t *body;   /* of what makes something, until it is answered */
} Record;

static const Action *find_action(const char *method, const char *path) {
        char own[128];

        for (size_t i = 0; i < ELEMENTS(actions); i++)
                if (strcmp(actions[i].method, method) == 0 && strcmp(actions[i].path, path) == 0)
                        return &actions[i];
        if (strncmp(path, "/internal/", 10) != 0 || snprintf(own, sizeof own, "/api/%s", path + 10) >= (int) sizeof own)
                return NULL;
        for (size_t i = 0; i < ELEMENTS(actions); i++)
                if (strcmp(actions[i].method, method) == 0 && strcmp(actions[i].path, own) == 0)
                        return &actions[i];
        return NULL;
}

const char *audit_action(const char *method, const char *path) {
        const Action *action = find_action(method, path);

        return action ? action->action : NULL;
}

static char *copy(const char *text) {
        return text ? strdup(text) : NULL;
}

static void record_free(Record *r) {
        free(r->actor_kind);
        free(r->actor_name);
        free(r->address);
        free(r->project);
        free(r->target);
        free(r->detail);
        free(r->argument);
        if (r->typed)
                secret_zero(r->typed, strlen(r->typed));
        free(r->typed);
        json_decref(r->body);
        free(r);
}

/* --- who --- */

static char *user_name(const Api *a, const char *typed) {
        UserRow row = { 0 };
        char *name = NULL;

        if (typed && store_user_get_by_name(a->config.context->store, typed, &row) == STORE_OK)
                name = handover(row.name);
        user_row_done(&row);
        return name;
}

/* Who signs in is not known yet: the name that was typed counts if there is such a user, since it may also be a password in the wrong
 * field. The first user there is only afterwards. */
static void who_signs_in(Record *r, const HttpRequest *rq) {
        size_t length;
        const char *text = http_request_body(rq, &length);
        json_t *body = length ? json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL) : NULL;

        r->typed = copy(json_string_value(json_object_get(body, "user")));
        r->actor_name = user_name(r->a, r->typed);
        if (!r->actor_name)
                r->actor_name = strdup("unknown");
        json_decref(body);
}

static void who(Record *r, const HttpRequest *rq) {
        const Actor *actor = api_actor(rq);

        r->actor_kind = strdup(actor_kind_word(actor->kind));
        if (actor->kind == ACTOR_NOBODY)
                who_signs_in(r, rq);
        else
                r->actor_name = strdup(actor->name);
        r->address = actor->address[0] ? strdup(actor->address) : NULL;
}

/* Of the gateway: a machine that is no server yet. */
static void who_is_far(Record *r, const HttpRequest *rq) {
        const char *address = http_request_header(rq, "X-Nanoscale-Address");

        r->actor_kind = strdup("system");
        r->actor_name = strdup("gateway");
        r->address = address && valid_server_address(address) ? strdup(address) : NULL;
}

/* --- about what --- */

static char *project_name(const Api *a, const char *argument) {
        Store *store = a->config.context->store;
        ProjectRow row = { 0 };
        char *name = NULL;

        if (argument &&
            (store_project_get_by_name(store, argument, &row) == STORE_OK || store_project_get(store, argument, &row) == STORE_OK))
                name = handover(row.name);
        project_row_done(&row);
        return name;
}

static char *server_name(const Api *a, const char *argument) {
        Store *store = a->config.context->store;
        ServerRow row = { 0 };
        char *name = NULL;

        if (argument &&
            (store_server_get_by_name(store, argument, &row) == STORE_OK || store_server_get(store, argument, &row) == STORE_OK))
                name = handover(row.name);
        server_row_done(&row);
        return name;
}

static char *domain_name(const Api *a, const char *argument) {
        DomainRow row = { 0 };
        char *name = NULL;

        if (argument && store_domain_get(a->config.context->store, argument, &row) == STORE_OK)
                name = handover(row.name);
        domain_row_done(&row);
        return name;
}

static void name_deployment(Record *r, const char *id) {
        Store *store = r->a->config.context->store;
        auto_free char *project_id = NULL;
        DeploymentRow row = { 0 };

        if (store_deployment_get(store, id, &row) == STORE_OK)
                project_id = handover(row.project_id);
        else
                (void) store_place_get(store, id, &project_id);
        deployment_row_done(&row);
        if (!project_id)
                return;
        r->project = project_name(r->a, project_id);
        r->target = strdup(id);
}

static bool knows_field(const json_t *draft, const char *field) {
        for (size_t i = 0; i < ELEMENTS(more_fields); i++)
                if (strcmp(more_fields[i], field) == 0)
                        return true;
        return json_object_get(draft, field) != NULL;
}

static char *list_fields(const json_t *body) {
        static const ProjectRow none = { 0 };
        json_t *draft = json_object(), *value;
        const char *field;
        Text t = { 0 };
        char *text = NULL;

        if (draft)
                (void) project_draft_describe(&none, draft);
        json_object_foreach((json_t *) (uintptr_t) body, field, value) if (knows_field(draft, field))
                        text_printf(&t, "%s%s", t.length ? ", " : "", field);
        json_decref(draft);
        if (!t.length || text_take(&t, &text, NULL) < 0)
                text_cleanup(&t);
        return text;
}

static char *count_variables(const json_t *body) {
        char *text = NULL;

        return asprintf(&text, "%zu set, %zu removed", json_object_size(json_object_get(body, "set")),
                        json_array_size(json_object_get(body, "unset"))) < 0
                               ? NULL
                               : text;
}

static void look_at_body(Record *r, const HttpRequest *rq) {
        size_t length;
        const char *text = http_request_body(rq, &length);
        const char *action = r->action->action;

        if (!r->action->lists_fields && strcmp(action, "project.env") != 0 && strcmp(action, "domain.add") != 0 &&
            strcmp(action, "project.move") != 0)
                return;
        r->body = length ? json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL) : NULL;
        if (r->action->lists_fields)
                r->detail = list_fields(r->body);
        else if (strcmp(action, "project.env") == 0)
                r->detail = count_variables(r->body);
        if (r->action->about != NEW_PROJECT && strcmp(action, "domain.add") != 0 && strcmp(action, "project.move") != 0 &&
            strcmp(action, "project.change") != 0) {
                json_decref(r->body);
                r->body = NULL;
        }
}

/* What exists before the request is handled: it may be gone afterwards. */
static void look_before(Record *r, const char *argument) {
        switch (r->action->about) {
        case PROJECT:
                r->project = project_name(r->a, argument);
                r->target = *api_second(argument) ? domain_name(r->a, api_second(argument)) : NULL;
                break;
        case DEPLOYMENT:
                name_deployment(r, argument);
                break;
        case SERVER:
                r->target = server_name(r->a, argument);
                break;
        case MADE_ID:
        case NEW_PROJECT:
        case NOTHING:
                break;
        }
        r->argument = copy(argument);
}

/* What exists because of it. */
static void look_after(Record *r, unsigned status) {
        const char *name = json_string_value(json_object_get(r->body, "name"));
        char *user;

        if (status / 100 != 2)
                return;
        if (r->typed && (user = user_name(r->a, r->typed))) {
                free(r->actor_name);
                r->actor_name = user;
        }
        if (r->action->about == NEW_PROJECT)
                r->project = project_name(r->a, name);
        else if (strcmp(r->action->action, "project.change") == 0)
                r->target = project_name(r->a, name); /* the new one, where it was given one */
        else if (strcmp(r->action->action, "domain.add") == 0)
                r->target = domain_name(r->a, name);
        else if (strcmp(r->action->action, "project.move") == 0)
                r->target = server_name(r->a, json_string_value(json_object_get(r->body, "server")));
        else if (r->action->about == MADE_ID && valid_id(r->argument))
                r->target = copy(r->argument);
}

/* --- writing it down --- */

/* Refusals of strangers, each from another address, are one row as well once there are many in a minute. */
static void drop_address(Record *r, unsigned status) {
        uint64_t now_us = clock_monotonic_us();

        if (status < 400 || !r->address)
                return;
        if (now_us - r->a->strangers_us > 60 * USEC_PER_SEC) {
                r->a->strangers_us = now_us;
                r->a->strangers = 0;
        }
        if (++r->a->strangers <= ADDRESSES_A_MINUTE)
                return;
        free(r->address);
        r->address = NULL;
}

static void answered(void *owner, unsigned status) {
        Record *r = owner;
        AuditRow row;
        int code;

        look_after(r, status);
        drop_address(r, status);
        row = (AuditRow){ .at_ms = clock_now_ms(),
                          .actor_kind = r->actor_kind,
                          .actor_name = r->actor_name,
                          .action = (char *) (uintptr_t) r->action->action,
                          .project = r->project,
                          .target = r->target,
                          .status = status,
                          .detail = r->detail,
                          .address = r->address };
        code = store_audit_add(r->a->config.context->store, &row);
        if (code != STORE_OK)
                (void) fprintf(stderr, "<3>The audit log could not be written (%s by %s): %s\n", row.action,
                               row.actor_name ? row.actor_name : "?",
                               code < 0 ? strerror(-code) : store_error(r->a->config.context->store));
        record_free(r);
}

void audit_begin(Api *a, HttpRequest *rq, const Route *route, const char *argument) {
        const Action *action = find_action(route->method, route->path);
        Record *r = action ? calloc(1, sizeof *r) : NULL;

        if (!action)
                return;
        if (!r) {
                (void) fprintf(stderr, "<3>The audit log could not be written (%s): %s\n", action->action, strerror(ENOMEM));
                return;
        }
        r->a = a;
        r->action = action;
        if (strcmp(action->action, "cluster.join") == 0)
                who_is_far(r, rq);
        else
                who(r, rq);
        look_at_body(r, rq);
        look_before(r, argument);
        http_request_on_answer(rq, answered, r);
}
