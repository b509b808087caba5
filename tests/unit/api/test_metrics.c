/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What stands in /metrics of an agent that has measured nothing yet. With samples, and whether all of it is well-formed:
 * tests/system/test_statistics.py. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/metrics.h"
#include "base/cleanup.h"
#include "base/fs.h"

#define T(s) ((char *) (uintptr_t) (s))

static char root[64];
static Store *store;

static int set_up(void **state) {
        const ServerRow server = { .id = T("server000001"),
                                   .name = T("fra1"),
                                   .ip_address = T("127.0.0.1"),
                                   .status = T("online"),
                                   .secret_key = T(""),
                                   .created_at_ms = 1 };
        char path[96];

        (void) state;
        (void) snprintf(root, sizeof(root), "/tmp/ns-metrics-XXXXXX");
        if (!mkdtemp(root))
                return -1;
        (void) snprintf(path, sizeof(path), "%s/db", root);
        return store_open(path, &store) == STORE_OK && store_server_put(store, &server) == STORE_OK ? 0 : -1;
}

static int tear_down(void **state) {
        (void) state;
        store = store_close(store);
        return fs_remove_tree(AT_FDCWD, root);
}

static void add_project(const char *id, const char *name) {
        const ProjectRow row = { .id = T(id),
                                 .server_id = T("server000001"),
                                 .name = T(name),
                                 .repo_url = T("https://git.example/a.git"),
                                 .branch = T("main"),
                                 .node_version = T("20"),
                                 .bun_version = T("1"),
                                 .install_command = T(""),
                                 .build_command = T(""),
                                 .start_command = T("x"),
                                 .env_vars = T(""),
                                 .port = 3000,
                                 .health_path = T("/"),
                                 .static_directory = T(""),
                                 .root_directory = T(""),
                                 .memory_mib = 512,
                                 .cpu_percent = 200,
                                 .tasks_max = 256,
                                 .build_memory_mib = 1,
                                 .build_cpu_percent = 1,
                                 .build_seconds = 1,
                                 .drain_seconds = 1,
                                 .next_release = 1,
                                 .created_at_ms = 1 };

        assert_int_equal(store_project_add(store, &row), STORE_OK);
}

static void has(const char *text, const char *line) {
        if (!strstr(text, line))
                fail_msg("no %s in:\n%s", line, text);
}

static void projects_and_the_agent_itself(void **state) {
        const DeployContext context = { .store = store, .server_id = "server000001", .base_domain = "apps.test" };
        const ApiConfig config = { .context = &context, .role = "orchestrator" };
        DeploymentRow deployment = { .id = T("deploy000001"),
                                     .project_id = T("project00001"),
                                     .kind = T("deploy"),
                                     .state = T("failed"),
                                     .source = T("cli"),
                                     .branch = T("main"),
                                     .commit = T(""),
                                     .author = T(""),
                                     .subject = T(""),
                                     .exit_code = -1,
                                     .created_at_ms = 1,
                                     .finished_at_ms = 2 };
        auto_free char *empty = NULL, *text = NULL;
        size_t length = 0;

        (void) state;
        assert_int_equal(metrics_text(&config, &empty, &length), 0);
        assert_int_equal(strlen(empty), length);
        assert_null(strstr(empty, "project=\""));
        add_project("project00001", "shop");
        add_project("project00002", "blog");
        assert_int_equal(store_deployment_add(store, &deployment), STORE_OK);
        assert_int_equal(metrics_text(&config, &text, NULL), 0);
        has(text, "\n# TYPE nanoscale_project_deployments_total counter\n");
        has(text, "\nnanoscale_project_deployments_total{project=\"shop\"} 1\n");
        has(text, "\nnanoscale_project_deployments_total{project=\"blog\"} 0\n");
        has(text, "\nnanoscale_project_status{project=\"shop\",status=\"failed\"} 1\n");
        has(text, "\nnanoscale_project_status{project=\"shop\",status=\"live\"} 0\n");
        has(text, "\nnanoscale_project_status{project=\"blog\",status=\"new\"} 1\n");
        has(text, "\nnanoscale_project_wakes_total{project=\"blog\"} 0\n");
        has(text, "\nnanoscale_agent_info{version=\"" NANOSCALE_VERSION "\",role=\"orchestrator\"} 1\n");
        has(text, "\nnanoscale_agent_resident_memory_bytes ");
        assert_null(strstr(text, "nanoscale_node_"));
        assert_null(strstr(text, "\nnanoscale_project_cpu_seconds_total{"));
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(projects_and_the_agent_itself, set_up, tear_down) };

        return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
