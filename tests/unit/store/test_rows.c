/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Every statement of every table, in one database. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "store/internal.h"

static char directory[] = "/tmp/nanoscale-store-XXXXXX";
static char path[64];

static int set_up(void **state) {
        Store *s = NULL;

        if (!mkdtemp(directory))
                return -1;
        (void) snprintf(path, sizeof(path), "%s/nanoscale.db", directory);
        if (store_open(path, &s) != 0)
                return -1;
        *state = s;
        return 0;
}

static int tear_down(void **state) {
        static const char *const names[] = { "", "-wal", "-shm" };

        store_close(*state);
        for (size_t i = 0; i < ELEMENTS(names); i++) {
                char file[80];

                (void) snprintf(file, sizeof(file), "%s%s", path, names[i]);
                (void) unlink(file);
        }
        return rmdir(directory); /* also says that nothing else was left there */
}

/* Rows of literals: the store only reads them. */
#define T(s) ((char *) (uintptr_t) (s))

static const ServerRow node = {
        .id = T("server000001"),
        .name = T("main"),
        .ip_address = T("192.0.2.1"),
        .status = T("online"),
        .created_at_ms = 1761955200123,
};

static ProjectRow project(const char *id, const char *name) {
        return (ProjectRow){
                .id = T(id),
                .server_id = T("server000001"),
                .name = T(name),
                .repo_url = T("https://git.example/app.git"),
                .branch = T("trunk"),
                .root_directory = T("apps/web"),
                .node_version = T("22"),
                .bun_version = T("1.2.20"),
                .install_command = T("npm ci"),
                .build_command = T("npm run build"),
                .start_command = T("npm start -- 'ü'"),
                .env_vars = T("v1:AAAA"),
                .port = 3001,
                .domain = T("shop.example"),
                .health_path = T("/health"),
                .gate_user = T("ada"),
                .gate_hash = T("$6$rounds=1000$abc$def"),
                .allowed = T("192.0.2.0/24 2001:db8::/32"),
                .rate = 8,
                .maintenance = true,
                .security_headers = true,
                .scale_to_zero = true,
                .idle_seconds = 60,
                .doze = true,
                .exclusive = true,
                .drain_seconds = 8,
                .static_directory = T("dist"),
                .memory_mib = 1,
                .cpu_percent = 2,
                .tasks_max = 3,
                .build_memory_mib = 4,
                .build_cpu_percent = 5,
                .build_seconds = 6,
                .env_changed_at_ms = 7,
                .created_at_ms = 1761955200001,
        };
}

static void assert_project(const ProjectRow *a, const ProjectRow *b) {
        assert_string_equal(a->id, b->id);
        assert_string_equal(a->server_id, b->server_id);
        assert_string_equal(a->name, b->name);
        assert_string_equal(a->repo_url, b->repo_url);
        assert_string_equal(a->branch, b->branch);
        assert_string_equal(a->root_directory, b->root_directory);
        assert_string_equal(a->node_version, b->node_version);
        assert_string_equal(a->bun_version, b->bun_version);
        assert_string_equal(a->install_command, b->install_command);
        assert_string_equal(a->build_command, b->build_command);
        assert_string_equal(a->start_command, b->start_command);
        assert_string_equal(a->env_vars, b->env_vars);
        assert_int_equal(a->port, b->port);
        assert_string_equal(a->domain, b->domain);
        assert_string_equal(a->health_path, b->health_path);
        assert_string_equal(a->gate_user, b->gate_user);
        assert_string_equal(a->gate_hash, b->gate_hash);
        assert_string_equal(a->allowed, b->allowed);
        assert_int_equal(a->rate, b->rate);
        assert_int_equal(a->maintenance, b->maintenance);
        assert_int_equal(a->security_headers, b->security_headers);
        assert_int_equal(a->scale_to_zero, b->scale_to_zero);
        assert_int_equal(a->idle_seconds, b->idle_seconds);
        assert_int_equal(a->doze, b->doze);
        assert_int_equal(a->exclusive, b->exclusive);
        assert_int_equal(a->drain_seconds, b->drain_seconds);
        assert_string_equal(a->static_directory, b->static_directory);
        assert_int_equal(a->memory_mib, b->memory_mib);
        assert_int_equal(a->cpu_percent, b->cpu_percent);
        assert_int_equal(a->tasks_max, b->tasks_max);
        assert_int_equal(a->build_memory_mib, b->build_memory_mib);
        assert_int_equal(a->build_cpu_percent, b->build_cpu_percent);
        assert_int_equal(a->build_seconds, b->build_seconds);
        assert_int_equal(a->env_changed_at_ms, b->env_changed_at_ms);
        assert_int_equal(a->created_at_ms, b->created_at_ms);
}

static void file_is_private(void **state) {
        struct stat st;

        (void) state;
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
}

static void settings(void **state) {
        char *value = NULL;

        assert_int_equal(store_setting_get(*state, "claim", &value), STORE_E_ABSENT);
        assert_int_equal(store_setting_put(*state, "claim", "a"), 0);
        assert_int_equal(store_setting_put(*state, "claim", "b'\"; DROP TABLE settings; --"), 0);
        assert_int_equal(store_setting_get(*state, "claim", &value), 0);
        assert_string_equal(value, "b'\"; DROP TABLE settings; --");
        free(value);
}

