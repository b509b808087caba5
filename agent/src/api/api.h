/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The HTTP API of docs/api.md: one table of routes in routes.c, one file a resource. */
#pragma once

#include "certificates/certificates.h"
#include "cluster/identity.h"
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
        Certificates *certificates;
        const char *role;  /* shown by /api/health */
        gid_t admin_group; /* members are administrators, as root is */

        const char *acme_server, *acme_email; /* as set; shown to people. NULL: none */

        const char *public_key;    /* pin of this node's TLS key; NULL: it has none, nobody can join */
        int64_t not_after_ms;      /* end of this node's TLS certificate; 0: not known */
        const char *dashboard;     /* its domain; NULL: none */
        const char *address;       /* under which other nodes reach this one; NULL: that of the default route */
        unsigned port;             /* of its gateway */
        Identity *identity;        /* of a worker; changed when its key is exchanged, or it is removed. NULL: this is the orchestrator */
        const char *identity_path; /* where that is kept */
} ApiConfig;

/* Listening sockets; -1: there is none. */
typedef struct {
        int admin;   /* for root and administrators of the machine */
        int gateway; /* for other nodes */
        int web;     /* for browsers, and programs with a token; none on a worker */
} ApiDoors;

/* Takes the descriptors. config is copied; what it points to is borrowed. On an orchestrator it begins to follow the other servers. */
int api_new(Loop *l, const ApiDoors *doors, const ApiConfig *config, Api **ret_api);
Api *api_free(Api *a);
