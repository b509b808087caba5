/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "store/internal.h"

static const Column columns[] = {
        { "deployment_id", KEY, true, offsetof(StepRow, deployment_id) },
        { "position", NUMBER, true, offsetof(StepRow, position) },
        { "name", KEY, false, offsetof(StepRow, name) },
        { "result", KEY, false, offsetof(StepRow, result) },
        { "started_at_ms", NUMBER, false, offsetof(StepRow, started_at_ms) },
        { "finished_at_ms", NUMBER, false, offsetof(StepRow, finished_at_ms) },
};
static const Table table = { columns, ELEMENTS(columns), sizeof(StepRow) };

static const Query put = { "INSERT INTO steps ($columns) VALUES ($values) ON CONFLICT (deployment_id, position) DO UPDATE SET $set",
                           &table };
static const Query list = { "SELECT $columns FROM steps WHERE deployment_id = :deployment_id ORDER BY position", &table };

void step_row_done(StepRow *r) {
        table_row_done(&table, r);
}

int store_step_put(Store *s, const StepRow *r) {
        return sql_write(s, &put, r, NULL, 0);
}

int store_step_list(Store *s, const char *deployment_id, StepRow **ret_rows, size_t *ret_n) {
        void *rows;
        int r = sql_list(s, &list, ARGUMENTS({ ":deployment_id", deployment_id }), &rows, ret_n);

        *ret_rows = rows;
        return r;
}