static void servers(void **state) {
        ServerRow row, changed = node, *rows;
        size_t n;

        assert_int_equal(store_server_get(*state, node.id, &row), STORE_E_ABSENT);
        assert_int_equal(store_server_put(*state, &node), 0);
        assert_int_equal(store_server_get(*state, node.id, &row), 0);
        assert_string_equal(row.name, "main");
        assert_string_equal(row.secret_key, "");
        assert_null(row.public_key);
        assert_int_equal(row.created_at_ms, node.created_at_ms);
        server_row_done(&row);

        changed.status = T("offline");
        changed.public_key = T("key");
        changed.created_at_ms = 0; /* stays as it was */
        assert_int_equal(store_server_put(*state, &changed), 0);
        changed.id = T("server000002");
        assert_int_equal(store_server_put(*state, &changed), STORE_E_TAKEN);
        changed.name = T("a-worker");
        assert_int_equal(store_server_put(*state, &changed), 0);
        changed.id = NULL;
        assert_int_equal(store_server_put(*state, &changed), -EINVAL);

        assert_int_equal(store_server_list(*state, &rows, &n), 0);
        assert_int_equal(n, 2);
        assert_string_equal(rows[0].name, "a-worker");
        assert_string_equal(rows[1].status, "offline");
        assert_string_equal(rows[1].public_key, "key");
        assert_int_equal(rows[1].created_at_ms, node.created_at_ms);
        for (size_t i = 0; i < n; i++)
                server_row_done(&rows[i]);
        free(rows);

        assert_int_equal(store_server_page(*state, NULL, 1, &rows, &n), 0);
        assert_int_equal(n, 1);
        assert_string_equal(rows[0].name, "a-worker");
        server_row_done(&rows[0]);
        free(rows);
        assert_int_equal(store_server_page(*state, "a-worker", 10, &rows, &n), 0);
        assert_int_equal(n, 1);
        assert_string_equal(rows[0].name, "main");
        server_row_done(&rows[0]);
        free(rows);
        assert_int_equal(store_server_page(*state, "main", 10, &rows, &n), 0);
        assert_int_equal(n, 0);
        free(rows);
}

static void projects(void **state) {
        ProjectRow row, draft = project("project00001", "shop"), *rows;
        int64_t release = 0;
        size_t n;

        assert_int_equal(store_project_add(*state, &draft), 0);
        assert_int_equal(store_project_get(*state, draft.id, &row), 0);
        assert_project(&row, &draft);
        assert_string_equal(row.live_slot, "");
        assert_int_equal(row.live_release, 0);
        assert_int_equal(row.next_release, 1);
        project_row_done(&row);

        draft = project("project00002", "shop");
        assert_int_equal(store_project_add(*state, &draft), STORE_E_TAKEN);
        draft = project("project00001", "other");
        assert_int_equal(store_project_add(*state, &draft), STORE_E_TAKEN);
        draft = project("project00002", "blog");
        draft.server_id = T("server999999");
        assert_int_equal(store_project_add(*state, &draft), STORE_E_ABSENT);
        draft = project("project00002", "blog");
        draft.domain = NULL;
        draft.root_directory = NULL;
        assert_int_equal(store_project_add(*state, &draft), 0);
        assert_int_equal(store_project_get_by_name(*state, "blog", &row), 0);
        assert_null(row.domain);
        assert_string_equal(row.root_directory, "");
        project_row_done(&row);
        assert_int_equal(store_project_get_by_name(*state, "blo", &row), STORE_E_ABSENT);

        assert_int_equal(store_project_take_release(*state, "project00001", &release), 0);
        assert_int_equal(release, 1);
        assert_int_equal(store_project_take_release(*state, "project00001", &release), 0);
        assert_int_equal(release, 2);
        assert_int_equal(store_project_take_release(*state, "project99999", &release), STORE_E_ABSENT);
        assert_int_equal(store_project_set_live(*state, "project00001", "b", 2), 0);
        assert_int_equal(store_project_set_live(*state, "project99999", "b", 2), STORE_E_ABSENT);
        assert_true(store_project_set_live(*state, "project00001", "c", 2) < 0);

        /* An edit from an older copy of the row leaves the live release alone. */
        draft = project("project00001", "shop-2");
        draft.port = 4444;
        draft.scale_to_zero = false;
        assert_int_equal(store_project_update(*state, &draft), 0);
        assert_int_equal(store_project_get(*state, draft.id, &row), 0);
        assert_project(&row, &draft);
        assert_string_equal(row.live_slot, "b");
        assert_int_equal(row.live_release, 2);
        assert_int_equal(row.next_release, 3);
        project_row_done(&row);
        draft.name = T("blog");
        assert_int_equal(store_project_update(*state, &draft), STORE_E_TAKEN);
        draft = project("project99999", "none");
        assert_int_equal(store_project_update(*state, &draft), STORE_E_ABSENT);

        assert_int_equal(store_project_list(*state, NULL, 1, &rows, &n), 0);
        assert_int_equal(n, 1);
        assert_string_equal(rows[0].name, "blog");
        project_row_done(&rows[0]);
        free(rows);
        assert_int_equal(store_project_list(*state, "blog", 10, &rows, &n), 0);
        assert_int_equal(n, 1);
        assert_string_equal(rows[0].name, "shop-2");
        project_row_done(&rows[0]);
        free(rows);
        assert_int_equal(store_project_list(*state, "shop-2", 10, &rows, &n), 0);
        assert_int_equal(n, 0);
        free(rows);
}

