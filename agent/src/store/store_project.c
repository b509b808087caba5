/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "store/internal.h"

/* What moves with a switch is fixed here: an edit of the project's settings, made from a row read earlier, must not undo a switch. */
static const Column columns[] = {
        { "id", KEY, true, offsetof(ProjectRow, id) },
        { "server_id", KEY, false, offsetof(ProjectRow, server_id) },
        { "name", KEY, false, offsetof(ProjectRow, name) },
        { "repo_url", KEY, false, offsetof(ProjectRow, repo_url) },
        { "branch", TEXT, false, offsetof(ProjectRow, branch) },
        { "root_directory", TEXT, false, offsetof(ProjectRow, root_directory) },
        { "node_version", TEXT, false, offsetof(ProjectRow, node_version) },
        { "bun_version", TEXT, false, offsetof(ProjectRow, bun_version) },
        { "install_command", TEXT, false, offsetof(ProjectRow, install_command) },
        { "build_command", TEXT, false, offsetof(ProjectRow, build_command) },
        { "start_command", TEXT, false, offsetof(ProjectRow, start_command) },
        { "env_vars", TEXT, false, offsetof(ProjectRow, env_vars) },
        { "port", NUMBER, false, offsetof(ProjectRow, port) },
        { "domain", TEXT_NULL, false, offsetof(ProjectRow, domain) },
        { "health_path", TEXT, false, offsetof(ProjectRow, health_path) },
        { "scale_to_zero", BOOLEAN, false, offsetof(ProjectRow, scale_to_zero) },
        { "idle_seconds", NUMBER, false, offsetof(ProjectRow, idle_seconds) },
        { "doze", BOOLEAN, false, offsetof(ProjectRow, doze) },
        { "exclusive", BOOLEAN, false, offsetof(ProjectRow, exclusive) },
        { "drain_seconds", NUMBER, false, offsetof(ProjectRow, drain_seconds) },
        { "static_directory", TEXT, false, offsetof(ProjectRow, static_directory) },
        { "memory_mib", NUMBER, false, offsetof(ProjectRow, memory_mib) },
        { "cpu_percent", NUMBER, false, offsetof(ProjectRow, cpu_percent) },
        { "tasks_max", NUMBER, false, offsetof(ProjectRow, tasks_max) },
        { "build_memory_mib", NUMBER, false, offsetof(ProjectRow, build_memory_mib) },
        { "build_cpu_percent", NUMBER, false, offsetof(ProjectRow, build_cpu_percent) },
        { "build_seconds", NUMBER, false, offsetof(ProjectRow, build_seconds) },
        { "gate_user", TEXT_NULL, false, offsetof(ProjectRow, gate_user) },
        { "gate_hash", TEXT_NULL, false, offsetof(ProjectRow, gate_hash) },
        { "allowed", TEXT, false, offsetof(ProjectRow, allowed) },
        { "rate", NUMBER, false, offsetof(ProjectRow, rate) },
        { "maintenance", BOOLEAN, false, offsetof(ProjectRow, maintenance) },
        { "security_headers", BOOLEAN, false, offsetof(ProjectRow, security_headers) },
        { "live_slot", SLOT, true, offsetof(ProjectRow, live_slot) },
        { "live_release", NUMBER, true, offsetof(ProjectRow, live_release) },
        { "next_release", NUMBER, true, offsetof(ProjectRow, next_release) },
        { "env_changed_at_ms", NUMBER, false, offsetof(ProjectRow, env_changed_at_ms) },
        { "crash", TEXT_NULL, true, offsetof(ProjectRow, crash) },
        { "awake_bytes", NUMBER, true, offsetof(ProjectRow, awake_bytes) },
        { "mirror", TEXT_NULL, true, offsetof(ProjectRow, mirror) },
        { "created_at", DATETIME, true, offsetof(ProjectRow, created_at_ms) },
};
static const Table table = { columns, ELEMENTS(columns), sizeof(ProjectRow) };

static const Query add = { "INSERT INTO projects ($columns) VALUES ($values)", &table };
static const Query get = { "SELECT $columns FROM projects WHERE id = :id", &table };
static const Query get_by_name = { "SELECT $columns FROM projects WHERE name = :name", &table };
static const Query list = { "SELECT $columns FROM projects WHERE name > :after ORDER BY name LIMIT :limit", &table };
static const Query list_on = { "SELECT $columns FROM projects WHERE server_id = :server ORDER BY name", &table };
static const Query count_on = { "SELECT count(*) FROM projects WHERE server_id = :server", NULL };
static const Query set_server = { "UPDATE projects SET server_id = :server, mirror = NULL WHERE id = :id", NULL };
static const Query clear_told = { "UPDATE deployment_places SET told = NULL WHERE project_id = :id", NULL };
static const Query clear_live = { "UPDATE projects SET live_slot = '', live_release = 0, next_release = 1, crash = NULL, awake_bytes = 0 "
                                  "WHERE id = :id",
                                  NULL };
