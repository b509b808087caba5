/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "store/internal.h"

static const Column columns[] = {
        { "project_id", KEY, true, offsetof(MoveRow, project_id) },
        { "from_server", KEY, false, offsetof(MoveRow, from_server) },
        { "to_server", KEY, false, offsetof(MoveRow, to_server) },
        { "state", KEY, false, offsetof(MoveRow, state) },
        { "deployment_id", KEY, false, offsetof(MoveRow, deployment_id) },
        { "commit_id", TEXT, false, offsetof(MoveRow, commit) },
        { "failure", TEXT_NULL, false, offsetof(MoveRow, failure) },
        { "linger_seconds", NUMBER, false, offsetof(MoveRow, linger_seconds) },
        { "changed_at_ms", NUMBER, false, offsetof(MoveRow, changed_at_ms) },
        { "created_at_ms", NUMBER, true, offsetof(MoveRow, created_at_ms) },
};
static const Table table = { columns, ELEMENTS(columns), sizeof(MoveRow) };

static const Query put = { "INSERT INTO moves ($columns) VALUES ($values) ON CONFLICT (project_id) DO UPDATE SET $set", &table };
static const Query get = { "SELECT $columns FROM moves WHERE project_id = :project", &table };
static const Query list = { "SELECT $columns FROM moves ORDER BY created_at_ms, project_id", &table };
static const Query delete = { "DELETE FROM moves WHERE project_id = :project", NULL };

void move_row_done(MoveRow *r) {
        table_row_done(&table, r);
}

int store_move_put(Store *s, const MoveRow *r) {
        return sql_write(s, &put, r, NULL, 0);
}

int store_move_get(Store *s, const char *project_id, MoveRow *ret) {
        return sql_get(s, &get, ARGUMENTS({ ":project", project_id }), ret);
}

int store_move_list(Store *s, MoveRow **ret_rows, size_t *ret_n) {
        void *rows;
        int r = sql_list(s, &list, NULL, 0, &rows, ret_n);

        *ret_rows = rows;
        return r;
}

int store_move_delete(Store *s, const char *project_id) {
        return sql_write(s, &delete, NULL, ARGUMENTS({ ":project", project_id }));
}