static DeploymentRow deployment(const char *id, const char *project_id) {
        return (DeploymentRow){ .id = T(id),
                                .project_id = T(project_id),
                                .kind = T("deploy"),
                                .state = T("queued"),
                                .source = T("cli"),
                                .branch = T("main"),
                                .exit_code = -1,
                                .created_at_ms = 1000 };
}

static void deployments(void **state) {
        DeploymentRow row, draft, *rows;
        char id[16];
        size_t n;

        for (int i = 1; i <= 20; i++) {
                (void) snprintf(id, sizeof(id), "deploy%06d", i);
                draft = deployment(id, "project00001");
                draft.created_at_ms = 1000 - i;
                assert_int_equal(store_deployment_add(*state, &draft), 0);
                assert_int_equal(draft.number, i);
        }
        draft = deployment("deploy000021", "project00002");
        assert_int_equal(store_deployment_add(*state, &draft), 0);
        assert_int_equal(draft.number, 1);
        draft = deployment("deploy000021", "project00002");
        assert_int_equal(store_deployment_add(*state, &draft), STORE_E_TAKEN);
        draft = deployment("deploy000022", "project99999");
        assert_int_equal(store_deployment_add(*state, &draft), STORE_E_ABSENT);
        draft = deployment("deploy000022", NULL);
        assert_int_equal(store_deployment_add(*state, &draft), -EINVAL);

        assert_int_equal(store_deployment_list(*state, "project00001", 0, 3, &rows, &n), 0);
        assert_int_equal(n, 3);
        assert_int_equal(rows[0].number, 20);
        assert_int_equal(rows[2].number, 18);
        for (size_t i = 0; i < n; i++)
                deployment_row_done(&rows[i]);
        free(rows);
        assert_int_equal(store_deployment_list(*state, "project00001", 18, 100, &rows, &n), 0);
        assert_int_equal(n, 17);
        assert_int_equal(rows[0].number, 17);
        for (size_t i = 0; i < n; i++)
                deployment_row_done(&rows[i]);
        free(rows);

        assert_int_equal(store_deployment_get(*state, "deploy000003", &row), 0);
        assert_string_equal(row.commit, "");
        assert_null(row.failure);
        assert_null(row.cursor);
        assert_int_equal(row.exit_code, -1);
        deployment_row_done(&row);
        draft = deployment("deploy000003", "project00001");
        draft.state = T("failed");
        draft.commit = T("0123456789012345678901234567890123456789");
        draft.author = T("Ä");
        draft.subject = T("fix");
        draft.release = 9;
        draft.failed_step = T("build");
        draft.failure = T("The build failed.");
        draft.exit_code = 2;
        draft.cursor = T("s=1");
        draft.receipt = T("{}");
        draft.started_at_ms = 2000;
        draft.finished_at_ms = 3000;
        assert_int_equal(store_deployment_update(*state, &draft), 0);
        assert_int_equal(store_deployment_get(*state, "deploy000003", &row), 0);
        assert_string_equal(row.kind, "deploy");
        assert_string_equal(row.state, "failed");
        assert_string_equal(row.receipt, "{}");
        assert_string_equal(row.source, "cli");
        assert_string_equal(row.branch, "main");
        assert_string_equal(row.commit, draft.commit);
        assert_string_equal(row.author, "Ä");
        assert_string_equal(row.subject, "fix");
        assert_int_equal(row.release, 9);
        assert_string_equal(row.failed_step, "build");
        assert_string_equal(row.failure, "The build failed.");
        assert_int_equal(row.exit_code, 2);
        assert_string_equal(row.cursor, "s=1");
        assert_int_equal(row.number, 3);
        assert_int_equal(row.created_at_ms, 997);
        assert_int_equal(row.started_at_ms, 2000);
        assert_int_equal(row.finished_at_ms, 3000);
        deployment_row_done(&row);

        assert_int_equal(store_deployment_list_open(*state, &rows, &n), 0);
        assert_int_equal(n, 20);
        assert_string_equal(rows[0].id, "deploy000020");
        assert_string_equal(rows[19].id, "deploy000021");
        for (size_t i = 0; i < n; i++)
                deployment_row_done(&rows[i]);
        free(rows);
        draft.id = T("deploy999999");
        assert_int_equal(store_deployment_update(*state, &draft), STORE_E_ABSENT);
}

