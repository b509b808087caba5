/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "store/internal.h"

enum { KEPT = 200 };

static const Column columns[] = {
        { "project_id", KEY, true, offsetof(WakeRow, project_id) },
        { "at_ms", NUMBER, true, offsetof(WakeRow, at_ms) },
        { "kind", KEY, false, offsetof(WakeRow, kind) },
        { "duration_ms", NUMBER, false, offsetof(WakeRow, duration_ms) },
};
static const Table table = { columns, ELEMENTS(columns), sizeof(WakeRow) };

static const Query put = { "INSERT INTO wakes ($columns) VALUES ($values) ON CONFLICT (project_id, at_ms) DO UPDATE SET $set", &table };
static const Query prune = { "DELETE FROM wakes WHERE project_id = :project_id AND at_ms <="
                             " (SELECT at_ms FROM wakes WHERE project_id = :project_id ORDER BY at_ms DESC LIMIT 1 OFFSET :kept)",
                             NULL };
static const Query list = { "SELECT $columns FROM wakes WHERE project_id = :project_id ORDER BY at_ms DESC LIMIT :limit", &table };

void wake_row_done(WakeRow *r) {
        table_row_done(&table, r);
}

int store_wake_put(Store *s, const WakeRow *r) {
        int answer = sql_write(s, &put, r, NULL, 0);

        if (answer != STORE_OK)
                return answer;
        answer = sql_write(s, &prune, NULL, ARGUMENTS({ ":project_id", r->project_id }, { ":kept", .number = KEPT }));
        return answer == STORE_E_ABSENT ? STORE_OK : answer;
}

int store_wake_list(Store *s, const char *project_id, size_t limit, WakeRow **ret_rows, size_t *ret_n) {
        void *rows;
        int r = sql_list(s, &list, ARGUMENTS({ ":project_id", project_id }, { ":limit", .number = (int64_t) limit }), &rows, ret_n);

        *ret_rows = rows;
        return r;
}
