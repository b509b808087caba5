/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "api/actor.h"
#include "api/audit.h"
#include "api/elsewhere.h"
#include "api/events.h"
#include "api/move.h"
#include "api/nudge.h"
#include "api/reply.h"
#include "api/web.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>

enum { SMALL = 64 * 1024, PAIR = 128 * 1024, ENV = 2 * 1024 * 1024, NONE = 0 };

static const Route routes[] = {
        { "GET", "/api/health", WHO_ANYONE, NONE, api_health, HERE, SCOPE_OPEN },
        { "GET", "/api/servers", WHO_ADMIN, NONE, api_server_list, HERE, SCOPE_READ },
        { "GET", "/api/servers/{}/statistics", WHO_ADMIN, NONE, api_server_statistics, HERE, SCOPE_READ },
        { "GET", "/api/servers/{}", WHO_ADMIN, NONE, api_server_show, HERE, SCOPE_READ },
        { "DELETE", "/api/servers/{}", WHO_ADMIN, NONE, api_server_delete, HERE, SCOPE_ADMIN },
        { "POST", "/api/servers/{}/drain", WHO_ADMIN, SMALL, api_server_drain, HERE, SCOPE_ADMIN },
        { "POST", "/api/servers/{}/undrain", WHO_ADMIN, SMALL, api_server_undrain, HERE, SCOPE_ADMIN },
        { "POST", "/api/servers/{}/rotate-key", WHO_ADMIN, SMALL, api_server_rotate_key, HERE, SCOPE_ADMIN },
        { "POST", "/api/cluster/generate-token", WHO_ADMIN, SMALL, api_generate_token, HERE, SCOPE_ADMIN },
        { "GET", "/api/projects", WHO_ADMIN, NONE, api_project_list, HERE, SCOPE_READ },
        { "POST", "/api/projects", WHO_ADMIN, ENV, api_project_create, HERE, SCOPE_ADMIN },
        { "GET", "/api/projects/{}", WHO_ADMIN, NONE, api_project_show, FORWARD, SCOPE_READ },
        { "PATCH", "/api/projects/{}", WHO_ADMIN, SMALL, api_project_change, PUSH, SCOPE_ADMIN },
        { "DELETE", "/api/projects/{}", WHO_ADMIN, NONE, api_project_delete, REMOVE, SCOPE_ADMIN },
        { "POST", "/api/projects/{}/move", WHO_ADMIN, SMALL, api_project_move, HERE, SCOPE_ADMIN },
        { "GET", "/api/projects/{}/deployments", WHO_ADMIN, NONE, api_deployment_list, FORWARD, SCOPE_READ },
        { "POST", "/api/projects/{}/deployments", WHO_ADMIN, SMALL, api_deployment_create, SUBMIT, SCOPE_DEPLOY },
        { "GET", "/api/projects/{}/releases", WHO_ADMIN, NONE, api_release_list, FORWARD, SCOPE_READ },
        { "POST", "/api/projects/{}/rollback", WHO_ADMIN, SMALL, api_rollback, SUBMIT, SCOPE_DEPLOY },
        { "POST", "/api/projects/{}/restart", WHO_ADMIN, SMALL, api_restart, SUBMIT, SCOPE_DEPLOY },
        { "POST", "/api/projects/{}/sleep", WHO_ADMIN, SMALL, api_sleep, FORWARD, SCOPE_DEPLOY },
        { "POST", "/api/projects/{}/wake", WHO_ADMIN, SMALL, api_wake, FORWARD, SCOPE_DEPLOY },
        { "GET", "/api/projects/{}/wakes", WHO_ADMIN, NONE, api_wake_list, FORWARD, SCOPE_READ },
        { "GET", "/api/projects/{}/statistics", WHO_ADMIN, NONE, api_project_statistics, FORWARD, SCOPE_READ },
        { "GET", "/api/projects/{}/env", WHO_ADMIN, NONE, api_env_show, FORWARD, SCOPE_READ },
        { "PATCH", "/api/projects/{}/env", WHO_ADMIN, ENV, api_env_change, PUSH, SCOPE_ADMIN },
        { "POST", "/api/repositories/check", WHO_ADMIN, SMALL, api_repository_check, HERE, SCOPE_ADMIN },
        { "GET", "/api/domains", WHO_ADMIN, NONE, api_domain_list_all, HERE, SCOPE_READ },
        { "GET", "/api/projects/{}/domains", WHO_ADMIN, NONE, api_domain_list, FORWARD, SCOPE_READ },
        { "POST", "/api/projects/{}/domains", WHO_ADMIN, SMALL, api_domain_add, PUSH, SCOPE_ADMIN },
        { "GET", "/api/projects/{}/domains/{}", WHO_ADMIN, NONE, api_domain_show, FORWARD, SCOPE_READ },
        { "PATCH", "/api/projects/{}/domains/{}", WHO_ADMIN, SMALL, api_domain_change, PUSH, SCOPE_ADMIN },
        { "DELETE", "/api/projects/{}/domains/{}", WHO_ADMIN, NONE, api_domain_delete, PUSH, SCOPE_ADMIN },
        { "POST", "/api/projects/{}/domains/{}/check", WHO_ADMIN, SMALL, api_domain_check, FORWARD, SCOPE_ADMIN },
        { "PUT", "/api/projects/{}/domains/{}/certificate", WHO_ADMIN, PAIR, api_domain_certificate, FORWARD, SCOPE_ADMIN },
        { "GET", "/api/deployments/{}", WHO_ADMIN, NONE, api_deployment_show, FORWARD, SCOPE_READ },
        { "POST", "/api/deployments/{}/cancel", WHO_ADMIN, SMALL, api_deployment_cancel, FORWARD, SCOPE_DEPLOY },
        { "GET", "/api/deployments/{}/log", WHO_ADMIN, NONE, api_deployment_log, FORWARD, SCOPE_READ },
        { "GET", "/api/deployments/{}/events", WHO_ADMIN, NONE, api_deployment_events, STREAM, SCOPE_READ },
        { "GET", "/api/deployments", WHO_ADMIN, NONE, api_deployment_list_all, HERE, SCOPE_READ },
        { "GET", "/api/audit", WHO_ADMIN, NONE, api_audit, HERE, SCOPE_ADMIN },
        { "GET", "/api/settings", WHO_ADMIN, NONE, api_settings_show, HERE, SCOPE_READ },
        { "PATCH", "/api/settings", WHO_ADMIN, PAIR, api_settings_change, HERE, SCOPE_ADMIN },
        { "GET", "/api/site/logo", WHO_ADMIN, NONE, api_site_logo, HERE, SCOPE_OPEN },
        { "GET", "/api/events", WHO_ADMIN, NONE, api_events, HERE, SCOPE_READ },
        { "GET", "/api/logs/{}", WHO_ADMIN, NONE, api_log_stream, STREAM, SCOPE_READ },
        { "GET", "/api/auth/state", WHO_ADMIN, NONE, api_auth_state, HERE, SCOPE_OPEN },
        { "POST", "/api/auth/setup", WHO_ADMIN, SMALL, api_setup, HERE, SCOPE_OPEN },
        { "POST", "/api/auth/login", WHO_ADMIN, SMALL, api_login, HERE, SCOPE_OPEN },
        { "POST", "/api/auth/logout", WHO_ADMIN, SMALL, api_logout, HERE, SCOPE_ACCOUNT },
        { "POST", "/api/auth/claim", WHO_ADMIN, SMALL, api_claim_code, HERE, SCOPE_NONE },
        { "GET", "/api/me", WHO_ADMIN, NONE, api_me, HERE, SCOPE_READ },
        { "POST", "/api/me/password", WHO_ADMIN, SMALL, api_password_change, HERE, SCOPE_ACCOUNT },
        { "GET", "/api/me/sessions", WHO_ADMIN, NONE, api_session_list, HERE, SCOPE_ACCOUNT },
        { "DELETE", "/api/me/sessions/{}", WHO_ADMIN, NONE, api_session_end, HERE, SCOPE_ACCOUNT },
        { "POST", "/api/me/second-factor", WHO_ADMIN, SMALL, api_factor_begin, HERE, SCOPE_ACCOUNT },
        { "POST", "/api/me/second-factor/confirm", WHO_ADMIN, SMALL, api_factor_confirm, HERE, SCOPE_ACCOUNT },
        { "POST", "/api/me/second-factor/remove", WHO_ADMIN, SMALL, api_factor_remove, HERE, SCOPE_ACCOUNT },
        { "GET", "/api/tokens", WHO_ADMIN, NONE, api_token_list, HERE, SCOPE_ACCOUNT },
        { "POST", "/api/tokens", WHO_ADMIN, SMALL, api_token_create, HERE, SCOPE_ACCOUNT },
        { "DELETE", "/api/tokens/{}", WHO_ADMIN, NONE, api_token_revoke, HERE, SCOPE_ACCOUNT },
        { "GET", "/metrics", WHO_ADMIN, NONE, api_metrics, HERE, SCOPE_READ },
        { "POST", "/api/metrics/token", WHO_ADMIN, SMALL, api_metrics_token_make, HERE, SCOPE_ACCOUNT },
        { "DELETE", "/api/metrics/token", WHO_ADMIN, NONE, api_metrics_token_remove, HERE, SCOPE_ACCOUNT },
};

