/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The door for other nodes, behind nginx on port 4000: a closed list for each role, and the signature of who calls. What a stolen
 * orchestrator can make a worker do is in this table, and nothing else. */
#include "api/audit.h"
#include "api/elsewhere.h"
#include "api/reply.h"

#include "base/cleanup.h"
#include "security/validate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SMALL = 64 * 1024, PAIR = 128 * 1024, PROJECT = 1024 * 1024, NONE = 0 };
enum { TELL_EVERY_US = 10 * 1000 * 1000 };

static const Route orchestrator_routes[] = {
        { "GET", "/api/health", WHO_ANYONE, NONE, api_health, HERE },
        { "GET", "/metrics", WHO_ANYONE, NONE, api_metrics_with_token, HERE }, /* it has its token */
        { "POST", "/api/cluster/join", WHO_ANYONE, SMALL, api_join, HERE },    /* it has its token */
        { "POST", "/internal/hello", WHO_NODE, SMALL, api_hello, HERE },
};

static const Route worker_routes[] = {
        { "GET", "/api/health", WHO_ANYONE, NONE, api_health, HERE },
        { "GET", "/metrics", WHO_ANYONE, NONE, api_metrics_with_token, HERE }, /* it has its token */
        { "POST", "/internal/health", WHO_NODE, SMALL, api_internal_health, HERE },
        { "POST", "/internal/projects", WHO_NODE, PROJECT, api_internal_project_put, HERE },
        { "GET", "/internal/projects/{}", WHO_NODE, NONE, api_project_show, HERE },
        { "DELETE", "/internal/projects/{}", WHO_NODE, NONE, api_project_delete, HERE },
        { "POST", "/internal/deploy", WHO_NODE, SMALL, api_internal_deploy, HERE },
        { "GET", "/internal/projects/{}/deployments", WHO_NODE, NONE, api_deployment_list, HERE },
        { "GET", "/internal/projects/{}/releases", WHO_NODE, NONE, api_release_list, HERE },
        { "POST", "/internal/projects/{}/rollback", WHO_NODE, SMALL, api_rollback, HERE },
        { "POST", "/internal/projects/{}/restart", WHO_NODE, SMALL, api_restart, HERE },
        { "POST", "/internal/projects/{}/sleep", WHO_NODE, SMALL, api_sleep, HERE },
        { "POST", "/internal/projects/{}/wake", WHO_NODE, SMALL, api_wake, HERE },
        { "GET", "/internal/projects/{}/wakes", WHO_NODE, NONE, api_wake_list, HERE },
        { "GET", "/internal/projects/{}/statistics", WHO_NODE, NONE, api_project_statistics, HERE },
        { "GET", "/internal/statistics", WHO_NODE, NONE, api_internal_statistics, HERE },
        { "GET", "/internal/projects/{}/env", WHO_NODE, NONE, api_env_show, HERE },
        { "GET", "/internal/projects/{}/domains", WHO_NODE, NONE, api_domain_list, HERE },
        { "GET", "/internal/projects/{}/domains/{}", WHO_NODE, NONE, api_domain_show, HERE },
        { "POST", "/internal/projects/{}/domains/{}/check", WHO_NODE, SMALL, api_domain_check, HERE },
        { "PUT", "/internal/projects/{}/domains/{}/certificate", WHO_NODE, PAIR, api_domain_certificate, HERE },
        { "GET", "/internal/deployments/{}", WHO_NODE, NONE, api_deployment_show, HERE },
        { "POST", "/internal/deployments/{}/cancel", WHO_NODE, SMALL, api_deployment_cancel, HERE },
        { "GET", "/internal/deployments/{}/log", WHO_NODE, NONE, api_deployment_log, HERE },
        { "GET", "/internal/deployments/{}/events", WHO_NODE, NONE, api_deployment_events, HERE },
        { "GET", "/internal/logs/{}", WHO_NODE, NONE, api_log_stream, HERE },
        { "POST", "/internal/key", WHO_NODE, SMALL, api_internal_key, HERE },
        { "POST", "/internal/leave", WHO_NODE, SMALL, api_internal_leave, HERE },
};

const Route *api_gateway_routes(bool is_orchestrator, size_t *ret_n) {
        *ret_n = is_orchestrator ? ELEMENTS(orchestrator_routes) : ELEMENTS(worker_routes);
        return is_orchestrator ? orchestrator_routes : worker_routes;
}

static const Route *find(const Api *a, const char *method, const char *path, char ret_argument[static ARGUMENT_SIZE]) {
        size_t n;
        const Route *table = api_gateway_routes(a->config.identity == NULL, &n);
        bool known;

        return api_find_route(table, n, method, path, ret_argument, &known);
}

static size_t body_limit(void *owner, const char *method, const char *path) {
        char argument[ARGUMENT_SIZE];
        const Route *route = find(owner, method, path, argument);

        return route ? route->body_limit : 0;
}

/* --- whose signature counts --- */

