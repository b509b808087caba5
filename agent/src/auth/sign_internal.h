/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* One request for which a password is hashed: sign.c begins it and ends it, sign_verified.c does what the password allows. */
#pragma once

#include "auth/internal.h"

typedef enum { SIGN_IN, CLAIM, CHANGE_PASSWORD, FACTOR_BEGIN, FACTOR_REMOVE } SignKind;

struct SignTask {
        Accounts *a;
        HashJob *job;
        Timer *soon; /* of an outcome that was known at once */
        SignResult result;
        bool is_ending, is_counted; /* counted: as an attempt that failed, until it ends otherwise */
        SignKind kind;
        SignDone done;
        void *owner;

        SignedIn who;                   /* who asks, where somebody is signed in */
        char user[USER_NAME_MAX + 1];   /* as typed */
        char user_id[13];               /* whose password is verified; empty: nobody's */
        char verified[LOGIN_HASH_SIZE]; /* the hash that it is verified against */
        char code[64], claim[64];
        char password[LOGIN_PASSWORD_MAX + 1]; /* the new one */
        char address[48], key[48], agent[200]; /* key: of the table of attempts */
};

/* The task is gone afterwards. */
void sign_end(SignTask *t, const SignResult *result);
void sign_end_with(SignTask *t, SignOutcome outcome);
void sign_end_failed(SignTask *t, int r);
/* Callbacks of the hasher. */
void sign_on_verified(void *owner, const HashResult *verified);
void sign_on_new_password(void *owner, const HashResult *hashed);
