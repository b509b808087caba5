/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* One run of certbot for one checked request. */
#pragma once

#include <sys/types.h>

#include "acme/outcome.h"
#include "acme/request.h"

typedef struct {
        const char *program;   /* certbot */
        const char *webroot;   /* where it puts the answers to challenges */
        const char *directory; /* its settings, accounts, keys and certificates (config), locks (work) and logs */
        uid_t hook_owner;      /* whom a hook must belong to: root, but for tests */
        unsigned seconds;
} Certbot;

#define CERTBOT_ARGV_MAX (48 + 2 * ACME_HOSTS_MAX)

typedef struct {
        char home[300], ca[300], config[300], work[300], logs[300], name[300];
        const char *argv[CERTBOT_ARGV_MAX]; /* ends with NULL; points into the request, into what was given, and into this */
} CertbotCommand;

/* Request: accepted by acme_request_parse(), and outlives the command. */
void certbot_command(const Certbot *c, const Fields *request, CertbotCommand *ret);
/* Runs it and waits. A hook that others than its owner could write to is not run. */
void certbot_run(const Certbot *c, const Fields *request, Outcome *ret);
