/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* How often somebody may be wrong: by address, and by user name. Bounded, in memory: a restart of the agent forgets it, which costs an
 * attacker more than it gives. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct {
        char key[80]; /* empty: free */
        unsigned n;   /* failures in a row */
        int64_t last_ms;
} Attempt;

enum { ATTEMPTS_KEPT = 256 };

/* One table for each kind of key, zeroes at first. */
typedef struct {
        Attempt rows[ATTEMPTS_KEPT];
} Attempts;

/* Of an address: ten failures, then none until a quarter of an hour after the last. Of a user: after five a pause that doubles from a
 * second to five minutes, so that a stranger who tries does not keep its owner out for long. Both: seconds to wait, 0: go on. */
int64_t attempts_wait_address(const Attempts *a, const char *address, int64_t now_ms);
int64_t attempts_wait_user(const Attempts *a, const char *user, int64_t now_ms);
/* When the table is full the failure that is oldest is forgotten. */
void attempts_failed(Attempts *a, const char *key, int64_t now_ms);
void attempts_undo(Attempts *a, const char *key); /* the last one was none */
void attempts_succeeded(Attempts *a, const char *key);
