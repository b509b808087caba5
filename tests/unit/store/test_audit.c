/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who changed what: kept, counted, filtered, forgotten. And what a watcher is told of. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/internal.h"

#define T(s) ((char *) (uintptr_t) (s))
#define MINUTE 60000
#define DAY INT64_C(86400000)

static char directory[64], path[96];

static int set_up(void **state) {
        Store *s = NULL;

        (void) snprintf(directory, sizeof(directory), "/tmp/nanoscale-audit-XXXXXX");
        if (!mkdtemp(directory))
                return -1;
        (void) snprintf(path, sizeof(path), "%s/nanoscale.db", directory);
        if (store_open(path, &s) != 0)
                return -1;
        /* A disk is not what is tested here, and twenty thousand commits to one take long. */
        if (sqlite3_exec(s->db, "PRAGMA synchronous = OFF", NULL, NULL, NULL) != SQLITE_OK)
                return -1;
        *state = s;
        return 0;
}

static int tear_down(void **state) {
        static const char *const names[] = { "", "-wal", "-shm" };

        store_close(*state);
        for (size_t i = 0; i < ELEMENTS(names); i++) {
                char file[112];

                (void) snprintf(file, sizeof(file), "%s%s", path, names[i]);
                (void) unlink(file);
        }
        return rmdir(directory);
}

static AuditRow act(int64_t at_ms, const char *action, int64_t status) {
        return (AuditRow){ .at_ms = at_ms,
                           .actor_kind = T("user"),
                           .actor_name = T("mia"),
                           .action = T(action),
                           .status = status,
                           .address = T("203.0.113.7") };
}

static size_t count(Store *s, const AuditFilter *f, size_t limit, AuditRow *ret_first) {
        AuditRow *rows = NULL;
        int64_t previous = INT64_MAX;
        size_t n = 0;

        assert_int_equal(store_audit_list(s, f, limit, &rows, &n), STORE_OK);
        for (size_t i = 0; i < n; i++) {
                assert_true(rows[i].id < previous);
                previous = rows[i].id;
                if (i == 0 && ret_first)
                        *ret_first = rows[0];
                else
                        audit_row_done(&rows[i]);
        }
        free(rows);
        return n;
}

static void acts_are_kept_and_found(void **state) {
        Store *s = *state;
        AuditRow row = act(1000, "project.deploy", 202), first;

        row.project = T("shop");
        row.target = T("abcdefabcdef");
        row.detail = T("fields: branch");
        assert_int_equal(store_audit_add(s, &row), STORE_OK);
        row = act(2000, "domain.add", 201);
        row.actor_kind = T("root");
        row.actor_name = T("root");
        row.address = NULL;
        assert_int_equal(store_audit_add(s, &row), STORE_OK);
        assert_int_equal(count(s, &(AuditFilter){ 0 }, 10, &first), 2);
        assert_string_equal(first.action, "domain.add");
        assert_string_equal(first.actor_kind, "root");
        assert_null(first.project);
        assert_null(first.target);
        assert_null(first.detail);
        assert_null(first.address);
        assert_int_equal(first.count, 1);
        assert_int_equal(count(s, &(AuditFilter){ .before = first.id }, 10, NULL), 1);
        audit_row_done(&first);
        assert_int_equal(count(s, &(AuditFilter){ .project = "shop" }, 10, &first), 1);
        assert_string_equal(first.detail, "fields: branch");
        assert_string_equal(first.target, "abcdefabcdef");
        assert_string_equal(first.address, "203.0.113.7");
        assert_int_equal(first.at_ms, 1000);
        assert_int_equal(first.status, 202);
        audit_row_done(&first);
        assert_int_equal(count(s, &(AuditFilter){ .actor = "root" }, 10, NULL), 1);
        assert_int_equal(count(s, &(AuditFilter){ .action = "domain" }, 10, NULL), 1);
        assert_int_equal(count(s, &(AuditFilter){ .action = "domain.add" }, 10, NULL), 1);
        assert_int_equal(count(s, &(AuditFilter){ .action = "dom" }, 10, NULL), 0);
        assert_int_equal(count(s, &(AuditFilter){ .action = "domain", .actor = "mia" }, 10, NULL), 0);
        assert_int_equal(count(s, &(AuditFilter){ 0 }, 1, NULL), 1);
        row.action = T("");
        assert_int_equal(store_audit_add(s, &row), -EINVAL);
        row = act(1, "x", 1);
        row.actor_kind = T("king");
        assert_true(store_audit_add(s, &row) < 0);
}

