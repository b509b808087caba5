/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "store/internal.h"

static const Column columns[] = {
        { "id", KEY, true, offsetof(DeploymentRow, id) },
        { "project_id", KEY, true, offsetof(DeploymentRow, project_id) },
        { "number", NUMBER, true, offsetof(DeploymentRow, number) },
        { "kind", KEY, true, offsetof(DeploymentRow, kind) },
        { "state", KEY, false, offsetof(DeploymentRow, state) },
        { "source", TEXT, false, offsetof(DeploymentRow, source) },
        { "branch", TEXT, false, offsetof(DeploymentRow, branch) },
        { "commit_id", TEXT, false, offsetof(DeploymentRow, commit) },
        { "author", TEXT, false, offsetof(DeploymentRow, author) },
        { "subject", TEXT, false, offsetof(DeploymentRow, subject) },
        { "release_number", NUMBER, false, offsetof(DeploymentRow, release) },
        { "failed_step", TEXT_NULL, false, offsetof(DeploymentRow, failed_step) },
        { "failure", TEXT_NULL, false, offsetof(DeploymentRow, failure) },
        { "exit_code", NUMBER, false, offsetof(DeploymentRow, exit_code) },
        { "journal_cursor", TEXT_NULL, false, offsetof(DeploymentRow, cursor) },
        { "receipt", TEXT_NULL, false, offsetof(DeploymentRow, receipt) },
        { "created_at_ms", NUMBER, true, offsetof(DeploymentRow, created_at_ms) },
        { "started_at_ms", NUMBER, false, offsetof(DeploymentRow, started_at_ms) },
        { "finished_at_ms", NUMBER, false, offsetof(DeploymentRow, finished_at_ms) },
};
static const Table table = { columns, ELEMENTS(columns), sizeof(DeploymentRow) };

static const Query next_number = { "SELECT coalesce(max(number), 0) + 1 FROM deployments WHERE project_id = :project_id", NULL };
static const Query add = { "INSERT INTO deployments ($columns) VALUES ($values)", &table };
static const Query get = { "SELECT $columns FROM deployments WHERE id = :id", &table };
static const Query list = { "SELECT $columns FROM deployments WHERE project_id = :project_id AND number < :before"
                            " ORDER BY number DESC LIMIT :limit",
                            &table };
static const Query list_all = { "SELECT $columns FROM deployments ORDER BY created_at_ms DESC, number DESC LIMIT :limit", &table };
static const Query list_open = { "SELECT $columns FROM deployments WHERE finished_at_ms = 0 ORDER BY created_at_ms, number", &table };
static const Query update = { "UPDATE deployments SET $set WHERE id = :id", &table };

void deployment_row_done(DeploymentRow *r) {
        table_row_done(&table, r);
}

/* The number needs no transaction: this process is the only writer, and the unique index would refuse a second one. */
int store_deployment_add(Store *s, DeploymentRow *r) {
        DeploymentRow row = *r; /* borrows the texts */
        int answer = sql_number(s, &next_number, ARGUMENTS({ ":project_id", r->project_id ? r->project_id : "" }), &row.number);

        if (answer == STORE_OK)
                answer = sql_write(s, &add, &row, NULL, 0);
        if (answer == STORE_OK)
                r->number = row.number;
        return answer;
}

int store_deployment_get(Store *s, const char *id, DeploymentRow *ret) {
        return sql_get(s, &get, ARGUMENTS({ ":id", id }), ret);
}

int store_deployment_list(Store *s, const char *project_id, int64_t before, size_t limit, DeploymentRow **ret_rows, size_t *ret_n) {
        const Argument arguments[] = {
                { ":project_id", project_id },
                { ":before", .number = before ? before : INT64_MAX },
                { ":limit", .number = (int64_t) limit },
        };
        void *rows;
        int r = sql_list(s, &list, arguments, ELEMENTS(arguments), &rows, ret_n);

        *ret_rows = rows;
        return r;
}

int store_deployment_list_all(Store *s, size_t limit, DeploymentRow **ret_rows, size_t *ret_n) {
        void *rows;
        int r = sql_list(s, &list_all, ARGUMENTS({ ":limit", .number = (int64_t) limit }), &rows, ret_n);

        *ret_rows = rows;
        return r;
}

int store_deployment_list_open(Store *s, DeploymentRow **ret_rows, size_t *ret_n) {
        void *rows;
        int r = sql_list(s, &list_open, NULL, 0, &rows, ret_n);

        *ret_rows = rows;
        return r;
}

int store_deployment_update(Store *s, const DeploymentRow *r) {
        return sql_write(s, &update, r, NULL, 0);
}
