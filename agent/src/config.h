/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Settings of the agent: defaults, then config.json, then NANOSCALE_… variables of the environment. Unknown keys, wrong types and bad
 * values are errors that name the key, what was found and what is wanted: a typing mistake never passes silently. A key a.b is
 * NANOSCALE_A_B. */
#pragma once

#include <stdbool.h>

typedef enum {
        ROLE_ORCHESTRATOR,
        ROLE_WORKER,
} Role;

typedef struct {
        Role role;
        char *name;                                                       /* of this node; default: the host name */
        char *base_domain;                                                /* projects answer at {name}.{base_domain}; default: localhost */
        char *database;                                                   /* default NS_DATA "/nanoscale.db" */
        char *seal_key;                                                   /* default NS_DATA "/seal.key" */
        bool helper_sudo;                                                 /* helper.transport: "socket" (default) or "sudo" */
        char *runtimes_registry, *runtimes_node_dist, *runtimes_bun_dist; /* NULL: not set */
        char *builds_registry, *builds_ca;                                /* NULL: not set */
        char *cluster_address;                                            /* host or address that join strings name; NULL: not set */
        unsigned cluster_port;                                            /* port that they name, default 4000 */
        char *dashboard_domain;          /* where the panel answers beside its addresses; NULL: nowhere else */
        char *acme_email;                /* acme.…: told to the authority; NULL: none */
        char *acme_server;               /* its directory; default: Let's Encrypt's */
        char *acme_ca;                   /* whom to trust as its server; NULL: the system's */
        char *acme_hook;                 /* program for dns-01; NULL: no wildcard, and http-01 for all */
        bool acme_hook_for_all;          /* it is for every name, and not for the wildcard alone */
        char *acme_addresses;            /* of this node as the world sees it, separated by blanks; NULL: those of its interfaces */
        bool acme_check_dns;             /* ask only for names that point here, default true */
        bool allow_private_repositories; /* network.allow_private_repositories, default false */
        unsigned shortest_idle_seconds;  /* sleep.…: least idle time that a project may have, default 60 */
        unsigned doze_seconds;           /* idle time after which an awake app is paged out, default 120; 0: never */
        unsigned deep_seconds;           /* time after which an armed app gives up its runner, too, default 86400 */
        char *log_level;                 /* error, warning, info, debug; default info */
} Config;

/* Reads path (absent: defaults). environ-like env may be NULL. 0 and *ret_config, or a negative errno and *ret_sentence (to be freed) that
 * says which key of which file, and the remedy. */
int config_load(const char *path, char *const *env, Config **ret_config, char **ret_sentence);
Config *config_free(Config *c);
