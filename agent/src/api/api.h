/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The HTTP API of docs/api.md: one table of routes in routes.c, one file a resource. */
#pragma once

#include "deployment/context.h"
#include "deployment/deployer.h"
#include "event/http_server.h"
#include "statistics/statistics.h"

#include <sys/types.h>

typedef struct Api Api;

typedef struct {
        const DeployContext *context;
        Deployer *deployer;
        Statistics *statistics; /* NULL: there are none */
        const char *role;       /* shown by /api/health */
        gid_t admin_group;      /* members are administrators, as root is */
} ApiConfig;

/* Takes listen_fd. config is copied; what it points to is borrowed. */
int api_new(Loop *l, int listen_fd, const ApiConfig *config, Api **ret_api);
Api *api_free(Api *a);