/* The same refusal within a minute is one row; another one, or a success, is not. */
static void refusals_are_counted(void **state) {
        Store *s = *state;
        AuditRow row = act(10 * MINUTE, "auth.login", 401), first;

        for (int i = 0; i < 50; i++)
                assert_int_equal(store_audit_add(s, &row), STORE_OK);
        row.at_ms += MINUTE - 1;
        assert_int_equal(store_audit_add(s, &row), STORE_OK);
        assert_int_equal(count(s, &(AuditFilter){ 0 }, 100, &first), 1);
        assert_int_equal(first.count, 51);
        assert_int_equal(first.at_ms, 11 * MINUTE - 1);
        audit_row_done(&first);
        row.at_ms += MINUTE;
        assert_int_equal(store_audit_add(s, &row), STORE_OK);
        row.address = T("203.0.113.8");
        assert_int_equal(store_audit_add(s, &row), STORE_OK);
        row.address = NULL;
        assert_int_equal(store_audit_add(s, &row), STORE_OK);
        assert_int_equal(store_audit_add(s, &row), STORE_OK);
        row.actor_name = T("max");
        assert_int_equal(store_audit_add(s, &row), STORE_OK);
        row.status = 403;
        assert_int_equal(store_audit_add(s, &row), STORE_OK);
        row.target = T("x");
        assert_int_equal(store_audit_add(s, &row), STORE_OK);
        assert_int_equal(count(s, &(AuditFilter){ 0 }, 100, NULL), 7);
        row.status = 200;
        assert_int_equal(store_audit_add(s, &row), STORE_OK);
        assert_int_equal(store_audit_add(s, &row), STORE_OK);
        assert_int_equal(count(s, &(AuditFilter){ 0 }, 100, NULL), 9);
}