/* A worker has one caller, its orchestrator, with whom it shares one key, or two while that is exchanged. */
static size_t keys_of(void *owner, const char *server, unsigned char ret_keys[static GATE_KEYS][SECRET_BYTES]) {
        Api *a = owner;
        const Identity *i = a->config.identity;

        if (!i)
                return nodes_key(a->nodes, server, ret_keys[0]) || removed_server_key(a, server, ret_keys[0]) ? 1 : 0;
        if (strcmp(server, i->server_id) != 0)
                return 0;
        memcpy(ret_keys[0], i->secret, SECRET_BYTES);
        if (i->has_next)
                memcpy(ret_keys[1], i->next, SECRET_BYTES);
        return i->has_next ? 2 : 1;
}

static const GateOps gate_ops = { .keys = keys_of };

/* Whoever sends wrong calls all day must not fill the journal: one line in ten seconds, with how many there were. */
static void tell_refusal(Api *a, const HttpRequest *rq, const GateVerdict *verdict) {
        const char *address = http_request_header(rq, "X-Nanoscale-Address");
        uint64_t now = clock_monotonic_us();

        a->refused++;
        if (a->refused_us && now - a->refused_us < TELL_EVERY_US)
                return;
        (void) fprintf(stderr, "<4>Refused a call to the gateway from %.64s: %s (%u since the last such line).\n",
                       address && valid_server_address(address) ? address : "an unknown address", verdict->reason, a->refused);
        a->refused_us = now;
        a->refused = 0;
}

/* The same answer for every reason but one: who holds the key learns how far the clocks are apart. */
static void refuse(Api *a, HttpRequest *rq, const GateVerdict *verdict) {
        json_t *o;

        tell_refusal(a, rq, verdict);
        if (!verdict->difference_s) {
                reply_problem(rq, 401, "not-accepted", "The call is not accepted", NULL, "The call is not accepted.");
                return;
        }
        o = json_pack("{s:s, s:s, s:i, s:s, s:I}", "type", "clock-differs", "title", "The clocks differ", "status", 401, "detail",
                      "The clocks of the two servers differ by more than 30 s.", "clock_difference_seconds",
                      (json_int_t) verdict->difference_s);
        reply_problem_json(rq, 401, o);
}

/* The first call with the new key: the old one has had its day. */
static void take_next_key(Api *a) {
        Identity *i = a->config.identity;
        int r;

        memcpy(i->secret, i->next, SECRET_BYTES);
        secret_zero(i->next, sizeof i->next);
        i->has_next = false;
        r = identity_write(a->config.identity_path, a->config.context->sealer, i);
        if (r < 0)
                (void) fprintf(stderr, "<3>%s: %s\n", a->config.identity_path, strerror(-r));
}

static bool admit(Api *a, HttpRequest *rq, char ret_server[static 13]) {
        SignedRequest signed_request = { .method = http_request_method(rq), .target = http_request_target(rq) };
        const GateHeaders headers = {
                .server = http_request_header(rq, "X-Cluster-Server"),
                .timestamp = http_request_header(rq, "X-Cluster-Timestamp"),
                .nonce = http_request_header(rq, "X-Cluster-Nonce"),
                .signature = http_request_header(rq, "X-Cluster-Signature"),
                .binding = http_request_header(rq, "X-Cluster-Binding"),
        };
        GateVerdict verdict = { 0 };
        int r;

        signed_request.body = http_request_body(rq, &signed_request.body_length);
        r = gate_check(a->gate, &signed_request, &headers, clock_now_ms() / 1000, &verdict);
        if (r < 0) {
                reply_failure(a, rq, r, "The call could not be checked");
                return false;
        }
        if (r != GATE_OK) {
                refuse(a, rq, &verdict);
                return false;
        }
        memcpy(ret_server, verdict.server, 13);
        if (a->config.identity && verdict.key == 1)
                take_next_key(a);
        if (a->hello)
                hello_heard(a->hello);
        return true;
}

static void handle(void *owner, HttpRequest *rq) {
        Api *a = owner;
        char argument[ARGUMENT_SIZE], server[13];
        const Route *route = find(a, http_request_method(rq), http_request_path(rq), argument);

        if (!route)
                reply_problem(rq, 404, "path-absent", "There is no such path", NULL, "There is no such path.");
        else if (route->who != WHO_NODE) {
                audit_begin(a, rq, route, argument);
                route->handle(a, rq, argument[0] ? argument : NULL);
        } else if (admit(a, rq, server)) {
                if (a->config.identity && a->config.identity->removed_at_ms)
                        reply_problem(rq, 410, "removed", "This server has left the cluster", NULL, "This server has left the cluster.");
                else /* who calls is the argument of what takes none from the path */
                        route->handle(a, rq, argument[0] ? argument : server);
        }
}

static const HttpServerOps ops = { .body_limit = body_limit, .handle = handle };

int api_gateway_open(Api *a, Loop *l, int listen_fd) {
        int r = gate_new(&gate_ops, a, clock_now_ms() / 1000, &a->gate);

        return r < 0 ? r : http_server_new(l, listen_fd, 1024, 60, &ops, a, &a->gateway);
}