static void steps(void **state) {
        StepRow step = {
                .deployment_id = T("deploy000001"), .position = 1, .name = T("build"), .result = T("running"), .started_at_ms = 5
        };
        StepRow *rows;
        size_t n;

        assert_int_equal(store_step_put(*state, &step), 0);
        step.result = T("ok");
        step.finished_at_ms = 9;
        assert_int_equal(store_step_put(*state, &step), 0);
        step.position = 0;
        step.name = T("fetch");
        assert_int_equal(store_step_put(*state, &step), 0);
        step.deployment_id = T("deploy999999");
        assert_int_equal(store_step_put(*state, &step), STORE_E_ABSENT);
        assert_int_equal(store_step_list(*state, "deploy000001", &rows, &n), 0);
        assert_int_equal(n, 2);
        assert_string_equal(rows[0].name, "fetch");
        assert_string_equal(rows[1].result, "ok");
        assert_int_equal(rows[1].position, 1);
        assert_int_equal(rows[1].started_at_ms, 5);
        assert_int_equal(rows[1].finished_at_ms, 9);
        for (size_t i = 0; i < n; i++)
                step_row_done(&rows[i]);
        free(rows);
}

static void releases(void **state) {
        ReleaseRow release = { .project_id = T("project00001"),
                               .number = 1,
                               .kind = T("app"),
                               .deployment_id = T("deploy000001"),
                               .commit = T("c"),
                               .node_version = T("22.1.0"),
                               .bun_version = T("1.2.20"),
                               .created_at_ms = 5 };
        ReleaseRow row, *rows;
        size_t n;

        assert_int_equal(store_release_put(*state, &release), 0);
        release.start_command = T("node server.js");
        release.root_directory = T("apps/web");
        assert_int_equal(store_release_put(*state, &release), 0);
        release.number = 2;
        release.kind = T("static");
        assert_int_equal(store_release_put(*state, &release), 0);
        assert_int_equal(store_release_get(*state, "project00001", 1, &row), 0);
        assert_string_equal(row.deployment_id, "deploy000001");
        assert_string_equal(row.commit, "c");
        assert_string_equal(row.start_command, "node server.js");
        assert_string_equal(row.root_directory, "apps/web");
        assert_string_equal(row.node_version, "22.1.0");
        assert_string_equal(row.bun_version, "1.2.20");
        assert_int_equal(row.created_at_ms, 5);
        release_row_done(&row);
        assert_int_equal(store_release_list(*state, "project00001", &rows, &n), 0);
        assert_int_equal(n, 2);
        assert_int_equal(rows[0].number, 2);
        assert_string_equal(rows[0].kind, "static");
        assert_string_equal(rows[1].kind, "app");
        for (size_t i = 0; i < n; i++)
                release_row_done(&rows[i]);
        free(rows);
        assert_int_equal(store_release_delete(*state, "project00001", 2), 0);
        assert_int_equal(store_release_delete(*state, "project00001", 2), STORE_E_ABSENT);
        assert_int_equal(store_release_get(*state, "project00001", 2, &row), STORE_E_ABSENT);
}

static void crash_and_memory(void **state) {
        ProjectRow row;

        assert_int_equal(store_project_set_crash(*state, "project00001", "{\"attempts\":1}"), 0);
        assert_int_equal(store_project_set_awake_bytes(*state, "project00001", 1 << 20), 0);
        assert_int_equal(store_project_get(*state, "project00001", &row), 0);
        assert_string_equal(row.crash, "{\"attempts\":1}");
        assert_int_equal(row.awake_bytes, 1 << 20);
        /* An edit of the settings undoes neither. */
        row.awake_bytes = 0;
        free(row.crash);
        row.crash = NULL;
        assert_int_equal(store_project_update(*state, &row), 0);
        project_row_done(&row);
        assert_int_equal(store_project_get(*state, "project00001", &row), 0);
        assert_non_null(row.crash);
        assert_int_equal(row.awake_bytes, 1 << 20);
        project_row_done(&row);
        assert_int_equal(store_project_set_crash(*state, "project00001", NULL), 0);
        assert_int_equal(store_project_get(*state, "project00001", &row), 0);
        assert_null(row.crash);
        project_row_done(&row);
        assert_int_equal(store_project_set_crash(*state, "project99999", NULL), STORE_E_ABSENT);
}

static void wakes(void **state) {
        WakeRow wake = { .project_id = T("project00001"), .kind = T("armed") }, *rows;
        size_t n;

        for (int i = 1; i <= 250; i++) {
                wake.at_ms = i;
                wake.duration_ms = 1000 - i;
                assert_int_equal(store_wake_put(*state, &wake), 0);
        }
        wake.kind = T("asleep");
        assert_int_equal(store_wake_put(*state, &wake), 0); /* the same moment: replaced */
        assert_int_equal(store_wake_list(*state, "project00001", 1000, &rows, &n), 0);
        assert_int_equal(n, 200);
        assert_int_equal(rows[0].at_ms, 250);
        assert_string_equal(rows[0].kind, "asleep");
        assert_int_equal(rows[199].at_ms, 51);
        assert_int_equal(rows[199].duration_ms, 949);
        for (size_t i = 0; i < n; i++)
                wake_row_done(&rows[i]);
        free(rows);
        assert_int_equal(store_wake_list(*state, "project00002", 10, &rows, &n), 0);
        assert_int_equal(n, 0);
        free(rows);
        wake.project_id = T("project99999");
        assert_int_equal(store_wake_put(*state, &wake), STORE_E_ABSENT);
}

