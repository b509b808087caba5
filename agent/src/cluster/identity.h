/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who this worker is in its cluster, and who its orchestrator: one file that survives restarts, reboots and upgrades. The keys in it are
 * sealed, the file is 0600 all the same. */
#pragma once

#include "security/seal.h"
#include "security/secrets.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
        char server_id[13], name[64];
        char host[254], pin[65]; /* of the orchestrator's gateway */
        unsigned port;
        unsigned char secret[SECRET_BYTES];
        unsigned char next[SECRET_BYTES]; /* the key that replaces secret once a call has been signed with it */
        bool has_next;
        int64_t removed_at_ms; /* since when the orchestrator says that this server is none of its own; 0: it is */
} Identity;

/* -ENOENT: this machine never joined; -EBADMSG: the file is not what identity_write() wrote, or its keys are sealed by another key. */
int identity_read(const char *path, const Sealer *s, Identity *ret);
int identity_write(const char *path, const Sealer *s, const Identity *i);
void identity_done(Identity *i); /* zeroes the keys */
