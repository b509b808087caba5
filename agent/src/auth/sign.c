/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What needs a password: signing in, claiming a new server, and what a person has to confirm with it. */
#include "auth/internal.h"
#include "auth/totp.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "security/random.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

typedef enum { SIGN_IN, CLAIM, CHANGE_PASSWORD, FACTOR_BEGIN, FACTOR_REMOVE } Kind;

struct SignTask {
        Accounts *a;
        HashJob *job;
        Timer *soon; /* of an outcome that was known at once */
        SignResult result;
        bool is_ending;
        Kind kind;
        SignDone done;
        void *owner;

        SignedIn who;                 /* who asks, where somebody is signed in */
        char user[USER_NAME_MAX + 1]; /* as typed */
        char user_id[13];             /* whose password is verified; empty: nobody's */
        char code[64], claim[64];
        char password[LOGIN_PASSWORD_MAX + 1]; /* the new one */
        char address[48], key[48], agent[200]; /* key: of the table of attempts */
};

/* --- ends --- */

static void task_free(SignTask *t) {
        hash_job_drop(t->job);
        timer_drop(t->soon);
        secret_zero(t, sizeof *t);
        free(t);
}

SignTask *sign_task_drop(SignTask *t) {
        if (t && !t->is_ending)
                task_free(t);
        return NULL;
}

static void end(SignTask *t, const SignResult *result) {
        t->job = NULL; /* its callback is where we are, or it never was */
        t->is_ending = true;
        t->done(t->owner, result);
        task_free(t);
}

static void end_with(SignTask *t, SignOutcome outcome) {
        end(t, &(SignResult){ .outcome = outcome });
}

static void end_failed(SignTask *t, int r) {
        end(t, &(SignResult){ .outcome = SIGN_FAILED, .error = r < 0 ? r : -EIO });
}

static void on_soon(void *owner) {
        SignTask *t = owner;

        end(t, &t->result);
}

static int end_soon(SignTask *t, const SignResult *result, SignTask **ret_task) {
        int r;

        t->result = *result;
        r = timer_start(t->a->loop, 0, on_soon, t, &t->soon);
        if (r < 0) {
                task_free(t);
                return r;
        }
        *ret_task = t;
        return 0;
}

/* --- attempts --- */

/* A whole network of IPv6 is one customer's. */
static void attempts_key(const char *address, char ret[static 48]) {
        struct in6_addr a;

        if (inet_pton(AF_INET6, address, &a) == 1 && !IN6_IS_ADDR_V4MAPPED(&a)) {
                memset(a.s6_addr + 8, 0, 8);
                if (inet_ntop(AF_INET6, &a, ret, 48))
                        return;
        }
        (void) snprintf(ret, 48, "%.47s", address);
}

static void failed(SignTask *t, SignOutcome outcome) {
        int64_t now = clock_now_ms();

        attempts_failed(&t->a->addresses, t->key, now);
        if (t->user[0])
                attempts_failed(&t->a->users, t->user, now);
        end_with(t, outcome);
}

static int64_t wait_of(const SignTask *t) {
        int64_t now = clock_now_ms(), address = attempts_wait_address(&t->a->addresses, t->key, now),
                user = t->user[0] ? attempts_wait_user(&t->a->users, t->user, now) : 0;

        return address > user ? address : user;
}

static void succeeded(SignTask *t) {
        attempts_succeeded(&t->a->addresses, t->key);
        attempts_succeeded(&t->a->users, t->user);
}

/* --- after the password was found to be right --- */

static void open_session(SignTask *t, const UserRow *user, bool was_reset) {
        char cookie[TOKEN_LENGTH + 1];
        SignResult result = { .outcome = SIGN_OK, .cookie = cookie, .was_reset = was_reset };
        int r = session_new(t->a, user, &(Browser){ t->address, t->agent }, cookie, &result.who);

        if (r != STORE_OK)
                end_failed(t, r);
        else
                end(t, &result);
        secret_zero(cookie, sizeof cookie);
}