const Route *api_routes(size_t *ret_n) {
        *ret_n = ELEMENTS(routes);
        return routes;
}

/* Copies what stands before the next slash of path to ret. False when that is nothing, or too long. */
static bool take_place(const char **path, char *ret, size_t size) {
        size_t length = strcspn(*path, "/");

        if (length == 0 || length >= size)
                return false;
        memcpy(ret, *path, length);
        ret[length] = '\0';
        *path += length;
        return true;
}

int api_path_fits(const char *pattern, const char *path, char ret_argument[static ARGUMENT_SIZE]) {
        static const size_t sizes[] = { ARGUMENT_FIRST, ARGUMENT_SECOND };
        char *at = ret_argument;
        size_t n = 0;

        memset(ret_argument, 0, ARGUMENT_SIZE);
        for (const char *place; n < ELEMENTS(sizes) && (place = strstr(pattern, "{}")); n++) {
                size_t before = (size_t) (place - pattern);

                if (strncmp(pattern, path, before) != 0)
                        break;
                path += before;
                pattern = place + 2;
                if (!take_place(&path, at, sizes[n])) {
                        path = NULL;
                        break;
                }
                at += strlen(at) + 1;
        }
        if (path && strcmp(pattern, path) == 0)
                return 1;
        ret_argument[0] = '\0';
        return 0;
}

