/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "auth/sign_internal.h"
#include "auth/totp.h"

#include "base/cleanup.h"
#include "security/random.h"

#include <errno.h>
#include <string.h>

/* --- after the password was found to be right --- */

static void open_session(SignTask *t, const UserRow *user, bool was_reset) {
        char cookie[TOKEN_LENGTH + 1];
        SignResult result = { .outcome = SIGN_OK, .cookie = cookie, .was_reset = was_reset };
        int r = session_new(t->a, user, &(Browser){ t->address, t->agent }, cookie, &result.who);

        if (r != STORE_OK)
                sign_end_failed(t, r);
        else
                sign_end(t, &result);
        secret_zero(cookie, sizeof cookie);
}

static void sign_in(SignTask *t, const UserRow *user) {
        int r = 0;

        if (user->totp_secret) {
                if (!t->code[0]) {
                        sign_end_with(t, SIGN_CODE_WANTED);
                        return;
                }
                r = factor_take(t->a, user, t->code, true);
                if (r == STORE_E_USED) {
                        sign_end_with(t, SIGN_WRONG_CODE);
                        return;
                }
                if (r < 0) {
                        sign_end_failed(t, r);
                        return;
                }
        }
        open_session(t, user, false);
}

static void begin_factor(SignTask *t, UserRow *user) {
        unsigned char secret[TOTP_SECRET_BYTES];
        char base32[TOTP_BASE32_SIZE];
        char *sealed = NULL;
        int r;

        if (user->totp_secret) {
                sign_end(t, &(SignResult){ .outcome = SIGN_REFUSED, .sentence = "There is a second factor already. Remove it first." });
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
                sign_end_failed(t, r);
        else
                sign_end(t, &(SignResult){ .outcome = SIGN_OK, .secret = base32, .user = user->name });
        secret_zero(base32, sizeof base32);
}

static void remove_factor(SignTask *t, UserRow *user) {
        int r = user->totp_secret ? factor_take(t->a, user, t->code, true) : STORE_OK;

        if (r == STORE_E_USED) {
                sign_end_with(t, SIGN_WRONG_CODE);
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
                sign_end_with(t, SIGN_OK);
        else
                sign_end_failed(t, r);
}

/* Hashing takes a moment, in which another password may have been set, or the session of who asks may have ended: STORE_E_ABSENT. */
static int still_good(const SignTask *t, UserRow *ret_user) {
        int r = store_user_get(t->a->store, t->user_id, ret_user);

        if (r == STORE_OK && !secret_equal(ret_user->password, t->verified))
                r = STORE_E_ABSENT;
        if (r == STORE_OK && t->who.session_id[0])
                r = store_session_exists(t->a->store, t->user_id, t->who.session_id);
        return r;
}

void sign_on_verified(void *owner, const HashResult *verified) {
        SignTask *t = owner;
        UserRow user = { 0 };
        int r;

        t->job = NULL;
        if (!verified->ok) {
                sign_end_failed(t, -ENOMEM);
                return;
        }
        if (!verified->is_right || !t->user_id[0]) {
                sign_end_with(t, SIGN_WRONG);
                return;
        }
        r = still_good(t, &user);
        if (r == STORE_E_ABSENT)
                sign_end_with(t, SIGN_WRONG);
        else if (r != STORE_OK)
                sign_end_failed(t, r);
        else if (t->kind == SIGN_IN)
                sign_in(t, &user);
        else if (t->kind == FACTOR_BEGIN)
                begin_factor(t, &user);
        else if (t->kind == FACTOR_REMOVE)
                remove_factor(t, &user);
        else {
                r = hasher_hash(t->a->hasher, t->password, sign_on_new_password, t, &t->job);
                if (r == -EBUSY)
                        sign_end_with(t, SIGN_BUSY);
                else if (r < 0)
                        sign_end_failed(t, r);
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
        int r = still_good(t, &user);

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

void sign_on_new_password(void *owner, const HashResult *hashed) {
        SignTask *t = owner;
        UserRow user = { 0 };
        bool was_there = false;
        int r;

        t->job = NULL;
        if (!hashed->ok) {
                sign_end_failed(t, -ENOMEM);
                return;
        }
        /* Of two who claim with one code the second is late. */
        if (t->kind == CLAIM && claim_check(t->a, t->claim) != STORE_OK) {
                sign_end_with(t, SIGN_WRONG_CODE);
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
        if (r == STORE_E_ABSENT && t->kind == CHANGE_PASSWORD)
                sign_end_with(t, SIGN_WRONG);
        else if (r != STORE_OK)
                sign_end_failed(t, r);
        else if (t->kind == CLAIM) {
                open_session(t, &user, was_there);
        } else
                sign_end_with(t, SIGN_OK);
        user_row_done(&user);
}
