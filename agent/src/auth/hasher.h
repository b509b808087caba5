/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Hashes passwords in child processes, one at a time: what they take of memory and processor is bounded, whoever tries to sign in how
 * often. */
#pragma once

#include "event/loop.h"
#include "security/login_password.h"

#include <stdbool.h>

typedef struct Hasher Hasher;
typedef struct HashJob HashJob;

typedef struct {
        bool ok;          /* it came to an end; false: no memory, no process */
        bool is_right;    /* of hasher_verify() */
        const char *hash; /* of hasher_hash(), valid during the call */
} HashResult;

typedef void (*HashDone)(void *owner, const HashResult *result);

int hasher_new(Loop *l, Hasher **ret_hasher);
Hasher *hasher_free(Hasher *h); /* drops what waits; NULL-safe, returns NULL */

/* done() is never called from inside. -EBUSY when eight wait already. password is copied, and cleared afterwards. */
int hasher_hash(Hasher *h, const char *password, HashDone done, void *owner, HashJob **ret_job);
/* hash NULL: there is none that it could be; the same work is done, and it is wrong. */
int hasher_verify(Hasher *h, const char *password, const char *hash, HashDone done, void *owner, HashJob **ret_job);
HashJob *hash_job_drop(HashJob *j); /* NULL-safe, returns NULL; allowed inside its own callback */