const char *api_second(const char *argument) {
        return argument + strlen(argument) + 1;
}

const Route *api_find_route(const Route *table, size_t n, const char *method, const char *path, char ret_argument[static ARGUMENT_SIZE],
                            bool *ret_path_known) {
        *ret_path_known = false;
        for (size_t i = 0; i < n; i++) {
                if (!api_path_fits(table[i].path, path, ret_argument))
                        continue;
                *ret_path_known = true;
                if (strcmp(table[i].method, method) == 0)
                        return &table[i];
        }
        return NULL;
}

/* What a worker takes from its orchestrator this one takes from itself, so that a project comes and goes here as it does there (move.c). */
static const Route *find(const char *method, const char *path, char ret_argument[static ARGUMENT_SIZE], bool *ret_path_known) {
        size_t n;
        const Route *table;

        if (strncmp(path, "/internal/projects", 18) != 0 && strncmp(path, "/internal/deploy", 16) != 0)
                return api_find_route(routes, ELEMENTS(routes), method, path, ret_argument, ret_path_known);
        table = api_gateway_routes(false, &n);
        return api_find_route(table, n, method, path, ret_argument, ret_path_known);
}

static size_t route_body_limit(void *owner, const char *method, const char *path) {
        char argument[ARGUMENT_SIZE];
        bool known;
        const Route *route = find(method, path, argument, &known);

        (void) owner;
        return route ? route->body_limit : 0;
}

