/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the files of this folder share. */
#pragma once

#include "auth/accounts.h"
#include "auth/attempts.h"
#include "auth/hasher.h"

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
enum { SESSIONS_MAX = 32 };
#define CLAIM_SETTING "claim_code" /* HASH EXPIRES_MS */

struct Accounts {
        Loop *loop;
        Store *store;
        const Sealer *sealer;
        Hasher *hasher;
        void (*tell_ended)(void *owner); /* may be NULL */
        void *ended_owner;
        Timer *timer;
        int64_t looked_ms; /* when it looked last for what had run out */
        Attempts addresses, users;
};

/* Signed in: a new session. ret_cookie is what the browser gets. */
int session_new(Accounts *a, const UserRow *user, const Browser *b, char ret_cookie[static TOKEN_LENGTH + 1], SignedIn *ret);
/* 0, STORE_E_USED (wrong, or used before), or negative errno. code: of the app or, when may_recover, a recovery code, which is used up. */
int factor_take(Accounts *a, const UserRow *user, const char *code, bool may_recover);
int factor_seal(const Accounts *a, const char *user_id, const char *base32, char **ret_sealed);
int factor_find(const Accounts *a, const UserRow *user, const char *sealed, const char *code, int64_t *ret_step);

/* n groups of four of an alphabet without look-alikes, 19 bits and more each, with dashes between. */
void code_new(unsigned n_groups, char *ret);
/* What somebody typed as it was made: upper case, dashes where they belong. False: it cannot be one. */
bool code_normalize(const char *typed, unsigned n_groups, char *ret);
/* STORE_OK, STORE_E_USED: wrong, STORE_E_EXPIRED. */
int claim_check(Accounts *a, const char *typed);
