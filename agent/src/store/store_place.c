/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "store/internal.h"

static const Column columns[] = {
        { "id", KEY, true, offsetof(PlaceRow, id) },
        { "project_id", KEY, true, offsetof(PlaceRow, project_id) },
        { "created_at_ms", NUMBER, true, offsetof(PlaceRow, created_at_ms) },
        { "told", TEXT_NULL, true, offsetof(PlaceRow, told) },
};
static const Table table = { columns, ELEMENTS(columns), sizeof(PlaceRow) };

static const Query put = { "INSERT INTO deployment_places ($columns) VALUES ($values) ON CONFLICT (id) DO UPDATE SET id = id", &table };
static const Query get = { "SELECT $columns FROM deployment_places WHERE id = :id", &table };
static const Query set_told = { "UPDATE deployment_places SET told = :told WHERE id = :id AND project_id = :project", NULL };
static const Query clear_told = { "UPDATE deployment_places SET told = NULL WHERE id = :id AND project_id = :project", NULL };
static const Query list_told = { "SELECT $columns FROM deployment_places WHERE told IS NOT NULL ORDER BY created_at_ms DESC LIMIT :limit",
                                 &table };
static const Query clean = { "DELETE FROM deployment_places WHERE project_id = :project AND id NOT IN (SELECT id FROM deployment_places "
                             "WHERE project_id = :project ORDER BY created_at_ms DESC LIMIT 1000)",
                             NULL };

int store_place_put(Store *s, const char *deployment_id, const char *project_id, int64_t now_ms) {
        const PlaceRow row = { (char *) (uintptr_t) deployment_id, (char *) (uintptr_t) project_id, now_ms, NULL };
        int r = sql_write(s, &put, &row, NULL, 0);

        if (r != STORE_OK)
                return r;
        r = sql_write(s, &clean, NULL, ARGUMENTS({ ":project", project_id }));
        return r == STORE_E_ABSENT ? STORE_OK : r;
}

int store_place_get(Store *s, const char *deployment_id, char **ret_project_id) {
        PlaceRow row = { 0 };
        int r = sql_get(s, &get, ARGUMENTS({ ":id", deployment_id }), &row);

        if (r != STORE_OK)
                return r;
        *ret_project_id = row.project_id;
        row.project_id = NULL;
        table_row_done(&table, &row);
        return STORE_OK;
}

int store_place_set_told(Store *s, const char *deployment_id, const char *project_id, const char *told) {
        if (!told)
                return sql_write(s, &clear_told, NULL, ARGUMENTS({ ":id", deployment_id }, { ":project", project_id }));
        return sql_write(s, &set_told, NULL, ARGUMENTS({ ":id", deployment_id }, { ":project", project_id }, { ":told", told }));
}

void place_row_done(PlaceRow *r) {
        table_row_done(&table, r);
}

int store_place_list_told(Store *s, size_t limit, PlaceRow **ret_rows, size_t *ret_n) {
        void *rows;
        int r = sql_list(s, &list_told, ARGUMENTS({ ":limit", .number = (int64_t) limit }), &rows, ret_n);

        *ret_rows = rows;
        return r;
}
