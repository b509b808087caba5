/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "store/internal.h"

static const Column columns[] = {
        { "project_id", KEY, true, offsetof(ReleaseRow, project_id) },
        { "number", NUMBER, true, offsetof(ReleaseRow, number) },
        { "kind", KEY, false, offsetof(ReleaseRow, kind) },
        { "deployment_id", KEY, false, offsetof(ReleaseRow, deployment_id) },
        { "commit_id", TEXT, false, offsetof(ReleaseRow, commit) },
        { "start_command", TEXT, false, offsetof(ReleaseRow, start_command) },
        { "root_directory", TEXT, false, offsetof(ReleaseRow, root_directory) },
        { "node_version", TEXT, false, offsetof(ReleaseRow, node_version) },
        { "bun_version", TEXT, false, offsetof(ReleaseRow, bun_version) },
        { "created_at_ms", NUMBER, false, offsetof(ReleaseRow, created_at_ms) },
};
static const Table table = { columns, ELEMENTS(columns), sizeof(ReleaseRow) };

static const Query put = { "INSERT INTO releases ($columns) VALUES ($values) ON CONFLICT (project_id, number) DO UPDATE SET $set", &table };
static const Query get = { "SELECT $columns FROM releases WHERE project_id = :project_id AND number = :number", &table };
static const Query list = { "SELECT $columns FROM releases WHERE project_id = :project_id ORDER BY number DESC", &table };
static const Query delete = { "DELETE FROM releases WHERE project_id = :project_id AND number = :number", NULL };

void release_row_done(ReleaseRow *r) {
        table_row_done(&table, r);
}

int store_release_put(Store *s, const ReleaseRow *r) {
        return sql_write(s, &put, r, NULL, 0);
}

int store_release_get(Store *s, const char *project_id, int64_t number, ReleaseRow *ret) {
        return sql_get(s, &get, ARGUMENTS({ ":project_id", project_id }, { ":number", .number = number }), ret);
}

int store_release_list(Store *s, const char *project_id, ReleaseRow **ret_rows, size_t *ret_n) {
        void *rows;
        int r = sql_list(s, &list, ARGUMENTS({ ":project_id", project_id }), &rows, ret_n);

        *ret_rows = rows;
        return r;
}

int store_release_delete(Store *s, const char *project_id, int64_t number) {
        return sql_write(s, &delete, NULL, ARGUMENTS({ ":project_id", project_id }, { ":number", .number = number }));
}
