/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The headers that make a request between nodes authentic (docs/protocol.md): made by the caller, checked by the callee. Pure: no clock, no
 * I/O. The Signature is the one of the specification; the Binding covers what that leaves open (method, path, server, nonce, and where the
 * body ends and the timestamp begins). Both are always computed, both must be right. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "security/nonces.h"

#define SIGNATURE_CLOCK_S 30 /* how far the two clocks may be apart, in either direction */

typedef struct {
        const char *method; /* [A-Z]{1,16} */
        const char *target; /* path with query, as in the request line: begins with /, printable ASCII without blanks, ≤ 8192 */
        const char *server; /* X-Cluster-Server: a server id */
        int64_t timestamp_s;
        const char *nonce; /* 32 lower-case hex digits */
        const void *body;  /* may be NULL when body_length is 0 */
        size_t body_length;
} SignedRequest;

typedef struct {
        char timestamp[24], nonce[33], signature[65], binding[65];
} SignatureHeaders;

/* The values of X-Cluster-Timestamp, -Nonce, -Signature and -Binding for rq; rq->nonce NULL: a fresh random one. A part that is not of the
 * form above (or a timestamp outside 0 … 99999999999) gives four empty texts, which nobody accepts: a newline in a path must not be able to
 * move the borders of what is signed. */
void signature_make(const unsigned char secret[static 32], const SignedRequest *rq, SignatureHeaders *ret);

enum {
        SIGNATURE_OK = 0,
        SIGNATURE_E_MALFORMED, /* a header is absent or not of its form, or a part of rq is not */
        SIGNATURE_E_WRONG,     /* one of the MACs, or both: another key, or a changed request */
        SIGNATURE_E_CLOCK,     /* authentic, but the clocks are more than SIGNATURE_CLOCK_S apart */
        SIGNATURE_E_REPLAYED,  /* authentic, but taken before, or nonces cannot say that it was not (NONCES_E_…) */
};

/* timestamp … binding: the headers as received, NULL when absent; rq->timestamp_s and rq->nonce are not used. now_s: our clock, 0 …
 * 99999999999, else -EINVAL. nonces: the memory of this caller; the nonce is taken when all else is right, and only then. NULL leaves
 * replays unchecked (the caller of this function has another means, or is a test). *ret_difference_s (may be NULL): the caller's clock
 * minus ours, set for SIGNATURE_E_CLOCK only, that is, for somebody who holds the key. -ENOMEM: refuse as well. */
int signature_check(const unsigned char secret[static 32], const SignedRequest *rq, const char *timestamp, const char *nonce,
                    const char *signature, const char *binding, int64_t now_s, Nonces *nonces, int64_t *ret_difference_s);

/* For the journal, never for the caller: what was wrong, in one static sentence. */
const char *signature_explain(int code);