static bool is_admin(const Api *a, const HttpRequest *rq) {
        return http_request_peer_uid(rq) == 0 || http_request_peer_in_group(rq, a->config.admin_group);
}

static void route_handle(void *owner, HttpRequest *rq) {
        Api *a = owner;
        char argument[ARGUMENT_SIZE];
        bool known;
        const Route *route = find(http_request_method(rq), http_request_path(rq), argument, &known);

        if (actor_attach_admin(rq) < 0) {
                reply_failure(a, rq, -ENOMEM, "Who asks could not be noted");
                return;
        }
        if (route)
                audit_begin(a, rq, route, argument);
        if (!route && known)
                reply_problem(rq, 405, "method-not-allowed", "This path does not take that method", NULL,
                              "docs/api.md lists the methods of each path.");
        else if (!route)
                reply_problem(rq, 404, "path-absent", "There is no such path", NULL, "docs/api.md lists the paths.");
        else if (route->who != WHO_ANYONE && !is_admin(a, rq))
                reply_problem(rq, 403, "not-allowed", "You may not do this", NULL, "Be root, or a member of the group nanoscale.");
        else if (!elsewhere_take(a, rq, route, argument))
                route->handle(a, rq, argument[0] ? argument : NULL);
}

static const HttpServerOps server_ops = { .body_limit = route_body_limit, .handle = route_handle };

/* Whose session or token has ended does not go on listening, to whatever it is: all come back, and show who they are. */
static void end_streams(void *owner) {
        const Api *a = owner;

        if (a->web)
                http_server_end_streams(a->web);
}

static int begin(Api *a, Loop *l, const ApiDoors *doors) {
        int r = accounts_new(l, a->config.context->store, a->config.context->sealer, &a->accounts);

        if (r < 0)
                return r;
        r = a->config.identity ? elsewhere_begin_worker(a, l) : elsewhere_begin(a, l);

        if (r == 0)
                r = events_new(a, l, &a->events);
        if (r == 0)
                accounts_on_ended(a->accounts, end_streams, a);
        if (r == 0)
                r = http_server_new(l, doors->admin, 256, 60, &server_ops, a, &a->server);
        if (r == 0 && doors->gateway >= 0)
                r = api_gateway_open(a, l, doors->gateway);
        if (r == 0 && doors->web >= 0)
                r = api_web_open(a, l, doors->web);
        return r;
}

int api_new(Loop *l, const ApiDoors *doors, const ApiConfig *config, Api **ret_api) {
        Api *a = calloc(1, sizeof *a);
        int r;

        if (!a)
                return -ENOMEM;
        a->config = *config;
        a->started_ms = clock_now_ms();
        r = begin(a, l, doors);
        if (r < 0) {
                api_free(a);
                return r;
        }
        *ret_api = a;
        return 0;
}

Api *api_free(Api *a) {
        if (!a)
                return NULL;
        http_server_free(a->web);
        http_server_free(a->gateway);
        http_server_free(a->server);
        accounts_free(a->accounts);
        mover_free(a->mover);
        events_free(a->events); /* which tells nodes that nobody listens any more */
        a->events = NULL;
        nodes_free(a->nodes); /* what it ends may still ask for the gate */
        gate_free(a->gate);
        nudge_free(a->nudge);
        hello_free(a->hello);
        free(a);
        return NULL;
}
