/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The second factor: an authenticator app, or a recovery code when that is lost. */
#include "auth/internal.h"
#include "auth/totp.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { RECOVERY_GROUPS = 4 };

_Static_assert(RECOVERY_GROUPS * 5 == RECOVERY_CODE_SIZE, "groups of four with dashes between and a NUL");

/* A sealed secret of one user is none of another. */
static void context_of(const char *user_id, char ret[static 32]) {
        (void) snprintf(ret, 32, "totp:%.12s", user_id);
}

int factor_seal(const Accounts *a, const char *user_id, const char *base32, char **ret_sealed) {
        char context[32];

        context_of(user_id, context);
        return seal_text(a->sealer, context, base32, strlen(base32), ret_sealed);
}

int factor_find(const Accounts *a, const UserRow *user, const char *sealed, const char *code, int64_t *ret_step) {
        unsigned char secret[TOTP_SECRET_BYTES];
        char context[32], *plain = NULL;
        size_t length = 0;
        int r;

        context_of(user->id, context);
        r = unseal_text(a->sealer, context, sealed, &plain, &length);
        if (r == 0 && !totp_from_base32(plain, secret))
                r = -EBADMSG;
        if (r == 0)
                *ret_step = totp_find(secret, code, clock_now_ms());
        secret_zero(secret, sizeof secret);
        secret_free(plain, length);
        return r;
}

int factor_take(Accounts *a, const UserRow *user, const char *code, bool may_recover) {
        char recovery[RECOVERY_CODE_SIZE], hash[65];
        int64_t step = 0;
        int r;

        if (may_recover && code_normalize(code, RECOVERY_GROUPS, recovery)) {
                token_hash(recovery, hash);
                r = store_recovery_take(a->store, user->id, hash);
                return r == STORE_E_ABSENT ? STORE_E_USED : r;
        }
        r = factor_find(a, user, user->totp_secret, code, &step);
        if (r < 0)
                return r;
        return step ? store_user_take_step(a->store, user->id, step) : STORE_E_USED;
}

/* In a transaction. */
static int confirm(Accounts *a, UserRow *user, int64_t step, const char *const *hashes) {
        int r;

        free(user->totp_secret);
        user->totp_secret = handover(user->totp_pending);
        user->totp_step = step;
        r = store_user_update(a->store, user);
        return r == STORE_OK ? store_recovery_put(a->store, user->id, hashes, RECOVERY_CODES) : r;
}

int accounts_factor_confirm(Accounts *a, const SignedIn *who, const char *code, char ret_codes[static RECOVERY_CODES][RECOVERY_CODE_SIZE]) {
        char hashes[RECOVERY_CODES][65];
        const char *list[RECOVERY_CODES];
        UserRow user = { 0 };
        int64_t step = 0;
        int r = store_user_get(a->store, who->user_id, &user);

        if (r == STORE_OK && !user.totp_pending)
                r = STORE_E_ABSENT;
        if (r == STORE_OK)
                r = factor_find(a, &user, user.totp_pending, code, &step);
        if (r == 0 && !step)
                r = STORE_E_USED;
        if (r == STORE_OK) {
                for (size_t i = 0; i < RECOVERY_CODES; i++) {
                        code_new(RECOVERY_GROUPS, ret_codes[i]);
                        token_hash(ret_codes[i], hashes[i]);
                        list[i] = hashes[i];
                }
                r = store_begin(a->store);
        }
        if (r == STORE_OK) {
                r = confirm(a, &user, step, list);
                if (r == STORE_OK)
                        r = store_session_delete_others(a->store, user.id, who->session_id);
                if (r == STORE_OK)
                        r = store_commit(a->store);
                else
                        store_rollback(a->store);
                accounts_ended(a);
        }
        user_row_done(&user);
        return r;
}
