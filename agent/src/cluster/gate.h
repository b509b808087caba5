/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who may call: checks the signature of a request between nodes and remembers its nonce (docs/protocol.md). One gate a node; it holds a
 * memory of nonces for each caller that has proved to have a key, and none for others. */
#pragma once

#include "security/secrets.h"
#include "security/signature.h"

#include <stddef.h>
#include <stdint.h>

typedef struct Gate Gate;

enum { GATE_KEYS = 2 }; /* that one caller may have at a time: while a key is exchanged, both count */

typedef struct {
        /* Writes the keys of that server and returns how many there are; 0: there is no such server. */
        size_t (*keys)(void *owner, const char *server, unsigned char ret_keys[static GATE_KEYS][SECRET_BYTES]);
} GateOps;

/* What was in the headers; NULL where one is missing. */
typedef struct {
        const char *server, *timestamp, *nonce, *signature, *binding;
} GateHeaders;

typedef struct {
        char server[13];      /* who it is */
        size_t key;           /* which of its keys it used */
        const char *reason;   /* when refused: a static sentence for the journal, never for the caller */
        int64_t difference_s; /* its clock minus ours, when authentic and refused for that; else 0 */
} GateVerdict;

enum { GATE_OK = 0, GATE_E_REFUSED };

/* now_s: what was signed up to now is refused, as nobody remembers which of it was taken before this start. */
int gate_new(const GateOps *ops, void *owner, int64_t now_s, Gate **ret_gate);
Gate *gate_free(Gate *g); /* NULL-safe, returns NULL */
/* GATE_OK, GATE_E_REFUSED, -ENOMEM. rq: method, target, body; the rest is not used. *ret_verdict is set in both of the first cases. */
int gate_check(Gate *g, const SignedRequest *rq, const GateHeaders *headers, int64_t now_s, GateVerdict *ret_verdict);
/* The server is gone, or has another key: its memory, too. */
void gate_forget(Gate *g, const char *server);