static void tokens(void **state) {
        Store *s = *state;

        assert_int_equal(store_token_add(s, "aaaa", 1000, 2000), STORE_OK);
        assert_int_equal(store_token_add(s, "aaaa", 1000, 2000), STORE_E_TAKEN);
        assert_int_equal(store_token_add(s, "bbbb", 1000, 2000), STORE_OK);
        assert_int_equal(store_token_take(s, "cccc", 1500), STORE_E_ABSENT);
        assert_int_equal(store_token_take(s, "aaaa", 999), STORE_E_EXPIRED); /* the clock was set back */
        assert_int_equal(store_token_take(s, "aaaa", 2000), STORE_E_EXPIRED);
        assert_int_equal(store_token_take(s, "aaaa", 1999), STORE_OK);
        assert_int_equal(store_token_take(s, "aaaa", 1999), STORE_E_USED);
        assert_int_equal(store_token_take(s, "bbbb", 1000), STORE_OK);
        /* An old one is told from a wrong one for a day, then it is forgotten. */
        assert_int_equal(store_token_add(s, "dddd", 80000000, 80600000), STORE_OK);
        assert_int_equal(store_token_take(s, "bbbb", 80000000), STORE_E_USED);
        assert_int_equal(store_token_add(s, "eeee", 90000000, 90600000), STORE_OK);
        assert_int_equal(store_token_take(s, "bbbb", 90000000), STORE_E_ABSENT);
}

/* Of "place0000002" to "place0001001". */
static void told_of_places(Store *s, const char *project) {
        const ServerRow there = { .id = T("elsewhere000"),
                                  .name = T("elsewhere"),
                                  .ip_address = T("10.0.0.9"),
                                  .status = T("online"),
                                  .secret_key = T(""),
                                  .version = T("") };
        PlaceRow *rows;
        size_t n;

        assert_int_equal(store_place_set_told(s, "place0000001", project, "{}"), STORE_E_ABSENT);
        assert_int_equal(store_place_set_told(s, "place0000005", "nobodynobody", "{}"), STORE_E_ABSENT);
        for (int i = 5; i < 8; i++) {
                char id[16];

                (void) snprintf(id, sizeof id, "place%07d", i);
                assert_int_equal(store_place_set_told(s, id, project, id), STORE_OK);
        }
        assert_int_equal(store_place_set_told(s, "place0000007", project, NULL), STORE_OK);
        assert_int_equal(store_place_list_told(s, 10, &rows, &n), STORE_OK);
        assert_int_equal(n, 2);
        assert_string_equal(rows[0].told, "place0000006");
        assert_string_equal(rows[1].id, "place0000005");
        assert_string_equal(rows[1].project_id, project);
        place_row_done(&rows[0]);
        place_row_done(&rows[1]);
        free(rows);
        assert_int_equal(store_place_list_told(s, 1, &rows, &n), STORE_OK);
        assert_int_equal(n, 1);
        place_row_done(&rows[0]);
        free(rows);
        /* What was there is not where it is now. */
        assert_int_equal(store_server_put(s, &there), STORE_OK);
        assert_int_equal(store_project_set_server(s, project, "elsewhere000"), STORE_OK);
        assert_int_equal(store_place_list_told(s, 10, &rows, &n), STORE_OK);
        assert_int_equal(n, 0);
        free(rows);
        assert_int_equal(store_project_set_server(s, project, node.id), STORE_OK);
        assert_int_equal(store_server_delete(s, there.id), STORE_OK);
}

static void places(void **state) {
        Store *s = *state;
        const ProjectRow row = project("placesplaces", "places");
        char *owner = NULL, id[16];

        assert_int_equal(store_project_add(s, &row), STORE_OK);
        assert_int_equal(store_place_get(s, "absentabsent", &owner), STORE_E_ABSENT);
        assert_int_equal(store_place_put(s, "absentabsent", "nobodynobody", 1), STORE_E_ABSENT);
        for (int i = 0; i < 1002; i++) {
                (void) snprintf(id, sizeof id, "place%07d", i);
                assert_int_equal(store_place_put(s, id, row.id, 1000 + i), STORE_OK);
        }
        assert_int_equal(store_place_put(s, id, row.id, 5000), STORE_OK); /* twice is once */
        assert_int_equal(store_place_get(s, id, &owner), STORE_OK);
        assert_string_equal(owner, row.id);
        free(owner);
        assert_int_equal(store_place_get(s, "place0000001", &owner), STORE_E_ABSENT);
        assert_int_equal(store_place_get(s, "place0000002", &owner), STORE_OK);
        free(owner);
        told_of_places(s, row.id);
        assert_int_equal(store_project_delete(s, row.id), STORE_OK);
        assert_int_equal(store_place_get(s, id, &owner), STORE_E_ABSENT);
}

