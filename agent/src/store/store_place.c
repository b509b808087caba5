/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "store/internal.h"

typedef struct {
        char *id, *project_id;
        int64_t created_at_ms;
} PlaceRow;

static const Column columns[] = {
        { "id", KEY, true, offsetof(PlaceRow, id) },
        { "project_id", KEY, true, offsetof(PlaceRow, project_id) },
        { "created_at_ms", NUMBER, true, offsetof(PlaceRow, created_at_ms) },
};
static const Table table = { columns, ELEMENTS(columns), sizeof(PlaceRow) };

static const Query put = { "INSERT INTO deployment_places ($columns) VALUES ($values) ON CONFLICT (id) DO UPDATE SET id = id", &table };
static const Query get = { "SELECT $columns FROM deployment_places WHERE id = :id", &table };
static const Query clean = { "DELETE FROM deployment_places WHERE project_id = :project AND id NOT IN (SELECT id FROM deployment_places "
                             "WHERE project_id = :project ORDER BY created_at_ms DESC LIMIT 1000)",
                             NULL };

int store_place_put(Store *s, const char *deployment_id, const char *project_id, int64_t now_ms) {
        const PlaceRow row = { (char *) (uintptr_t) deployment_id, (char *) (uintptr_t) project_id, now_ms };
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
