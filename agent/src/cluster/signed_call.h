/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* One signed request to another node, as a FetchSpec. */
#pragma once

#include "event/fetch.h"
#include "security/secrets.h"

#include <stddef.h>

typedef struct {
        const char *host; /* address or name, no brackets */
        unsigned port;
        const char *pin;       /* of its TLS key */
        const char *server_id; /* whose key it is: the worker's, in both directions */
        const unsigned char *secret;
} SignedPeer;

enum { SIGNED_CALL_HEADERS = 12 };

typedef struct {
        char url[8600];
        char lines[5][160];
        const char *headers[SIGNED_CALL_HEADERS + 1];
} SignedCall;

/* https://HOST:PORT + target; -EINVAL when that is too long. */
int peer_url(const char *host, unsigned port, const char *target, char *ret, size_t size);
/* Fills url, headers (the signature's, then more, at most six), body, pin and the rest of spec, which points into call; method, target,
 * body and more are borrowed as long as spec is used. A fresh nonce and timestamp each time. */
int signed_call_make(const SignedPeer *peer, const char *method, const char *target, const char *body, size_t length,
                     const char *const *more, SignedCall *call, FetchSpec *spec);
