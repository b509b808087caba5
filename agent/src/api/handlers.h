/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What routes.c calls. Each handler answers its request, now or later. argument: what stood in the route's place of {}, or NULL. */
#pragma once

#include "api/api.h"

struct Api {
        ApiConfig config;
        HttpServer *server;
};

typedef void ApiHandler(Api *a, HttpRequest *rq, const char *argument);

ApiHandler api_health, api_server_list;
ApiHandler api_project_list, api_project_create, api_project_show, api_project_change, api_project_delete;
ApiHandler api_deployment_create, api_deployment_list, api_deployment_show, api_deployment_cancel, api_deployment_log,
                api_deployment_events;
ApiHandler api_release_list, api_rollback, api_restart, api_sleep, api_wake, api_wake_list;
ApiHandler api_env_show, api_env_change;
ApiHandler api_log_stream;
ApiHandler api_server_statistics, api_project_statistics, api_metrics;

/* Route table, for tests and the dispatcher. */
typedef enum {
        WHO_ANYONE, /* whoever reaches the socket */
        WHO_ADMIN,  /* root, or a member of the group nanoscale */
} Who;

typedef struct {
        const char *method, *path; /* one {} at most */
        Who who;
        size_t body_limit;
        ApiHandler *handle;
} Route;

/* The n routes. */
const Route *api_routes(size_t *ret_n);
/* 1 and the place of {} (copied to ret_argument) when path fits pattern, else 0. */
int api_path_fits(const char *pattern, const char *path, char ret_argument[static 64]);