static const Query clear_wakes = { "DELETE FROM wakes WHERE project_id = :id", NULL };
static const Query clear_releases = { "DELETE FROM releases WHERE project_id = :id", NULL };
static const Query clear_deployments = { "DELETE FROM deployments WHERE project_id = :id", NULL };
static const Query set_mirror = { "UPDATE projects SET mirror = :mirror WHERE id = :id", NULL };
static const Query clear_mirror = { "UPDATE projects SET mirror = NULL WHERE id = :id", NULL };
static const Query update = { "UPDATE projects SET $set WHERE id = :id", &table };
static const Query set_live = { "UPDATE projects SET live_slot = :slot, live_release = :release WHERE id = :id", NULL };
static const Query set_crash = { "UPDATE projects SET crash = :crash WHERE id = :id", NULL };
static const Query clear_crash = { "UPDATE projects SET crash = NULL WHERE id = :id", NULL };
static const Query set_awake_bytes = { "UPDATE projects SET awake_bytes = :bytes WHERE id = :id", NULL };
static const Query take_release = { "UPDATE projects SET next_release = next_release + 1 WHERE id = :id RETURNING next_release - 1", NULL };
static const Query delete = { "DELETE FROM projects WHERE id = :id", NULL };

void project_row_done(ProjectRow *r) {
        table_row_done(&table, r);
}

int store_project_add(Store *s, const ProjectRow *r) {
        ProjectRow row = *r; /* borrows the texts */

        if (row.next_release == 0)
                row.next_release = 1;
        return sql_write(s, &add, &row, NULL, 0);
}

int store_project_get(Store *s, const char *id, ProjectRow *ret) {
        return sql_get(s, &get, ARGUMENTS({ ":id", id }), ret);
}

int store_project_get_by_name(Store *s, const char *name, ProjectRow *ret) {
        return sql_get(s, &get_by_name, ARGUMENTS({ ":name", name }), ret);
}

int store_project_list(Store *s, const char *after, size_t limit, ProjectRow **ret_rows, size_t *ret_n) {
        void *rows;
        int r = sql_list(s, &list, ARGUMENTS({ ":after", after ? after : "" }, { ":limit", .number = (int64_t) limit }), &rows, ret_n);

        *ret_rows = rows;
        return r;
}

int store_project_list_on(Store *s, const char *server_id, ProjectRow **ret_rows, size_t *ret_n) {
        void *rows;
        int r = sql_list(s, &list_on, ARGUMENTS({ ":server", server_id }), &rows, ret_n);

        *ret_rows = rows;
        return r;
}

int store_project_count_on(Store *s, const char *server_id, int64_t *ret_n) {
        return sql_number(s, &count_on, ARGUMENTS({ ":server", server_id }), ret_n);
}

int store_project_set_server(Store *s, const char *id, const char *server_id) {
        int r = sql_write(s, &set_server, NULL, ARGUMENTS({ ":id", id }, { ":server", server_id }));

        if (r != STORE_OK)
                return r;
        r = sql_write(s, &clear_told, NULL, ARGUMENTS({ ":id", id }));
        return r == STORE_E_ABSENT ? STORE_OK : r;
}

int store_project_clear(Store *s, const char *id) {
        /* releases refer to deployments; steps go with those */
        static const Query *const all[] = { &clear_wakes, &clear_releases, &clear_deployments, &clear_live };
        int r = store_begin(s);

        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTS(all) && r >= 0; i++)
                r = sql_write(s, all[i], NULL, ARGUMENTS({ ":id", id }));
        if (r == STORE_OK)
                return store_commit(s);
        store_rollback(s);
        return r;
}

int store_project_set_mirror(Store *s, const char *id, const char *mirror) {
        if (!mirror)
                return sql_write(s, &clear_mirror, NULL, ARGUMENTS({ ":id", id }));
        return sql_write(s, &set_mirror, NULL, ARGUMENTS({ ":id", id }, { ":mirror", mirror }));
}

int store_project_update(Store *s, const ProjectRow *r) {
        return sql_write(s, &update, r, NULL, 0);
}

int store_project_set_live(Store *s, const char *id, const char *slot, int64_t release) {
        return sql_write(s, &set_live, NULL, ARGUMENTS({ ":id", id }, { ":slot", slot }, { ":release", .number = release }));
}

int store_project_set_crash(Store *s, const char *id, const char *crash) {
        if (!crash)
                return sql_write(s, &clear_crash, NULL, ARGUMENTS({ ":id", id }));
        return sql_write(s, &set_crash, NULL, ARGUMENTS({ ":id", id }, { ":crash", crash }));
}

int store_project_set_awake_bytes(Store *s, const char *id, int64_t bytes) {
        return sql_write(s, &set_awake_bytes, NULL, ARGUMENTS({ ":id", id }, { ":bytes", .number = bytes }));
}

int store_project_take_release(Store *s, const char *id, int64_t *ret_release) {
        return sql_number(s, &take_release, ARGUMENTS({ ":id", id }), ret_release);
}

int store_project_delete(Store *s, const char *id) {
        return sql_write(s, &delete, NULL, ARGUMENTS({ ":id", id }));
}
