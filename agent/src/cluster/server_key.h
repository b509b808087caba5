/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The key that the orchestrator shares with a server, as it is in the store: sealed, bound to the server's id. */
#pragma once

#include "security/seal.h"
#include "security/secrets.h"
#include "store/store.h"

/* -EBADMSG: tampered with, or of another server or sealing key. */
int server_unseal(const Sealer *s, const ServerRow *row, unsigned char ret[static SECRET_BYTES]);
int server_seal(const Sealer *s, const char *server_id, const unsigned char key[static SECRET_BYTES], char **ret_sealed);