static void projects_elsewhere(void **state) {
        Store *s = *state;
        const ServerRow other = { .id = T("server000002"),
                                  .name = T("other"),
                                  .ip_address = T("node.example"),
                                  .status = T("offline"),
                                  .port = 4001,
                                  .version = T("0.3.0"),
                                  .reason = T("It does not answer."),
                                  .changed_at_ms = 5,
                                  .seen_at_ms = 6 };
        ProjectRow row = project("elsewhere001", "elsewhere"), *rows = NULL, got = { 0 };
        ServerRow server = { 0 };
        int64_t n = -1, before;
        size_t count = 0;

        assert_int_equal(store_server_put(s, &other), STORE_OK);
        assert_int_equal(store_server_get_by_name(s, "other", &server), STORE_OK);
        assert_string_equal(server.id, "server000002");
        assert_string_equal(server.version, "0.3.0");
        assert_string_equal(server.reason, "It does not answer.");
        assert_int_equal(server.port, 4001);
        assert_int_equal(server.changed_at_ms, 5);
        assert_int_equal(server.seen_at_ms, 6);
        server_row_done(&server);
        assert_int_equal(store_server_get_by_name(s, "nobody", &server), STORE_E_ABSENT);

        row.server_id = other.id;
        assert_int_equal(store_project_add(s, &row), STORE_OK);
        assert_int_equal(store_project_count_on(s, other.id, &n), STORE_OK);
        assert_int_equal(n, 1);
        assert_int_equal(store_project_list_on(s, other.id, &rows, &count), STORE_OK);
        assert_int_equal(count, 1);
        assert_string_equal(rows[0].name, "elsewhere");
        assert_null(rows[0].mirror);
        project_row_done(&rows[0]);
        free(rows);
        before = store_changes(s);
        assert_int_equal(store_project_set_mirror(s, row.id, "{}"), STORE_OK);
        assert_true(store_changes(s) > before);
        assert_int_equal(store_project_update(s, &row), STORE_OK); /* leaves the mirror alone */
        assert_int_equal(store_project_get(s, row.id, &got), STORE_OK);
        assert_string_equal(got.mirror, "{}");
        project_row_done(&got);
        assert_int_equal(store_project_set_mirror(s, row.id, NULL), STORE_OK);
        assert_int_equal(store_project_set_mirror(s, "nobodynobody", NULL), STORE_E_ABSENT);
        assert_int_equal(store_server_delete(s, other.id), STORE_E_REFERENCED);
        assert_int_equal(store_project_delete(s, row.id), STORE_OK);
        assert_int_equal(store_server_delete(s, other.id), STORE_OK);
        assert_int_equal(store_server_delete(s, other.id), STORE_E_ABSENT);
}

static void transactions(void **state) {
        char *value = NULL;

        assert_int_equal(store_begin(*state), 0);
        assert_int_equal(store_setting_put(*state, "t", "1"), 0);
        store_rollback(*state);
        assert_int_equal(store_setting_get(*state, "t", &value), STORE_E_ABSENT);
        assert_int_equal(store_begin(*state), 0);
        assert_int_equal(store_setting_put(*state, "t", "1"), 0);
        assert_int_equal(store_commit(*state), 0);
        assert_int_equal(store_setting_get(*state, "t", &value), 0);
        free(value);
}

static DomainRow domain(const char *name, const char *project_id) {
        return (DomainRow){ .name = T(name), .project_id = T(project_id), .source = T("acme"), .state = T("waiting"), .created_at_ms = 5 };
}

/* shop.example is of project00001, a.example of project00002. */
static void replacing_domains(Store *s) {
        DomainRow wanted[2] = { domain("b.example", "project00001"), domain("shop.example", "project00001") }, *rows;
        size_t n;

        wanted[1].hsts = true;
        assert_int_equal(store_domain_replace(s, "project00001", wanted, 2), 0);
        assert_int_equal(store_domain_list(s, "project00001", &rows, &n), 0);
        assert_int_equal(n, 2);
        assert_string_equal(rows[1].state, "valid"); /* as it was */
        assert_true(rows[1].hsts);
        domain_rows_free(rows, n);
        /* Another project's: nothing changes. */
        wanted[0] = domain("c.example", "project00001");
        wanted[1] = domain("a.example", "project00001");
        assert_int_equal(store_domain_replace(s, "project00001", wanted, 2), STORE_E_TAKEN);
        assert_int_equal(store_domain_list(s, "project00001", &rows, &n), 0);
        assert_int_equal(n, 2);
        assert_string_equal(rows[0].name, "b.example");
        domain_rows_free(rows, n);
        wanted[0] = domain("shop.example", "project00001");
        assert_int_equal(store_domain_replace(s, "project00001", wanted, 1), 0);
        assert_int_equal(store_domain_list(s, "project00001", &rows, &n), 0);
        assert_int_equal(n, 1);
        domain_rows_free(rows, n);
}

