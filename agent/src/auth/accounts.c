/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "auth/internal.h"

#include "base/cleanup.h"
#include "security/random.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SESSION_MS (30 * DAY_MS)
#define UNUSED_MS (7 * DAY_MS)
/* As exact as people need it: each write costs a small server's disk something. */
#define TOUCH_MS (INT64_C(60) * 1000)
#define LOOK_US (UINT64_C(15) * 1000 * 1000)
#define TOKEN_PREFIX "nst_"

/* Nobody asks with them any more, but somebody may be listening. */
static void end_what_has_run_out(void *owner) {
        Accounts *a = owner;
        int64_t now = clock_now_ms(), n = 0;

        if (store_count_run_out(a->store, a->looked_ms, now, now - UNUSED_MS, &n) == STORE_OK &&
            (n == 0 || store_session_clean(a->store, now, now - UNUSED_MS) == STORE_OK)) {
                if (n > 0)
                        accounts_ended(a);
                a->looked_ms = now;
        }
        (void) timer_rearm(a->timer, LOOK_US);
}

int accounts_new(Loop *l, Store *store, const Sealer *sealer, Accounts **ret_accounts) {
        Accounts *a = calloc(1, sizeof *a);
        int r;

        if (!a)
                return -ENOMEM;
        *a = (Accounts){ .loop = l, .store = store, .sealer = sealer, .looked_ms = clock_now_ms() };
        r = hasher_new(l, &a->hasher);
        if (r == 0)
                r = timer_start(l, 0, end_what_has_run_out, a, &a->timer);
        if (r < 0) {
                accounts_free(a);
                return r;
        }
        *ret_accounts = a;
        return 0;
}

Accounts *accounts_free(Accounts *a) {
        if (!a)
                return NULL;
        timer_drop(a->timer);
        hasher_free(a->hasher);
        free(a);
        return NULL;
}

bool valid_user_name(const char *s) {
        size_t n = s ? strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") : 0;

        return n >= 1 && n <= USER_NAME_MAX && s[n] == '\0' && s[0] >= 'a' && s[0] <= 'z';
}

void accounts_on_ended(Accounts *a, void (*ended)(void *owner), void *owner) {
        a->tell_ended = ended;
        a->ended_owner = owner;
}

void accounts_ended(Accounts *a) {
        if (a->tell_ended)
                a->tell_ended(a->ended_owner);
}

/* --- codes that people type --- */