static void the_newest_are_kept(void **state) {
        Store *s = *state;
        AuditRow row = act(1000, "project.sleep", 200), first;
        int64_t newest;

        assert_int_equal(store_begin(s), 0);
        for (int i = 0; i < AUDIT_KEPT + 250; i++)
                assert_int_equal(store_audit_add(s, &row), STORE_OK);
        assert_int_equal(store_commit(s), 0);
        assert_int_equal(count(s, &(AuditFilter){ 0 }, AUDIT_KEPT * 2, &first), AUDIT_KEPT);
        newest = first.id;
        audit_row_done(&first);
        row.at_ms += AUDIT_DAYS * DAY;
        for (int i = 0; i < 100; i++)
                assert_int_equal(store_audit_add(s, &row), STORE_OK);
        assert_int_equal(count(s, &(AuditFilter){ 0 }, AUDIT_KEPT * 2, NULL), AUDIT_KEPT); /* exactly so old is not older */
        row.at_ms++;
        for (int i = 0; i < 100; i++)
                assert_int_equal(store_audit_add(s, &row), STORE_OK);
        assert_int_equal(count(s, &(AuditFilter){ 0 }, AUDIT_KEPT * 2, &first), 200);
        assert_int_equal(first.id, newest + 200);
        audit_row_done(&first);
        /* An id is never given again, not even of the newest. */
        row.at_ms += 2 * AUDIT_DAYS * DAY;
        assert_int_equal(sqlite3_exec(s->db, "DELETE FROM audit", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(store_audit_add(s, &row), STORE_OK);
        assert_int_equal(count(s, &(AuditFilter){ 0 }, 10, &first), 1);
        assert_int_equal(first.id, newest + 201);
        audit_row_done(&first);
}

/* --- the watcher --- */

static char told[4096];

static void note(void *owner, StoreThing thing, const char *id) {
        static const char *const words[] = { "project", "deployment", "server", "state" };

        assert_ptr_equal(owner, told);
        assert_true(strlen(told) + strlen(id) + 20 < sizeof(told));
        (void) strcat(strcat(strcat(strcat(told, words[thing]), " "), id), "\n");
}

static void expect(const char *wanted) {
        assert_string_equal(told, wanted);
        told[0] = '\0';
}

static ServerRow server(int64_t changed_at_ms) {
        return (ServerRow){ .id = T("server000001"),
                            .name = T("main"),
                            .ip_address = T("192.0.2.1"),
                            .status = T("online"),
                            .created_at_ms = 1,
                            .changed_at_ms = changed_at_ms };
}

static void add_all(Store *s) {
        ProjectRow project = { .id = T("project00001"),
                               .server_id = T("server000001"),
                               .name = T("shop"),
                               .repo_url = T("https://git.example/a.git"),
                               .branch = T("main"),
                               .start_command = T("x"),
                               .port = 3000,
                               .health_path = T("/"),
                               .idle_seconds = 900,
                               .drain_seconds = 60,
                               .memory_mib = 512,
                               .cpu_percent = 200,
                               .tasks_max = 256,
                               .build_memory_mib = 1,
                               .build_cpu_percent = 1,
                               .build_seconds = 1,
                               .next_release = 1,
                               .created_at_ms = 1 };
        DeploymentRow deployment = { .id = T("deploy000001"),
                                     .project_id = T("project00001"),
                                     .kind = T("deploy"),
                                     .state = T("queued"),
                                     .exit_code = -1,
                                     .created_at_ms = 1 };
        DomainRow domain = {
                .name = T("a.example"), .project_id = T("project00001"), .source = T("acme"), .state = T("waiting"), .created_at_ms = 1
        };
        ServerRow row = server(1);

        assert_int_equal(store_server_put(s, &row), STORE_OK);
        assert_int_equal(store_project_add(s, &project), STORE_OK);
        assert_int_equal(store_deployment_add(s, &deployment), STORE_OK);
        assert_int_equal(store_domain_add(s, &domain), STORE_OK);
}

static void every_change_is_told(void **state) {
        Store *s = *state;
        WakeRow wake = { .project_id = T("project00001"), .at_ms = 1, .kind = T("armed"), .duration_ms = 2 };
        ServerRow row = server(1);

        assert_int_equal(store_watch(s, note, told), 0);
        add_all(s);
        expect("server server000001\nproject project00001\nproject project00001\ndeployment deploy000001\nproject project00001\n");
        assert_int_equal(store_setting_put(s, "a", "b"), STORE_OK);
        expect("");
        assert_int_equal(store_wake_put(s, &wake), STORE_OK);
        expect("project project00001\n");
        assert_int_equal(store_server_put(s, &row), STORE_OK);
        expect("server server000001\n");
        row = server(2);
        assert_int_equal(store_server_put(s, &row), STORE_OK);
        expect("server server000001\nstate server000001\n");
        assert_int_equal(store_project_set_mirror(s, "project00001", "{}"), STORE_OK);
        expect("project project00001\n");
        assert_int_equal(store_domain_delete(s, "a.example"), STORE_OK);
        expect("project project00001\n");
        store_tell(s, STORE_PROJECT, "project00009");
        expect("project project00009\n");
        assert_int_equal(store_project_delete(s, "project00001"), STORE_OK); /* and what hangs on it */
        assert_non_null(strstr(told, "project project00001\n"));
        assert_non_null(strstr(told, "deployment deploy000001\n"));
        told[0] = '\0';
        assert_int_equal(store_server_delete(s, "server000001"), STORE_OK);
        expect("server server000001\n");

        assert_int_equal(store_watch(s, NULL, NULL), 0);
        add_all(s);
        store_tell(s, STORE_PROJECT, "project00009");
        expect("");
        assert_int_equal(store_watch(s, note, told), 0);
        assert_int_equal(store_project_delete(s, "project00001"), STORE_OK);
        assert_true(told[0] != '\0');
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(acts_are_kept_and_found, set_up, tear_down),
                cmocka_unit_test_setup_teardown(refusals_are_counted, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_newest_are_kept, set_up, tear_down),
                cmocka_unit_test_setup_teardown(every_change_is_told, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
