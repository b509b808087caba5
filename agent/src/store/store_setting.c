/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "store/internal.h"

typedef struct {
        char *key, *value;
} SettingRow;

static const Column columns[] = {
        { "key", KEY, true, offsetof(SettingRow, key) },
        { "value", TEXT, false, offsetof(SettingRow, value) },
};
static const Table table = { columns, ELEMENTS(columns), sizeof(SettingRow) };

static const Query get = { "SELECT $columns FROM settings WHERE key = :key", &table };
static const Query put = { "INSERT INTO settings ($columns) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = :value", &table };
static const Query delete = { "DELETE FROM settings WHERE key = :key", NULL };

int store_setting_get(Store *s, const char *key, char **ret_value) {
        SettingRow row;
        int r = sql_get(s, &get, ARGUMENTS({ ":key", key }), &row);

        if (r != STORE_OK)
                return r;
        *ret_value = handover(row.value);
        table_row_done(&table, &row);
        return 0;
}

int store_setting_put(Store *s, const char *key, const char *value) {
        return sql_write(s, &put, NULL, ARGUMENTS({ ":key", key }, { ":value", value }));
}

int store_setting_delete(Store *s, const char *key) {
        return sql_write(s, &delete, NULL, ARGUMENTS({ ":key", key }));
}