static void sign_in(SignTask *t, const UserRow *user) {
        int r = 0;

        if (user->totp_secret) {
                if (!t->code[0]) {
                        end_with(t, SIGN_CODE_WANTED);
                        return;
                }
                r = factor_take(t->a, user, t->code, true);
                if (r == STORE_E_USED) {
                        failed(t, SIGN_WRONG_CODE);
                        return;
                }
                if (r < 0) {
                        end_failed(t, r);
                        return;
                }
        }
        succeeded(t);
        open_session(t, user, false);
}

static void on_new_password(void *owner, const HashResult *hashed);

static void begin_factor(SignTask *t, UserRow *user) {
        unsigned char secret[TOTP_SECRET_BYTES];
        char base32[TOTP_BASE32_SIZE];
        char *sealed = NULL;
        int r;

        if (user->totp_secret) {
                end(t, &(SignResult){ .outcome = SIGN_REFUSED, .sentence = "There is a second factor already. Remove it first." });
                return;
        }
        totp_secret_new(secret);
        totp_base32(secret, base32);
        secret_zero(secret, sizeof secret);
        r = factor_seal(t->a, user->id, base32, &sealed);
        if (r == 0) {
                free(user->totp_pending);
                user->totp_pending = sealed;
                r = store_user_update(t->a->store, user);
        }
        if (r != STORE_OK)
                end_failed(t, r);
        else
                end(t, &(SignResult){ .outcome = SIGN_OK, .secret = base32, .user = user->name });
        secret_zero(base32, sizeof base32);
}

static void remove_factor(SignTask *t, UserRow *user) {
        int r = user->totp_secret ? factor_take(t->a, user, t->code, true) : STORE_OK;

        if (r == STORE_E_USED) {
                failed(t, SIGN_WRONG_CODE);
                return;
        }
        if (r == STORE_OK) {
                free(handover(user->totp_secret));
                free(handover(user->totp_pending));
                r = store_user_update(t->a->store, user);
        }
        if (r == STORE_OK)
                r = store_recovery_put(t->a->store, user->id, NULL, 0);
        if (r == STORE_OK)
                end_with(t, SIGN_OK);
        else
                end_failed(t, r);
}

static void on_verified(void *owner, const HashResult *verified) {
        SignTask *t = owner;
        UserRow user = { 0 };
        int r;

        t->job = NULL;
        if (!verified->ok) {
                end_failed(t, -ENOMEM);
                return;
        }
        if (!verified->is_right || !t->user_id[0]) {
                failed(t, SIGN_WRONG);
                return;
        }
        r = store_user_get(t->a->store, t->user_id, &user);
        if (r != STORE_OK)
                end_failed(t, r);
        else if (t->kind == SIGN_IN)
                sign_in(t, &user);
        else if (t->kind == FACTOR_BEGIN)
                begin_factor(t, &user);
        else if (t->kind == FACTOR_REMOVE)
                remove_factor(t, &user);
        else {
                r = hasher_hash(t->a->hasher, t->password, on_new_password, t, &t->job);
                if (r == -EBUSY)
                        end_with(t, SIGN_BUSY);
                else if (r < 0)
                        end_failed(t, r);
        }
        user_row_done(&user);
}

/* --- a new password --- */

static int put_password(UserRow *user, const char *hash) {
        char *copy = strdup(hash);

        if (!copy)
                return -ENOMEM;
        free(user->password);
        user->password = copy;
        return 0;
}

/* In a transaction. */
static int change(SignTask *t, const char *hash) {
        UserRow user = { 0 };
        int r = store_user_get(t->a->store, t->user_id, &user);

        if (r == STORE_OK)
                r = put_password(&user, hash);
        if (r == STORE_OK)
                r = store_user_update(t->a->store, &user);
        if (r == STORE_OK)
                r = store_session_delete_others(t->a->store, user.id, t->who.session_id);
        user_row_done(&user);
        return r;
}

