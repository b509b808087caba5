/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What routes.c calls. Each handler answers its request, now or later. argument: what stood in the route's first {}, or NULL; what stood in
 * its second one follows it (api_second()). */
#pragma once

#include "api/api.h"
#include "auth/accounts.h"
#include "cluster/gate.h"
#include "cluster/hello.h"
#include "cluster/nodes.h"

#include <jansson.h>

struct Api {
        ApiConfig config;
        HttpServer *server;
        HttpServer *gateway; /* NULL: no other node reaches this one */
        HttpServer *web;     /* NULL: nobody signs in here */
        Accounts *accounts;
        Gate *gate;
        Nodes *nodes;           /* of an orchestrator, else NULL */
        Hello *hello;           /* of a worker, else NULL */
        struct Events *events;  /* who listens to them (events.h) */
        struct Nudge *nudge;    /* of a worker, else NULL (nudge.h) */
        struct Mover *mover;    /* of an orchestrator, else NULL (move.h) */
        struct PushAll *pushes; /* of all rows of a node that are under way (push.c) */
        struct Push *renames;   /* of rows with another name that are under way (push.c) */
        struct Task *tasks;     /* removals and exchanges of keys that are under way (cluster.c) */
        int64_t started_ms;
        uint64_t refused_us;   /* the last refused call that was told to the journal */
        unsigned refused;      /* since then */
        uint64_t strangers_us; /* when a minute began, in which so many were refused (audit.c) */
        unsigned strangers;
        unsigned asking; /* servers for the last deployments of a project (mirror.c) */
};

typedef void ApiHandler(Api *a, HttpRequest *rq, const char *argument);

ApiHandler api_health, api_server_list;
ApiHandler api_project_list, api_project_create, api_project_show, api_project_change, api_project_delete;
ApiHandler api_deployment_create, api_deployment_list, api_deployment_show, api_deployment_cancel, api_deployment_log,
                api_deployment_events;
ApiHandler api_release_list, api_rollback, api_restart, api_sleep, api_wake, api_wake_list;
ApiHandler api_env_show, api_env_change;
ApiHandler api_log_stream;
ApiHandler api_domain_list, api_domain_list_all, api_domain_show, api_domain_add, api_domain_change, api_domain_delete, api_domain_check,
                api_domain_certificate;
ApiHandler api_repository_check;
ApiHandler api_project_move, api_server_drain, api_server_undrain;
ApiHandler api_server_show, api_server_delete, api_server_rotate_key, api_generate_token;

/* For other nodes (gateway.c). */
ApiHandler api_join, api_hello;
ApiHandler api_internal_statistics, api_internal_health, api_internal_project_put, api_internal_deploy, api_internal_key,
                api_internal_leave;
ApiHandler api_server_statistics, api_project_statistics;
ApiHandler api_auth_state, api_setup, api_login, api_logout, api_claim_code;
ApiHandler api_me, api_password_change, api_session_list, api_session_end, api_factor_begin, api_factor_confirm, api_factor_remove;
ApiHandler api_token_list, api_token_create, api_token_revoke;
ApiHandler api_audit, api_events;
ApiHandler api_settings_show, api_settings_change, api_site_logo, api_deployment_list_all;
ApiHandler api_metrics, api_metrics_with_token, api_metrics_token_make, api_metrics_token_remove;

/* An id or a name of 63 characters, then a host name of 253, each with its NUL. */
enum { ARGUMENT_FIRST = 64, ARGUMENT_SECOND = 254, ARGUMENT_SIZE = ARGUMENT_FIRST + ARGUMENT_SECOND };

/* Route table, for tests and the dispatcher. */
typedef enum {
        WHO_ANYONE, /* whoever reaches the socket */
        WHO_ADMIN,  /* root, or a member of the group nanoscale */
        WHO_NODE,   /* whoever signs with the key that it shares with this node (gateway.c) */
} Who;

/* What somebody at the web door (web.c) has to be for a route. Whoever may use the administrators' socket may do all of it there. */
typedef enum {
        SCOPE_NONE = 0, /* not at the web door at all */
        SCOPE_OPEN,     /* anybody, signed in or not */
        SCOPE_READ,     /* whoever is signed in, and every API token */
        SCOPE_DEPLOY,   /* an API token for `deploy` or `admin` */
        SCOPE_ADMIN,    /* an API token for `admin` */
        SCOPE_ACCOUNT,  /* a person's session, never a token: what a stolen token could make itself at home with */
} Scope;

/* What happens to a request of the orchestrator's API whose project lives on another server (elsewhere.c). */
typedef enum {
        HERE = 0, /* it is about no project, or answered from our own rows */
        FORWARD,  /* that node answers */
        STREAM,   /* the same, without an end */
        SUBMIT,   /* that node answers; the deployment gets its id here, so that asked twice it is done once */
        PUSH,     /* our row changes, then the node gets it: the handler does that itself */
        REMOVE,   /* the node removes it, then our row goes */
} Elsewhere;

typedef struct {
        const char *method, *path; /* two {} at most */
        Who who;
        size_t body_limit;
        ApiHandler *handle;
        Elsewhere elsewhere;
        Scope scope; /* in the tables of the gateway: none */
} Route;

/* Of a table, the row for a request, or NULL; then *ret_path_known tells whether another method would have one. */
const Route *api_find_route(const Route *table, size_t n, const char *method, const char *path, char ret_argument[static ARGUMENT_SIZE],
                            bool *ret_path_known);
/* The routes of the gateway: what another node may ask of this role, and nothing else. */
const Route *api_gateway_routes(bool is_orchestrator, size_t *ret_n);
int api_gateway_open(Api *a, Loop *l, int listen_fd);
/* The n routes. */
const Route *api_routes(size_t *ret_n);
/* 1 and what stands in the places of {} (copied to ret_argument, one text after another) when path fits pattern, else 0. */
int api_path_fits(const char *pattern, const char *path, char ret_argument[static ARGUMENT_SIZE]);
/* The second of the two. */
const char *api_second(const char *argument);
