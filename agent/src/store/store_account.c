/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Users, their sessions and recovery codes, and tokens for programs. */
#include "store/internal.h"

static const Column user_columns[] = {
        { "id", KEY, true, offsetof(UserRow, id) },
        { "name", KEY, false, offsetof(UserRow, name) },
        { "password", KEY, false, offsetof(UserRow, password) },
        { "totp_secret", TEXT_NULL, false, offsetof(UserRow, totp_secret) },
        { "totp_pending", TEXT_NULL, false, offsetof(UserRow, totp_pending) },
        { "totp_step", NUMBER, false, offsetof(UserRow, totp_step) },
        { "created_at_ms", NUMBER, true, offsetof(UserRow, created_at_ms) },
};
static const Table users = { user_columns, ELEMENTS(user_columns), sizeof(UserRow) };

static const Column session_columns[] = {
        { "id", KEY, true, offsetof(SessionRow, id) },
        { "hash", KEY, true, offsetof(SessionRow, hash) },
        { "user_id", KEY, true, offsetof(SessionRow, user_id) },
        { "address", TEXT, false, offsetof(SessionRow, address) },
        { "agent", TEXT, true, offsetof(SessionRow, agent) },
        { "created_at_ms", NUMBER, true, offsetof(SessionRow, created_at_ms) },
        { "used_at_ms", NUMBER, false, offsetof(SessionRow, used_at_ms) },
        { "expires_at_ms", NUMBER, true, offsetof(SessionRow, expires_at_ms) },
};
static const Table sessions = { session_columns, ELEMENTS(session_columns), sizeof(SessionRow) };

static const Column token_columns[] = {
        { "id", KEY, true, offsetof(ApiTokenRow, id) },
        { "hash", KEY, true, offsetof(ApiTokenRow, hash) },
        { "name", KEY, true, offsetof(ApiTokenRow, name) },
        { "scope", KEY, true, offsetof(ApiTokenRow, scope) },
        { "created_at_ms", NUMBER, true, offsetof(ApiTokenRow, created_at_ms) },
        { "used_at_ms", NUMBER, false, offsetof(ApiTokenRow, used_at_ms) },
        { "expires_at_ms", NUMBER, true, offsetof(ApiTokenRow, expires_at_ms) },
};
static const Table tokens = { token_columns, ELEMENTS(token_columns), sizeof(ApiTokenRow) };

static const Query user_add = { "INSERT INTO users ($columns) VALUES ($values)", &users };
static const Query user_get = { "SELECT $columns FROM users WHERE id = :id", &users };
static const Query user_by_name = { "SELECT $columns FROM users WHERE name = :name", &users };
static const Query user_first = { "SELECT $columns FROM users ORDER BY created_at_ms, id LIMIT 1", &users };
static const Query user_update = { "UPDATE users SET $set WHERE id = :id", &users };
/* In one statement, so that of two sign-ins with one code one is the first. */
static const Query user_take_step = { "UPDATE users SET totp_step = :step WHERE id = :id AND totp_step < :step", NULL };

static const Query code_add = { "INSERT INTO recovery_codes (hash, user_id) VALUES (:hash, :user)", NULL };
static const Query code_take = { "DELETE FROM recovery_codes WHERE hash = :hash AND user_id = :user", NULL };
static const Query codes_clear = { "DELETE FROM recovery_codes WHERE user_id = :user", NULL };
static const Query codes_count = { "SELECT count(*) FROM recovery_codes WHERE user_id = :user", NULL };

static const Query session_add = { "INSERT INTO sessions ($columns) VALUES ($values)", &sessions };
static const Query session_get = { "SELECT $columns FROM sessions WHERE hash = :hash", &sessions };
static const Query session_touch = { "UPDATE sessions SET $set WHERE id = :id", &sessions };
static const Query session_list = { "SELECT $columns FROM sessions WHERE user_id = :user ORDER BY used_at_ms DESC, id", &sessions };
static const Query session_exists = { "SELECT count(*) FROM sessions WHERE id = :id AND user_id = :user", NULL };
static const Query session_delete = { "DELETE FROM sessions WHERE id = :id AND user_id = :user", NULL };
static const Query session_delete_others = { "DELETE FROM sessions WHERE user_id = :user AND id <> :keep", NULL };
static const Query session_clean = { "DELETE FROM sessions WHERE expires_at_ms <= :now OR used_at_ms <= :unused", NULL };
static const Query count_run_out = { "SELECT (SELECT count(*) FROM sessions WHERE expires_at_ms <= :now OR used_at_ms <= :unused)"
                                     " + (SELECT count(*) FROM api_tokens WHERE expires_at_ms > :since AND expires_at_ms <= :now)",
                                     NULL };
/* Whoever signs in a thousand times has but the newest. */
static const Query session_limit = { "DELETE FROM sessions WHERE user_id = :user AND id NOT IN "
                                     "(SELECT id FROM sessions WHERE user_id = :user ORDER BY used_at_ms DESC, id LIMIT :limit)",
                                     NULL };

static const Query token_add = { "INSERT INTO api_tokens ($columns) VALUES ($values)", &tokens };
static const Query token_get = { "SELECT $columns FROM api_tokens WHERE hash = :hash", &tokens };
static const Query token_touch = { "UPDATE api_tokens SET $set WHERE id = :id", &tokens };
static const Query token_list = { "SELECT $columns FROM api_tokens ORDER BY name", &tokens };
static const Query token_delete = { "DELETE FROM api_tokens WHERE id = :id", NULL };