/* In a transaction: the user that there is loses whatever signs it in. */
static int claim(SignTask *t, const char *hash, UserRow *ret_user, bool *ret_was_there) {
        Store *store = t->a->store;
        char id[13];
        int r = store_user_first(store, ret_user);

        *ret_was_there = r == STORE_OK;
        if (r == STORE_E_ABSENT) {
                random_id(id);
                *ret_user = (UserRow){
                        .id = strdup(id), .name = strdup(t->user), .password = strdup(hash), .created_at_ms = clock_now_ms()
                };
                r = ret_user->id && ret_user->name && ret_user->password ? store_user_add(store, ret_user) : -ENOMEM;
        } else if (r == STORE_OK) {
                free(ret_user->name);
                ret_user->name = strdup(t->user);
                free(handover(ret_user->totp_secret));
                free(handover(ret_user->totp_pending));
                r = ret_user->name ? put_password(ret_user, hash) : -ENOMEM;
                if (r == 0)
                        r = store_user_update(store, ret_user);
                if (r == STORE_OK)
                        r = store_recovery_put(store, ret_user->id, NULL, 0);
                if (r == STORE_OK)
                        r = store_session_delete_others(store, ret_user->id, "");
        }
        return r == STORE_OK ? store_setting_put(store, CLAIM_SETTING, "") : r;
}

static void on_new_password(void *owner, const HashResult *hashed) {
        SignTask *t = owner;
        UserRow user = { 0 };
        bool was_there = false;
        int r;

        t->job = NULL;
        if (!hashed->ok) {
                end_failed(t, -ENOMEM);
                return;
        }
        /* Of two who claim with one code the second is late. */
        if (t->kind == CLAIM && claim_check(t->a, t->claim) != STORE_OK) {
                failed(t, SIGN_WRONG_CODE);
                return;
        }
        r = store_begin(t->a->store);
        if (r == 0) {
                r = t->kind == CLAIM ? claim(t, hashed->hash, &user, &was_there) : change(t, hashed->hash);
                if (r == STORE_OK)
                        r = store_commit(t->a->store);
                else
                        store_rollback(t->a->store);
        }
        accounts_ended(t->a);
        if (r != STORE_OK)
                end_failed(t, r);
        else if (t->kind == CLAIM) {
                succeeded(t);
                open_session(t, &user, was_there);
        } else
                end_with(t, SIGN_OK);
        user_row_done(&user);
}

/* --- beginnings --- */

static SignTask *task_new(Accounts *a, Kind kind, const SignedIn *who, const Browser *b, SignDone done, void *owner) {
        SignTask *t = calloc(1, sizeof *t);

        if (!t)
                return NULL;
        *t = (SignTask){ .a = a, .kind = kind, .done = done, .owner = owner };
        if (who) {
                t->who = *who;
                (void) snprintf(t->user_id, sizeof t->user_id, "%s", who->user_id);
                (void) snprintf(t->user, sizeof t->user, "%.32s", who->name);
                (void) snprintf(t->key, sizeof t->key, "session %s", who->session_id);
        }
        if (b) {
                (void) snprintf(t->address, sizeof t->address, "%.47s", b->address);
                (void) snprintf(t->agent, sizeof t->agent, "%.199s", b->agent);
                text_make_line(t->agent);
                attempts_key(b->address, t->key);
        }
        return t;
}

static bool fits(char *to, size_t size, const char *text) {
        return text && snprintf(to, size, "%s", text) < (int) size;
}

/* Verifies password against that of t->user_id. */
static int verify(SignTask *t, const char *password, SignTask **ret_task) {
        UserRow user = { 0 };
        int64_t wait = wait_of(t);
        int r;

        if (wait)
                return end_soon(t, &(SignResult){ .outcome = SIGN_WAIT, .wait_s = wait }, ret_task);
        if (strlen(password) > LOGIN_PASSWORD_MAX)
                password = "";
        r = t->user_id[0] ? store_user_get(t->a->store, t->user_id, &user)
                          : (t->user[0] ? store_user_get_by_name(t->a->store, t->user, &user) : STORE_E_ABSENT);
        if (r == STORE_OK)
                (void) snprintf(t->user_id, sizeof t->user_id, "%s", user.id);
        if (r == STORE_OK || r == STORE_E_ABSENT)
                r = hasher_verify(t->a->hasher, password, user.password, on_verified, t, &t->job);
        user_row_done(&user);
        if (r == -EBUSY)
                return end_soon(t, &(SignResult){ .outcome = SIGN_BUSY }, ret_task);
        if (r != 0)
                return end_soon(t, &(SignResult){ .outcome = SIGN_FAILED, .error = r < 0 ? r : -EIO }, ret_task);
        *ret_task = t;
        return 0;
}

