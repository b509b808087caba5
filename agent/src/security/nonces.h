/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The nonces that one caller has used lately, so that a request that was recorded is not taken a second time. One memory a caller; it lives
 * in RAM only, is not locked (one thread), costs some 200 bytes while nothing comes in and grows in steps up to its bound.
 *
 * A nonce is remembered for 60 s: what was taken now has a timestamp of at most now + 30, and is too old for the clock check after that.
 * What is dropped leaves its timestamp behind: should our clock be set back, requests of the time whose nonces are forgotten are refused.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define NONCES_BYTES 16
#define NONCES_MAX 4096 /* what a caller's memory usually holds */

typedef struct Nonces Nonces;

enum {
        NONCES_OK = 0,
        NONCES_E_SEEN,      /* taken before */
        NONCES_E_FULL,      /* as many as it may hold are younger than 60 s. Refuse the request: forgetting one would let it be replayed */
        NONCES_E_FORGOTTEN, /* its timestamp lies in a time whose nonces are forgotten (our clock was set back, or nonces_forget()) */
};

/* max: the bound, 1 … 65536. -EINVAL, -ENOMEM. */
int nonces_new(size_t max, Nonces **ret_nonces);
Nonces *nonces_free(Nonces *n); /* NULL-safe, returns NULL */

/* Takes the nonce of an authentic request (both MACs and the clock were right; asked before that, anybody could fill the memory).
 * timestamp_s is the request's, now_s our clock; both 0 … 2^39, else -EINVAL. NONCES_OK and it is remembered; a code above or -ENOMEM, and
 * the request is to be refused. */
int nonces_take(Nonces *n, const unsigned char nonce[static NONCES_BYTES], int64_t timestamp_s, int64_t now_s);

/* From now on every timestamp in [from_s, to_s] is NONCES_E_FORGOTTEN. An agent that starts does not know what it took before: where a call
 * that is done twice would do harm, and nothing stored (an idempotency key) prevents that, it forgets [now - 30, now + 30]. */
void nonces_forget(Nonces *n, int64_t from_s, int64_t to_s);
