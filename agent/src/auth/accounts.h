/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who signs in: the user, sessions of browsers, tokens of programs, the second factor, and the claim code with which the first user is
 * made. Of all that somebody could sign in with, hashes alone are kept. */
#pragma once

#include "event/loop.h"
#include "security/seal.h"
#include "security/secrets.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Accounts Accounts;

enum { USER_NAME_MAX = 32, RECOVERY_CODES = 10, RECOVERY_CODE_SIZE = 20, CLAIM_CODE_SIZE = 15, API_TOKEN_SIZE = 37 };

int accounts_new(Loop *l, Store *store, const Sealer *sealer, Accounts **ret_accounts);
Accounts *accounts_free(Accounts *a);

bool valid_user_name(const char *s); /* [a-z][a-z0-9._-]{0,31} */

/* --- who is there --- */

typedef struct {
        char user_id[13], session_id[13]; /* of a session, else empty */
        char token_id[13], scope[8];      /* of an API token, else empty */
        char name[65];                    /* of the user or the token */
} SignedIn;

/* value: of the cookie. STORE_OK, STORE_E_ABSENT (no such session, or it is over), negative errno. Notes that, and from where, it is used.
 */
int accounts_by_cookie(Accounts *a, const char *value, const char *address, SignedIn *ret);
/* value: `nst_…`. */
int accounts_by_token(Accounts *a, const char *value, SignedIn *ret);

/* --- what takes a moment, since a password is hashed --- */

typedef enum {
        SIGN_OK,
        SIGN_WRONG,       /* user or password */
        SIGN_CODE_WANTED, /* the password is right; there is a second factor */
        SIGN_WRONG_CODE,  /* of the second factor, or the claim code */
        SIGN_WAIT,        /* too many attempts: wait_s */
        SIGN_BUSY,        /* too many others try at this moment */
        SIGN_REFUSED,     /* sentence about field */
        SIGN_FAILED,      /* error */
} SignOutcome;

typedef struct {
        SignOutcome outcome;
        int64_t wait_s;
        const char *field, *sentence;
        int error;
        const char *cookie;        /* of a new session: what the browser gets */
        SignedIn who;              /* of a new session */
        const char *secret, *user; /* accounts_factor_begin(): base32 */
        bool was_reset;            /* accounts_claim(): the user was there before */
} SignResult;

typedef struct SignTask SignTask;
typedef void (*SignDone)(void *owner, const SignResult *result); /* never called from inside */

/* The browser that somebody signs in with. */
typedef struct {
        const char *address, *agent; /* may be empty */
} Browser;

/* code may be NULL, a code of the app, or a recovery code. */
int accounts_sign_in(Accounts *a, const char *user, const char *password, const char *code, const Browser *b, SignDone done, void *owner,
                     SignTask **ret_task);
/* Makes the first user, or gives the one that there is another password and no second factor. */
int accounts_claim(Accounts *a, const char *claim_code, const char *user, const char *password, const Browser *b, SignDone done,
                   void *owner, SignTask **ret_task);
/* All sessions but who's end. */
int accounts_change_password(Accounts *a, const SignedIn *who, const char *current, const char *password, SignDone done, void *owner,
                             SignTask **ret_task);
/* Makes a secret that is pending until accounts_factor_confirm(). SIGN_REFUSED: there is one already. */
int accounts_factor_begin(Accounts *a, const SignedIn *who, const char *password, SignDone done, void *owner, SignTask **ret_task);
int accounts_factor_remove(Accounts *a, const SignedIn *who, const char *password, const char *code, SignDone done, void *owner,
                           SignTask **ret_task);
SignTask *sign_task_drop(SignTask *t); /* NULL-safe, returns NULL; allowed inside its own callback */

/* Codes of the app for the pending secret: 0 and new recovery codes; STORE_E_ABSENT: nothing is pending, STORE_E_USED: the code is wrong.
 * All sessions but who's end. */
int accounts_factor_confirm(Accounts *a, const SignedIn *who, const char *code, char ret_codes[static RECOVERY_CODES][RECOVERY_CODE_SIZE]);

/* --- claim code --- */

/* Good for a day; the one before is none any more. STORE_E_TAKEN: there is a user, and is_reset was not set. */
int accounts_claim_code_new(Accounts *a, bool is_reset, char ret_code[static CLAIM_CODE_SIZE]);
bool accounts_can_claim(Accounts *a); /* a code is good, or there is no user yet */

/* --- sessions, tokens --- */

int accounts_sign_out(Accounts *a, const SignedIn *who);
/* ret_token is shown once. days 0: no end. STORE_E_TAKEN: the name. */
int accounts_token_new(Accounts *a, const char *name, const char *scope, int64_t days, ApiTokenRow *ret_row,
                       char ret_token[static API_TOKEN_SIZE]);

/* Runs whenever sessions or tokens have ended (15 s later at most, of those whose time has run out): whoever is followed by an open
 * connection has to show anew that it may. */
void accounts_on_ended(Accounts *a, void (*ended)(void *owner), void *owner);
/* Tells so; for those who have ended one in the store. */
void accounts_ended(Accounts *a);
