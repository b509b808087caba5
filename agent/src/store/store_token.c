/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "store/internal.h"

typedef struct {
        char *hash;
        int64_t created_at_ms, expires_at_ms, used_at_ms;
} TokenRow;

static const Column columns[] = {
        { "hash", KEY, true, offsetof(TokenRow, hash) },
        { "created_at_ms", NUMBER, true, offsetof(TokenRow, created_at_ms) },
        { "expires_at_ms", NUMBER, true, offsetof(TokenRow, expires_at_ms) },
        { "used_at_ms", NUMBER, false, offsetof(TokenRow, used_at_ms) },
};
static const Table table = { columns, ELEMENTS(columns), sizeof(TokenRow) };

static const Query add = { "INSERT INTO join_tokens ($columns) VALUES ($values)", &table };
static const Query get = { "SELECT $columns FROM join_tokens WHERE hash = :hash", &table };
/* In one statement, so that of two calls with one token one is the first. */
static const Query take = { "UPDATE join_tokens SET used_at_ms = :now WHERE hash = :hash AND used_at_ms = 0", NULL };
/* A day longer than they are good for, so that an old one can be told from a wrong one. */
static const Query clean = { "DELETE FROM join_tokens WHERE expires_at_ms < :before", NULL };
enum { KEPT_MS = 24 * 60 * 60 * 1000 };

int store_token_add(Store *s, const char *hash, int64_t now_ms, int64_t expires_at_ms) {
        const TokenRow row = { (char *) (uintptr_t) hash, now_ms, expires_at_ms, 0 };
        int r = sql_write(s, &clean, NULL, ARGUMENTS({ ":before", .number = now_ms - KEPT_MS }));

        return r < 0 ? r : sql_write(s, &add, &row, NULL, 0);
}

int store_token_take(Store *s, const char *hash, int64_t now_ms) {
        TokenRow row = { 0 };
        int64_t created, expires, used;
        int r = sql_get(s, &get, ARGUMENTS({ ":hash", hash }), &row);

        if (r != STORE_OK)
                return r;
        created = row.created_at_ms;
        expires = row.expires_at_ms;
        used = row.used_at_ms;
        table_row_done(&table, &row);
        if (used)
                return STORE_E_USED;
        /* A clock that was set back must not make it good again for longer than it was meant to be. */
        if (now_ms >= expires || now_ms < created)
                return STORE_E_EXPIRED;
        r = sql_write(s, &take, NULL, ARGUMENTS({ ":hash", hash }, { ":now", .number = now_ms }));
        return r == STORE_E_ABSENT ? STORE_E_USED : r;
}
