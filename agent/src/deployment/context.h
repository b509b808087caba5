/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What everything in this folder works with. Built once by app.c, which owns all of it; borrowed here. */
#pragma once

#include "deployment/event_log.h"
#include "event/fetch.h"
#include "event/loop.h"
#include "security/seal.h"
#include "store/store.h"
#include "system/helper_client.h"
#include "system/runtimes.h"
#include "system/units.h"

#include <stdbool.h>

typedef struct Claims Claims; /* claim.h */
typedef struct Keeper Keeper; /* keeper.h */
typedef struct Sites Sites;   /* site.h */

typedef struct {
        Loop *loop;
        Store *store;
        const Sealer *sealer;
        HelperClient *helper;
        Units *units;
        FetchPool *fetch;
        Runtimes *runtimes;
        EventLogs *logs;
        const char *base_domain;
        const char *server_id; /* of this node */
        const char *registry;  /* for builds; may be NULL */
        const char *ca;        /* for builds and apps; may be NULL */
        bool allow_private_repositories;
        unsigned shortest_idle_seconds, doze_seconds, deep_seconds; /* as in config.h */
        Claims *claims;
        Keeper *keeper; /* set after it is made; NULL before */
        Sites *sites;   /* the same */
} DeployContext;