void code_new(unsigned n_groups, char *ret) {
        static const char alphabet[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"; /* 32: no 0 and O, no 1 and I */
        unsigned char random[SECRET_BYTES];

        secret_new(random);
        for (unsigned i = 0; i < n_groups * 4; i++) {
                if (i && i % 4 == 0)
                        *ret++ = '-';
                *ret++ = alphabet[random[i] & 31];
        }
        *ret = '\0';
        secret_zero(random, sizeof random);
}

bool code_normalize(const char *typed, unsigned n_groups, char *ret) {
        unsigned n = 0;

        for (; *typed; typed++) {
                char c = *typed;
                if (c == '-' || c == ' ')
                        continue;
                if (c >= 'a' && c <= 'z')
                        c = (char) (c - 'a' + 'A');
                if (!((c >= 'A' && c <= 'Z') || (c >= '2' && c <= '9')) || n == n_groups * 4)
                        return false;
                if (n && n % 4 == 0)
                        *ret++ = '-';
                *ret++ = c;
                n++;
        }
        *ret = '\0';
        return n == n_groups * 4;
}

/* --- sessions --- */

int session_new(Accounts *a, const UserRow *user, const Browser *b, char ret_cookie[static TOKEN_LENGTH + 1], SignedIn *ret) {
        char id[13], hash[65], agent[200];
        int64_t now = clock_now_ms();
        SessionRow row;

        random_id(id);
        token_new(ret_cookie);
        token_hash(ret_cookie, hash);
        (void) snprintf(agent, sizeof agent, "%s", b->agent);
        row = (SessionRow){ .id = id,
                            .hash = hash,
                            .user_id = user->id,
                            .address = (char *) (uintptr_t) b->address,
                            .agent = agent,
                            .created_at_ms = now,
                            .used_at_ms = now,
                            .expires_at_ms = now + SESSION_MS };
        *ret = (SignedIn){ 0 };
        (void) snprintf(ret->user_id, sizeof ret->user_id, "%s", user->id);
        (void) snprintf(ret->session_id, sizeof ret->session_id, "%s", id);
        (void) snprintf(ret->name, sizeof ret->name, "%s", user->name);
        return store_session_add(a->store, &row, SESSIONS_MAX);
}

static bool is_good_session(const SessionRow *row, int64_t now) {
        return row->expires_at_ms > now && row->used_at_ms + UNUSED_MS > now;
}

int accounts_by_cookie(Accounts *a, const char *value, const char *address, SignedIn *ret) {
        int64_t now = clock_now_ms();
        SessionRow row = { 0 };
        UserRow user = { 0 };
        char hash[65];
        int r;

        if (strlen(value) != TOKEN_LENGTH)
                return STORE_E_ABSENT;
        token_hash(value, hash);
        r = store_session_get(a->store, hash, &row);
        if (r == STORE_OK && !is_good_session(&row, now)) /* end_what_has_run_out() removes it, and whoever listens with it */
                r = STORE_E_ABSENT;
        if (r == STORE_OK)
                r = store_user_get(a->store, row.user_id, &user);
        if (r == STORE_OK) {
                *ret = (SignedIn){ 0 };
                (void) snprintf(ret->user_id, sizeof ret->user_id, "%s", user.id);
                (void) snprintf(ret->session_id, sizeof ret->session_id, "%s", row.id);
                (void) snprintf(ret->name, sizeof ret->name, "%s", user.name);
                if (now - row.used_at_ms >= TOUCH_MS || now < row.used_at_ms || strcmp(row.address, address) != 0) {
                        char *before = row.address;

                        row.used_at_ms = now;
                        row.address = (char *) (uintptr_t) address;
                        (void) store_session_touch(a->store, &row); /* only told to people: a full disk keeps nobody out */
                        row.address = before;
                }
        }
        user_row_done(&user);
        session_row_done(&row);
        return r;
}

int accounts_sign_out(Accounts *a, const SignedIn *who) {
        int r = store_session_delete(a->store, who->user_id, who->session_id);

        accounts_ended(a);
        return r == STORE_E_ABSENT ? STORE_OK : r;
}

/* --- tokens --- */

int accounts_token_new(Accounts *a, const char *name, const char *scope, int64_t days, ApiTokenRow *ret_row,
                       char ret_token[static API_TOKEN_SIZE]) {
        char id[13], hash[65], token[TOKEN_LENGTH + 1];
        int64_t now = clock_now_ms();
        ApiTokenRow row;
        int r;

        random_id(id);
        token_new(token);
        (void) snprintf(ret_token, API_TOKEN_SIZE, TOKEN_PREFIX "%s", token);
        secret_zero(token, sizeof token);
        token_hash(ret_token, hash);
        row = (ApiTokenRow){ .id = id,
                             .hash = hash,
                             .name = (char *) (uintptr_t) name,
                             .scope = (char *) (uintptr_t) scope,
                             .created_at_ms = now,
                             .expires_at_ms = days ? now + days * DAY_MS : 0 };
        r = store_api_token_add(a->store, &row);
        return r == STORE_OK ? store_api_token_get(a->store, hash, ret_row) : r;
}

int accounts_by_token(Accounts *a, const char *value, SignedIn *ret) {
        int64_t now = clock_now_ms();
        ApiTokenRow row = { 0 };
        char hash[65];
        int r;

        if (strlen(value) != API_TOKEN_SIZE - 1 || strncmp(value, TOKEN_PREFIX, strlen(TOKEN_PREFIX)) != 0)
                return STORE_E_ABSENT;
        token_hash(value, hash);
        r = store_api_token_get(a->store, hash, &row);
        if (r == STORE_OK && row.expires_at_ms && row.expires_at_ms <= now)
                r = STORE_E_ABSENT;
        if (r == STORE_OK) {
                *ret = (SignedIn){ 0 };
                (void) snprintf(ret->token_id, sizeof ret->token_id, "%s", row.id);
                (void) snprintf(ret->scope, sizeof ret->scope, "%s", row.scope);
                (void) snprintf(ret->name, sizeof ret->name, "%s", row.name);
                if (now - row.used_at_ms >= TOUCH_MS || now < row.used_at_ms) {
                        row.used_at_ms = now;
                        (void) store_api_token_touch(a->store, &row);
                }
        }
        api_token_row_done(&row);
        return r;
}

/* --- claim code --- */

int accounts_claim_code_new(Accounts *a, bool is_reset, char ret_code[static CLAIM_CODE_SIZE]) {
        char hash[65], value[96];
        UserRow user = { 0 };
        int r = store_user_first(a->store, &user);

        user_row_done(&user);
        if (r == STORE_OK && !is_reset)
                return STORE_E_TAKEN;
        if (r != STORE_OK && r != STORE_E_ABSENT)
                return r;
        code_new(3, ret_code);
        token_hash(ret_code, hash);
        (void) snprintf(value, sizeof value, "%s %" PRId64, hash, clock_now_ms() + DAY_MS);
        return store_setting_put(a->store, CLAIM_SETTING, value);
}

/* The setting's parts; false: no code is good. */
static bool claim_read(const Accounts *a, char ret_hash[static 65]) {
        auto_free char *value = NULL;
        int64_t now = clock_now_ms(), expires = 0;

        if (store_setting_get(a->store, CLAIM_SETTING, &value) != STORE_OK || sscanf(value, "%64s %" SCNd64, ret_hash, &expires) != 2)
                return false;
        return now < expires && expires - now <= DAY_MS;
}

int claim_check(Accounts *a, const char *typed) {
        char wanted[65], hash[65], code[CLAIM_CODE_SIZE];

        if (!claim_read(a, wanted))
                return STORE_E_EXPIRED;
        if (!code_normalize(typed, 3, code))
                return STORE_E_USED;
        token_hash(code, hash);
        return secret_equal(hash, wanted) ? STORE_OK : STORE_E_USED;
}

bool accounts_can_claim(Accounts *a) {
        UserRow user = { 0 };
        char hash[65];
        bool is_none = store_user_first(a->store, &user) == STORE_E_ABSENT;

        user_row_done(&user);
        return is_none || claim_read(a, hash);
}
