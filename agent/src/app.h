/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Builds every object of the agent, in order, runs the loop, and takes everything down again in the other order. Nothing else does. */
#pragma once

#include "config.h"

/* Returns the exit code of the process. Says on standard error why it could not start. */
int app_run(const Config *config);

typedef struct {
        const char *string;  /* as the orchestrator gave it out, or "-": on standard input */
        const char *name;    /* NULL: the setting */
        const char *address; /* of this server's gateway */
        unsigned port;
} JoinArguments;

/* Makes this server a worker and returns the exit code: 0 joined, 1 not, 2 wrong arguments; says why on standard error. */
int app_join(const Config *config, const JoinArguments *arguments);