static void domains(void **state) {
        DomainRow row, draft = domain("shop.example", "project00001"), *rows;
        Store *s = *state;
        size_t n;

        draft.redirect_to = T("www.shop.example");
        draft.hsts = true;
        assert_int_equal(store_domain_add(s, &draft), 0);
        assert_int_equal(store_domain_add(s, &draft), STORE_E_TAKEN);
        draft = domain("shop.example", "project00002");
        assert_int_equal(store_domain_add(s, &draft), STORE_E_TAKEN);
        draft = domain("other.example", "project99999");
        assert_int_equal(store_domain_add(s, &draft), STORE_E_ABSENT);
        draft = domain("", "project00001");
        assert_int_equal(store_domain_add(s, &draft), -EINVAL);
        draft = domain("a.example", "project00002");
        draft.state = T("dreaming");
        assert_true(store_domain_add(s, &draft) < 0);
        draft = domain("a.example", "project00002");
        assert_int_equal(store_domain_add(s, &draft), 0);

        /* What the user sets and how it is do not touch each other. */
        draft = domain("shop.example", "project00002");
        draft.state = T("valid");
        draft.problem = T("rate limited");
        draft.problem_word = T("rate-limit");
        draft.not_after_ms = 1;
        draft.issued_at_ms = 2;
        draft.next_try_ms = 3;
        draft.tries = 4;
        assert_int_equal(store_domain_set_state(s, &draft), 0);
        assert_int_equal(store_domain_get(s, "shop.example", &row), 0);
        assert_string_equal(row.project_id, "project00001");
        assert_string_equal(row.redirect_to, "www.shop.example");
        assert_true(row.hsts);
        assert_string_equal(row.state, "valid");
        assert_string_equal(row.problem, "rate limited");
        assert_string_equal(row.problem_word, "rate-limit");
        assert_int_equal(row.not_after_ms, 1);
        assert_int_equal(row.issued_at_ms, 2);
        assert_int_equal(row.next_try_ms, 3);
        assert_int_equal(row.tries, 4);
        assert_int_equal(row.created_at_ms, 5);
        domain_row_done(&row);
        draft = domain("shop.example", "project00001");
        draft.source = T("own");
        assert_int_equal(store_domain_update(s, &draft), 0);
        assert_int_equal(store_domain_get(s, "shop.example", &row), 0);
        assert_null(row.redirect_to);
        assert_false(row.hsts);
        assert_string_equal(row.source, "own");
        assert_string_equal(row.state, "valid");
        domain_row_done(&row);
        draft = domain("none.example", "project00001");
        assert_int_equal(store_domain_update(s, &draft), STORE_E_ABSENT);
        assert_int_equal(store_domain_set_state(s, &draft), STORE_E_ABSENT);
        assert_int_equal(store_domain_get(s, "none.example", &row), STORE_E_ABSENT);

        assert_int_equal(store_domain_list(s, "project00001", &rows, &n), 0);
        assert_int_equal(n, 1);
        domain_rows_free(rows, n);
        assert_int_equal(store_domain_list(s, NULL, &rows, &n), 0);
        assert_int_equal(n, 2);
        assert_string_equal(rows[0].name, "a.example");
        domain_rows_free(rows, n);
        assert_int_equal(store_domain_list_on(s, "server000001", &rows, &n), 0);
        assert_int_equal(n, 2);
        domain_rows_free(rows, n);
        assert_int_equal(store_domain_list_on(s, "server999999", &rows, &n), 0);
        assert_int_equal(n, 0);
        domain_rows_free(rows, n);
        replacing_domains(s);
        assert_int_equal(store_domain_delete(s, "a.example"), 0);
        assert_int_equal(store_domain_delete(s, "a.example"), STORE_E_ABSENT);
}

/* The one domain that a project had before is in the table afterwards; of two projects with the same one the older has it. */
static void single_domains_are_taken_over(void **state) {
        static const char old[] = "INSERT INTO servers (id, name, ip_address, status, secret_key) VALUES ('s', 's', '', '', '');"
                                  "INSERT INTO projects (id, server_id, name, repo_url, env_vars, port, domain, created_at) VALUES"
                                  " ('new', 's', 'a', 'r', '', 1, 'x.example', '2025-01-02 00:00:00.000'),"
                                  " ('old', 's', 'b', 'r', '', 1, 'x.example', '2025-01-01 00:00:00.000'),"
                                  " ('none', 's', 'c', 'r', '', 1, NULL, '2025-01-01 00:00:00.000');";
        char file[80];
        Store *s = NULL;
        ProjectRow row;
        DomainRow *rows;
        size_t n;

        (void) state;
        (void) snprintf(file, sizeof(file), "%s/old.db", directory);
        assert_int_equal(store_open_with(file, store_migrations, 3, &s), 0);
        assert_int_equal(sqlite3_exec(s->db, old, NULL, NULL, NULL), SQLITE_OK);
        store_close(s);
        assert_int_equal(store_open(file, &s), 0);
        assert_int_equal(store_domain_list(s, NULL, &rows, &n), 0);
        assert_int_equal(n, 1);
        assert_string_equal(rows[0].name, "x.example");
        assert_string_equal(rows[0].project_id, "old");
        assert_string_equal(rows[0].state, "waiting");
        assert_int_equal(rows[0].created_at_ms, 1735689600000);
        domain_rows_free(rows, n);
        assert_int_equal(store_project_get(s, "old", &row), 0);
        assert_string_equal(row.domain, "x.example");
        assert_string_equal(row.allowed, "");
        project_row_done(&row);
        assert_int_equal(store_project_get(s, "new", &row), 0);
        assert_null(row.domain);
        project_row_done(&row);
        store_close(s);
        assert_int_equal(unlink(file), 0);
}

