/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A move to a server that cannot even be asked. Moves that arrive, and what is left of those that do not: tests/system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/elsewhere.h"
#include "api/move.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "cluster/server_key.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define T(s) ((char *) (uintptr_t) (s))
#define OWN "server000001"
#define WORKER "worker000001"
#define PROJECT "project00001"

static char root[64];
static Loop *loop;
static DeployContext context;
static Api api;
static Timer *look;
static unsigned looks;
static char state_now[32];

static int add_servers(void) {
        unsigned char key[SECRET_BYTES];
        char pin[65] = "";
        ServerRow own = { .id = T(OWN),
                          .name = T("main"),
                          .ip_address = T("127.0.0.1"),
                          .status = T("online"),
                          .secret_key = T(""),
                          .version = T("1"),
                          .created_at_ms = 1 };
        ServerRow row = { .id = T(WORKER), .name = T("w1"), .ip_address = T("127.0.0.1"), .status = T("offline"), .version = T("1") };
        int r;

        memset(pin, 'a', 64);
        row.public_key = pin;
        row.port = 9; /* nobody listens: it stays offline */
        row.created_at_ms = 1;
        secret_new(key);
        r = server_seal(context.sealer, WORKER, key, &row.secret_key);
        if (r == 0)
                r = store_server_put(context.store, &own);
        if (r == 0)
                r = store_server_put(context.store, &row);
        if (r == 0)
                r = nodes_add(api.nodes, &row);
        free(row.secret_key);
        return r;
}

static int add_project(void) {
        const ProjectRow row = { .id = T(PROJECT),
                                 .server_id = T(OWN),
                                 .name = T("shop"),
                                 .repo_url = T("https://git.example/a.git"),
                                 .branch = T("main"),
                                 .root_directory = T(""),
                                 .node_version = T("22"),
                                 .bun_version = T("1"),
                                 .install_command = T(""),
                                 .build_command = T(""),
                                 .start_command = T("node ."),
                                 .env_vars = T(""),
                                 .health_path = T("/"),
                                 .static_directory = T(""),
                                 .created_at_ms = 1,
                                 .next_release = 1 };

        return store_project_add(context.store, &row);
}

static int set_up(void **state) {
        static const NodesOps ops = { 0 }; /* of a worker that never answers */
        char path[96];
        Sealer *sealer = NULL;
        int r;

        (void) state;
        (void) snprintf(root, sizeof root, "/tmp/ns-move-XXXXXX");
        if (!mkdtemp(root) || loop_new(&loop) < 0)
                return -1;
        (void) snprintf(path, sizeof path, "%s/key", root);
        r = sealer_open(path, true, &sealer);
        (void) snprintf(path, sizeof path, "%s/db", root);
        context = (DeployContext){ .loop = loop, .sealer = sealer, .server_id = OWN, .base_domain = "apps.test" };
        if (r == 0)
                r = store_open(path, &context.store);
        api = (Api){ .config = { .context = &context } };
        if (r == 0)
                r = nodes_new(loop, context.store, sealer, &ops, &api, &api.nodes);
        if (r == 0)
                r = add_servers();
        return r == 0 ? add_project() : r;
}

static int tear_down(void **state) {
        (void) state;
        look = timer_drop(look);
        api.mover = mover_free(api.mover);
        api.nodes = nodes_free(api.nodes);
        store_close(context.store);
        sealer_free((Sealer *) (uintptr_t) context.sealer);
        loop = loop_free(loop);
        return fs_remove_tree(AT_FDCWD, root);
}

/* It ends when the move is in another state than that, or after a minute. */
static void look_at_it(void *owner) {
        MoveRow row = { 0 };

        assert_int_equal(store_move_get(context.store, PROJECT, &row), STORE_OK);
        (void) snprintf(state_now, sizeof state_now, "%s", row.state);
        move_row_done(&row);
        if (strcmp(state_now, owner) != 0 || ++looks > 600)
                loop_exit(loop, 0);
        else
                (void) timer_rearm(look, 100 * USEC_PER_MSEC);
}

static const char *next_state(const char *state, int64_t age_ms) {
        const MoveRow row = { .project_id = T(PROJECT),
                              .from_server = T(OWN),
                              .to_server = T(WORKER),
                              .state = T(state),
                              .deployment_id = T("deploy000001"),
                              .commit = T(""),
                              .changed_at_ms = clock_now_ms() - age_ms,
                              .created_at_ms = 1 };

        looks = 0;
        assert_int_equal(store_move_put(context.store, &row), STORE_OK);
        assert_int_equal(mover_new(&api, loop, &api.mover), 0);
        assert_int_equal(timer_start(loop, 0, look_at_it, T(state), &look), 0);
        assert_int_equal(loop_run(loop), 0);
        return state_now;
}

static void placing_gives_up(void **state) {
        (void) state;
        assert_string_equal(next_state("placing", 6 * 60 * 1000), "undoing");
}

static void deploying_gives_up(void **state) {
        (void) state;
        assert_string_equal(next_state("deploying", 6 * 60 * 1000), "undoing");
}

static void building_gives_up(void **state) {
        ProjectRow row = { 0 };

        (void) state;
        assert_string_equal(next_state("building", 3 * 60 * 60 * 1000), "undoing");
        assert_int_equal(store_project_get(context.store, PROJECT, &row), STORE_OK);
        assert_string_equal(row.server_id, OWN); /* where it was */
        project_row_done(&row);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(placing_gives_up, set_up, tear_down),
                cmocka_unit_test_setup_teardown(deploying_gives_up, set_up, tear_down),
                cmocka_unit_test_setup_teardown(building_gives_up, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
