/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* `agent --join`: makes this machine a worker of the orchestrator that the string names. Ends when that is done or has failed. */
#pragma once

#include "event/loop.h"
#include "security/join_string.h"
#include "security/seal.h"

#include <stddef.h>

typedef struct {
        const JoinString *string;
        const char *name;    /* of this server */
        const char *address; /* under which the orchestrator reaches its gateway */
        unsigned port;
        const char *public_key; /* pin of its TLS key */
        const char *identity;   /* path of the file to be written */
        const Sealer *sealer;
} JoinConfig;

/* Runs the loop until the answer is there. 0: the identity is written. 1: refused, or not reached; ret_sentence says why and what to do. */
int join_run(Loop *l, const JoinConfig *config, char *ret_sentence, size_t size);