static void deployments_told_before(void **state) {
        static const char old[] = "INSERT INTO servers (id, name, ip_address, status, secret_key) VALUES ('s', 's', '', '', '');"
                                  "INSERT INTO projects (id, server_id, name, repo_url, env_vars, port, mirror) VALUES"
                                  " ('one', 's', 'a', 'r', '', 1, '{\"latest_deployment\":{\"id\":\"two\",\"state\":\"live\"}}'),"
                                  " ('odd', 's', 'b', 'r', '', 1, 'no JSON'), ('new', 's', 'c', 'r', '', 1, NULL);"
                                  "INSERT INTO deployment_places (id, project_id, created_at_ms) VALUES"
                                  " ('one', 'one', 1), ('two', 'one', 2), ('three', 'odd', 3), ('four', 'new', 4);";
        char file[80];
        Store *s = NULL;
        PlaceRow *rows;
        size_t n;

        (void) state;
        (void) snprintf(file, sizeof(file), "%s/told.db", directory);
        assert_int_equal(store_open_with(file, store_migrations, 7, &s), 0);
        assert_int_equal(sqlite3_exec(s->db, old, NULL, NULL, NULL), SQLITE_OK);
        store_close(s);
        assert_int_equal(store_open(file, &s), 0);
        assert_int_equal(store_place_list_told(s, 10, &rows, &n), 0);
        assert_int_equal(n, 1);
        assert_string_equal(rows[0].id, "two");
        assert_string_equal(rows[0].told, "{\"id\":\"two\",\"state\":\"live\"}");
        place_row_done(&rows[0]);
        free(rows);
        store_close(s);
        assert_int_equal(unlink(file), 0);
}

static void deleting_a_project(void **state) {
        static const char *const counts[] = { "SELECT count(*) FROM deployments", "SELECT count(*) FROM steps",
                                              "SELECT count(*) FROM releases", "SELECT count(*) FROM wakes",
                                              "SELECT count(*) FROM domains" };
        static const Query delete_server = { "DELETE FROM servers WHERE id = :id", NULL };
        Store *s = *state;

        assert_int_equal(sql_write(s, &delete_server, NULL, ARGUMENTS({ ":id", "server000001" })), STORE_E_REFERENCED);
        assert_int_equal(store_project_delete(s, "project00001"), 0);
        assert_int_equal(store_project_delete(s, "project00001"), STORE_E_ABSENT);
        for (size_t i = 0; i < ELEMENTS(counts); i++) {
                sqlite3_stmt *statement = NULL;

                assert_int_equal(sqlite3_prepare_v2(s->db, counts[i], -1, &statement, NULL), SQLITE_OK);
                assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
                assert_int_equal(sqlite3_column_int(statement, 0), i == 0 ? 1 : 0); /* the other project's deployment */
                sqlite3_finalize(statement);
        }
}

/* Every column that refers to another table must be the first of an index. */
static void foreign_keys_are_indexed(void **state) {
        static const char sql[] = "SELECT m.name, f.\"from\" FROM sqlite_schema m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'"
                                  " AND NOT EXISTS (SELECT 1 FROM pragma_index_list(m.name) l, pragma_index_info(l.name) i"
                                  " WHERE i.seqno = 0 AND i.name = f.\"from\" AND NOT l.partial)";
        sqlite3_stmt *statement = NULL;
        Store *s = *state;

        assert_int_equal(sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL), SQLITE_OK);
        if (sqlite3_step(statement) != SQLITE_DONE)
                fail_msg("%s.%s has no index", (const char *) sqlite3_column_text(statement, 0),
                         (const char *) sqlite3_column_text(statement, 1));
        sqlite3_finalize(statement);
}

static int64_t pragma(Store *s, const char *name) {
        sqlite3_stmt *statement = NULL;
        char sql[64];
        int64_t n;

        (void) snprintf(sql, sizeof(sql), "PRAGMA %s", name);
        assert_int_equal(sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        n = sqlite3_column_int64(statement, 0);
        sqlite3_finalize(statement);
        return n;
}

static void connection_settings(void **state) {
        assert_int_equal(pragma(*state, "foreign_keys"), 1);
        assert_int_equal(pragma(*state, "synchronous"), 2);
        assert_int_equal(pragma(*state, "cache_size"), -512);
        assert_int_equal(pragma(*state, "trusted_schema"), 0);
        assert_int_equal(pragma(*state, "user_version"), (int64_t) store_n_migrations);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(file_is_private),
                cmocka_unit_test(settings),
                cmocka_unit_test(servers),
                cmocka_unit_test(projects),
                cmocka_unit_test(deployments),
                cmocka_unit_test(steps),
                cmocka_unit_test(releases),
                cmocka_unit_test(crash_and_memory),
                cmocka_unit_test(wakes),
                cmocka_unit_test(tokens),
                cmocka_unit_test(places),
                cmocka_unit_test(projects_elsewhere),
                cmocka_unit_test(domains),
                cmocka_unit_test(single_domains_are_taken_over),
                cmocka_unit_test(deployments_told_before),
                cmocka_unit_test(transactions),
                cmocka_unit_test(deleting_a_project),
                cmocka_unit_test(foreign_keys_are_indexed),
                cmocka_unit_test(connection_settings),
        };

        return cmocka_run_group_tests_name("store rows", tests, set_up, tear_down);
}