int accounts_sign_in(Accounts *a, const char *user, const char *password, const char *code, const Browser *b, SignDone done, void *owner,
                     SignTask **ret_task) {
        SignTask *t = task_new(a, SIGN_IN, NULL, b, done, owner);

        if (!t)
                return -ENOMEM;
        if (valid_user_name(user)) /* another one is nobody's */
                (void) fits(t->user, sizeof t->user, user);
        if (code && !fits(t->code, sizeof t->code, code))
                (void) snprintf(t->code, sizeof t->code, "?");
        return verify(t, password, ret_task);
}

static int refuse_soon(SignTask *t, const char *field, const char *sentence, SignTask **ret_task) {
        return end_soon(t, &(SignResult){ .outcome = SIGN_REFUSED, .field = field, .sentence = sentence }, ret_task);
}

int accounts_claim(Accounts *a, const char *claim_code, const char *user, const char *password, const Browser *b, SignDone done,
                   void *owner, SignTask **ret_task) {
        SignTask *t = task_new(a, CLAIM, NULL, b, done, owner);
        const char *problem = login_password_problem(password, user);
        int64_t wait;
        int r;

        if (!t)
                return -ENOMEM;
        wait = wait_of(t);
        if (wait)
                return end_soon(t, &(SignResult){ .outcome = SIGN_WAIT, .wait_s = wait }, ret_task);
        if (!fits(t->claim, sizeof t->claim, claim_code) || claim_check(a, t->claim) != STORE_OK) {
                attempts_failed(&a->addresses, t->key, clock_now_ms());
                return end_soon(t, &(SignResult){ .outcome = SIGN_WRONG_CODE }, ret_task);
        }
        if (!valid_user_name(user))
                return refuse_soon(t, "user", "A user name begins with a letter and has at most 32 of a-z, 0-9, dot, dash and underscore.",
                                   ret_task);
        if (problem)
                return refuse_soon(t, "password", problem, ret_task);
        (void) fits(t->user, sizeof t->user, user);
        r = hasher_hash(a->hasher, password, on_new_password, t, &t->job);
        if (r < 0)
                return end_soon(t, &(SignResult){ .outcome = r == -EBUSY ? SIGN_BUSY : SIGN_FAILED, .error = r }, ret_task);
        *ret_task = t;
        return 0;
}

int accounts_change_password(Accounts *a, const SignedIn *who, const char *current, const char *password, SignDone done, void *owner,
                             SignTask **ret_task) {
        SignTask *t = task_new(a, CHANGE_PASSWORD, who, NULL, done, owner);
        const char *problem = login_password_problem(password, who->name);

        if (!t)
                return -ENOMEM;
        if (problem)
                return refuse_soon(t, "password", problem, ret_task);
        (void) fits(t->password, sizeof t->password, password);
        return verify(t, current, ret_task);
}

int accounts_factor_begin(Accounts *a, const SignedIn *who, const char *password, SignDone done, void *owner, SignTask **ret_task) {
        SignTask *t = task_new(a, FACTOR_BEGIN, who, NULL, done, owner);

        return t ? verify(t, password, ret_task) : -ENOMEM;
}

int accounts_factor_remove(Accounts *a, const SignedIn *who, const char *password, const char *code, SignDone done, void *owner,
                           SignTask **ret_task) {
        SignTask *t = task_new(a, FACTOR_REMOVE, who, NULL, done, owner);

        if (!t)
                return -ENOMEM;
        if (!fits(t->code, sizeof t->code, code))
                (void) snprintf(t->code, sizeof t->code, "?");
        return verify(t, password, ret_task);
}
