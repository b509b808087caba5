/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "store/internal.h"

#include <errno.h>
#include <string.h>

static const Column columns[] = {
        { "id", KEY, true, offsetof(ServerRow, id) },
        { "name", KEY, false, offsetof(ServerRow, name) },
        { "ip_address", TEXT, false, offsetof(ServerRow, ip_address) },
        { "status", TEXT, false, offsetof(ServerRow, status) },
        { "secret_key", TEXT, false, offsetof(ServerRow, secret_key) },
        { "public_key", TEXT_NULL, false, offsetof(ServerRow, public_key) },
        { "created_at", DATETIME, true, offsetof(ServerRow, created_at_ms) },
        { "port", NUMBER, false, offsetof(ServerRow, port) },
        { "version", TEXT, false, offsetof(ServerRow, version) },
        { "reason", TEXT_NULL, false, offsetof(ServerRow, reason) },
        { "changed_at_ms", NUMBER, false, offsetof(ServerRow, changed_at_ms) },
        { "seen_at_ms", NUMBER, false, offsetof(ServerRow, seen_at_ms) },
        { "draining", BOOLEAN, false, offsetof(ServerRow, draining) },
};
static const Table table = { columns, ELEMENTS(columns), sizeof(ServerRow) };

/* Not INSERT OR REPLACE: that deletes the row first, and projects refer to it. */
static const Query put = { "INSERT INTO servers ($columns) VALUES ($values) ON CONFLICT (id) DO UPDATE SET $set", &table };
static const Query get = { "SELECT $columns FROM servers WHERE id = :id", &table };
static const Query get_by_name = { "SELECT $columns FROM servers WHERE name = :name", &table };
static const Query set_name = { "UPDATE servers SET name = :name WHERE id = :id", NULL };
static const Query move_projects = { "UPDATE projects SET server_id = :new_id WHERE server_id = :id", NULL };
static const Query delete = { "DELETE FROM servers WHERE id = :id", NULL };
static const Query list = { "SELECT $columns FROM servers ORDER BY name", &table };
static const Query page = { "SELECT $columns FROM servers WHERE name > :after ORDER BY name LIMIT :limit", &table };

void server_row_done(ServerRow *r) {
        table_row_done(&table, r);
}

int store_server_put(Store *s, const ServerRow *r) {
        return sql_write(s, &put, r, NULL, 0);
}

int store_server_get(Store *s, const char *id, ServerRow *ret) {
        return sql_get(s, &get, ARGUMENTS({ ":id", id }), ret);
}

int store_server_get_by_name(Store *s, const char *name, ServerRow *ret) {
        return sql_get(s, &get_by_name, ARGUMENTS({ ":name", name }), ret);
}

/* A copy under the new id, the projects to it, then the old one goes: at no moment does a project refer to nothing. */
int store_server_rename_id(Store *s, const char *id, const char *new_id, const char *new_name) {
        ServerRow row = { 0 };
        int r = store_begin(s);

        if (r < 0)
                return r;
        r = sql_write(s, &set_name, NULL, ARGUMENTS({ ":id", id }, { ":name", "" }));
        if (r == STORE_OK)
                r = store_server_get(s, id, &row);
        if (r == STORE_OK) {
                free(row.id);
                free(row.name);
                row.id = strdup(new_id);
                row.name = strdup(new_name);
                r = row.id && row.name ? store_server_put(s, &row) : -ENOMEM;
        }
        if (r == STORE_OK) {
                r = sql_write(s, &move_projects, NULL, ARGUMENTS({ ":id", id }, { ":new_id", new_id }));
                r = r == STORE_E_ABSENT ? STORE_OK : r;
        }
        if (r == STORE_OK)
                r = store_server_delete(s, id);
        server_row_done(&row);
        if (r == STORE_OK)
                return store_commit(s);
        store_rollback(s);
        return r;
}

int store_server_delete(Store *s, const char *id) {
        return sql_write(s, &delete, NULL, ARGUMENTS({ ":id", id }));
}

int store_server_list(Store *s, ServerRow **ret_rows, size_t *ret_n) {
        void *rows;
        int r = sql_list(s, &list, NULL, 0, &rows, ret_n);

        *ret_rows = rows;
        return r;
}

int store_server_page(Store *s, const char *after, size_t limit, ServerRow **ret_rows, size_t *ret_n) {
        void *rows;
        int r = sql_list(s, &page, ARGUMENTS({ ":after", after ? after : "" }, { ":limit", .number = (int64_t) limit }), &rows, ret_n);

        *ret_rows = rows;
        return r;
}
