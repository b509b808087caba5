/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Telling of changes. By triggers of the connection, not by sqlite3_update_hook(): that says a rowid only, which nobody can look up of a
 * row that is gone, and nothing at all of a table WITHOUT ROWID, as domains is. These see what a foreign key's cascade deletes, too. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/internal.h"

static const struct {
        const char *table;
        StoreThing thing;
        const char *column; /* with its id */
        const char *when;   /* of an update; NULL: each, and also insertions and deletions */
} told[] = {
        { "projects", STORE_PROJECT, "id", NULL },
        { "domains", STORE_PROJECT, "project_id", NULL },
        { "wakes", STORE_PROJECT, "project_id", NULL },
        { "moves", STORE_PROJECT, "project_id", NULL },
        { "deployments", STORE_PROJECT, "project_id", NULL },
        { "deployments", STORE_DEPLOYMENT, "id", NULL },
        { "servers", STORE_SERVER, "id", NULL },
        { "servers", STORE_SERVER_STATE, "id", "OLD.changed_at_ms IS NOT NEW.changed_at_ms" },
};

void store_tell(Store *s, StoreThing thing, const char *id) {
        if (s && s->changed)
                s->changed(s->watcher, thing, id);
}

static void told_by_trigger(sqlite3_context *context, int n, sqlite3_value **values) {
        const char *id = (const char *) sqlite3_value_text(values[1]);

        (void) n;
        if (id)
                store_tell(sqlite3_user_data(context), (StoreThing) sqlite3_value_int(values[0]), id);
}

static int add_trigger(Store *s, size_t i, const char *event, const char *row) {
        char sql[320];
        int n = snprintf(sql, sizeof sql,
                         "CREATE TEMP TRIGGER told_%zu_%s AFTER %s ON main.%s %s %s BEGIN SELECT nanoscale_changed(%d, %s.%s); END", i,
                         event, event, told[i].table, told[i].when ? "WHEN" : "", told[i].when ? told[i].when : "", (int) told[i].thing,
                         row, told[i].column);
        int r = n < (int) sizeof sql ? sqlite3_exec(s->db, sql, NULL, NULL, NULL) : SQLITE_TOOBIG;

        return r == SQLITE_OK ? 0 : store_failed(s, r);
}

static int add_triggers(Store *s) {
        int r = sqlite3_create_function_v2(s->db, "nanoscale_changed", 2, SQLITE_UTF8, s, told_by_trigger, NULL, NULL, NULL);

        if (r != SQLITE_OK)
                return store_failed(s, r);
        for (size_t i = 0; r == 0 && i < ELEMENTS(told); i++) {
                r = add_trigger(s, i, "UPDATE", "NEW");
                if (r == 0 && !told[i].when)
                        r = add_trigger(s, i, "INSERT", "NEW");
                if (r == 0 && !told[i].when)
                        r = add_trigger(s, i, "DELETE", "OLD");
        }
        return r;
}

int store_watch(Store *s, StoreChanged changed, void *owner) {
        s->changed = changed;
        s->watcher = owner;
        if (!changed || s->has_triggers)
                return 0;
        s->has_triggers = true; /* half of them is as bad as none, and a second attempt no better */
        return add_triggers(s);
}