static int absent_is_fine(int r) {
        return r == STORE_E_ABSENT ? STORE_OK : r;
}

void user_row_done(UserRow *r) {
        table_row_done(&users, r);
}

int store_user_add(Store *s, const UserRow *r) {
        return sql_write(s, &user_add, r, NULL, 0);
}

int store_user_get(Store *s, const char *id, UserRow *ret) {
        return sql_get(s, &user_get, ARGUMENTS({ ":id", id }), ret);
}

int store_user_get_by_name(Store *s, const char *name, UserRow *ret) {
        return sql_get(s, &user_by_name, ARGUMENTS({ ":name", name }), ret);
}

int store_user_first(Store *s, UserRow *ret) {
        return sql_get(s, &user_first, NULL, 0, ret);
}

int store_user_update(Store *s, const UserRow *r) {
        return sql_write(s, &user_update, r, NULL, 0);
}

int store_user_take_step(Store *s, const char *id, int64_t step) {
        int r = sql_write(s, &user_take_step, NULL, ARGUMENTS({ ":id", id }, { ":step", .number = step }));

        return r == STORE_E_ABSENT ? STORE_E_USED : r;
}

/* --- recovery codes --- */

int store_recovery_put(Store *s, const char *user_id, const char *const *hashes, size_t n) {
        int r = absent_is_fine(sql_write(s, &codes_clear, NULL, ARGUMENTS({ ":user", user_id })));

        for (size_t i = 0; i < n && r == STORE_OK; i++)
                r = sql_write(s, &code_add, NULL, ARGUMENTS({ ":hash", hashes[i] }, { ":user", user_id }));
        return r;
}

int store_recovery_take(Store *s, const char *user_id, const char *hash) {
        return sql_write(s, &code_take, NULL, ARGUMENTS({ ":hash", hash }, { ":user", user_id }));
}

int store_recovery_count(Store *s, const char *user_id, int64_t *ret) {
        return sql_number(s, &codes_count, ARGUMENTS({ ":user", user_id }), ret);
}

/* --- sessions --- */

void session_row_done(SessionRow *r) {
        table_row_done(&sessions, r);
}

int store_session_add(Store *s, const SessionRow *r, int64_t limit) {
        int code = sql_write(s, &session_add, r, NULL, 0);

        if (code != STORE_OK)
                return code;
        return absent_is_fine(sql_write(s, &session_limit, NULL, ARGUMENTS({ ":user", r->user_id }, { ":limit", .number = limit })));
}

int store_session_get(Store *s, const char *hash, SessionRow *ret) {
        return sql_get(s, &session_get, ARGUMENTS({ ":hash", hash }), ret);
}

int store_session_touch(Store *s, const SessionRow *r) {
        return sql_write(s, &session_touch, r, NULL, 0);
}

int store_session_list(Store *s, const char *user_id, SessionRow **ret_rows, size_t *ret_n) {
        void *rows;
        int r = sql_list(s, &session_list, ARGUMENTS({ ":user", user_id }), &rows, ret_n);

        *ret_rows = rows;
        return r;
}

int store_session_exists(Store *s, const char *user_id, const char *id) {
        int64_t n = 0;
        int r = sql_number(s, &session_exists, ARGUMENTS({ ":id", id }, { ":user", user_id }), &n);

        return r == STORE_OK && n == 0 ? STORE_E_ABSENT : r;
}

int store_session_delete(Store *s, const char *user_id, const char *id) {
        return sql_write(s, &session_delete, NULL, ARGUMENTS({ ":id", id }, { ":user", user_id }));
}

int store_session_delete_others(Store *s, const char *user_id, const char *keep_id) {
        return absent_is_fine(sql_write(s, &session_delete_others, NULL, ARGUMENTS({ ":user", user_id }, { ":keep", keep_id })));
}

int store_session_clean(Store *s, int64_t now_ms, int64_t unused_since_ms) {
        return absent_is_fine(sql_write(s, &session_clean, NULL,
                                        ARGUMENTS({ ":now", .number = now_ms }, { ":unused", .number = unused_since_ms })));
}

int store_count_run_out(Store *s, int64_t since_ms, int64_t now_ms, int64_t unused_since_ms, int64_t *ret) {
        return sql_number(
                        s, &count_run_out,
                        ARGUMENTS({ ":since", .number = since_ms }, { ":now", .number = now_ms }, { ":unused", .number = unused_since_ms }),
                        ret);
}

/* --- tokens for programs --- */

void api_token_row_done(ApiTokenRow *r) {
        table_row_done(&tokens, r);
}

int store_api_token_add(Store *s, const ApiTokenRow *r) {
        return sql_write(s, &token_add, r, NULL, 0);
}

int store_api_token_get(Store *s, const char *hash, ApiTokenRow *ret) {
        return sql_get(s, &token_get, ARGUMENTS({ ":hash", hash }), ret);
}

int store_api_token_touch(Store *s, const ApiTokenRow *r) {
        return sql_write(s, &token_touch, r, NULL, 0);
}

int store_api_token_list(Store *s, ApiTokenRow **ret_rows, size_t *ret_n) {
        void *rows;
        int r = sql_list(s, &token_list, NULL, 0, &rows, ret_n);

        *ret_rows = rows;
        return r;
}

int store_api_token_delete(Store *s, const char *id) {
        return sql_write(s, &token_delete, NULL, ARGUMENTS({ ":id", id }));
}
