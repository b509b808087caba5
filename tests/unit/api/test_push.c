/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* All rows of a node on their way to it. The node is none: its answers are given by hand, its calls looked at where they wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/elsewhere.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "cluster/nodes_internal.h"
#include "deployment/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define T(s) ((char *) (uintptr_t) (s))
#define WORKER "worker000001"
#define OTHER "worker000002"

enum { PROJECTS = 120, FEW = 16 };

static char root[64];
static Loop *loop;
static DeployContext context;
static Api api;
static unsigned sent[PROJECTS];

static int add_server(const char *id, const char *name, bool follow) {
        unsigned char key[SECRET_BYTES];
        char pin[65] = "";
        ServerRow row = { .id = T(id), .name = T(name), .ip_address = T("127.0.0.1"), .status = T("offline"), .version = T("1") };
        int r;

        memset(pin, 'a', 64);
        row.public_key = pin;
        row.port = 9;
        row.created_at_ms = 1;
        secret_new(key);
        r = server_seal(context.sealer, id, key, &row.secret_key);
        if (r == 0)
                r = store_server_put(context.store, &row);
        if (r == 0 && follow) {
                r = nodes_add(api.nodes, &row);
                if (r == 0)
                        node_find(api.nodes, id)->online = true;
        }
        free(row.secret_key);
        return r;
}

static int add_project(const char *server_id, unsigned number) {
        char id[13], name[32];
        ProjectRow row = { .id = id,
                           .server_id = T(server_id),
                           .name = name,
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

        (void) snprintf(id, sizeof id, "project%05u", number % 100000);
        (void) snprintf(name, sizeof name, "p-%u", number);
        return store_project_add(context.store, &row);
}

static void nothing(void *owner, const char *server_id) {
        (void) owner;
        (void) server_id;
}

static void no_list(void *owner, const char *server_id, const json_t *list) {
        (void) list;
        nothing(owner, server_id);
}

static int set_up(void **state) {
        static const NodesOps ops = { .came_back = nothing, .projects = no_list };
        char path[96];
        Sealer *sealer = NULL;
        int r;

        (void) state;
        memset(sent, 0, sizeof sent);
        (void) snprintf(root, sizeof root, "/tmp/ns-push-XXXXXX");
        if (!mkdtemp(root) || loop_new(&loop) < 0)
                return -1;
        (void) snprintf(path, sizeof path, "%s/key", root);
        r = sealer_open(path, true, &sealer);
        (void) snprintf(path, sizeof path, "%s/db", root);
        context = (DeployContext){ .loop = loop, .sealer = sealer, .server_id = "server000001", .base_domain = "apps.test" };
        if (r == 0)
                r = store_open(path, &context.store);
        api = (Api){ .config = { .context = &context } };
        if (r == 0)
                r = nodes_new(loop, context.store, sealer, &ops, &api, &api.nodes);
        if (r == 0)
                r = add_server(WORKER, "w1", true);
        if (r == 0)
                r = add_server(OTHER, "w2", false);
        for (unsigned i = 0; r == 0 && i < PROJECTS; i++)
                r = add_project(WORKER, i);
        return r == 0 ? add_project(OTHER, 99999) : r;
}

static int tear_down(void **state) {
        (void) state;
        api.nodes = nodes_free(api.nodes);
        store_close(context.store);
        sealer_free((Sealer *) (uintptr_t) context.sealer);
        loop = loop_free(loop);
        return fs_remove_tree(AT_FDCWD, root);
}

static unsigned under_way(void) {
        return node_find(api.nodes, WORKER)->n_calls;
}

/* The node answers the call that came last. */
static void answer(int error, unsigned status) {
        NodeCall *c = api.nodes->calls;
        const FetchResult result = { .error = error, .sentence = "It is broken.", .status = status, .body = "{}", .length = 2 };
        json_t *o = json_loadb(c->body, c->length, 0, NULL);
        const char *id = json_string_value(json_object_get(o, "id"));
        unsigned number = 0;

        assert_non_null(id);
        assert_string_equal(c->target, "/internal/projects");
        assert_int_equal(sscanf(id, "project%5u", &number), 1);
        assert_true(number < PROJECTS);
        sent[number]++;
        json_decref(o);
        c->done(c->owner, &result);
}

static void each_row_is_sent_once_and_few_at_a_time(void **state) {
        static const unsigned statuses[] = { 200, 201, 422, 500 };
        unsigned answers = 0;

        (void) state;
        node_find(api.nodes, WORKER)->push = false;
        push_all(&api, WORKER);
        assert_non_null(api.pushes);
        while (api.nodes->calls) {
                assert_in_range(under_way(), 1, FEW);
                answer(0, statuses[answers++ % ELEMENTS(statuses)]); /* one that is not taken does not keep back the others */
        }
        for (unsigned i = 0; i < PROJECTS; i++)
                assert_int_equal(sent[i], 1);
        assert_null(api.pushes);
        assert_true(node_find(api.nodes, WORKER)->push); /* for those of 500 */
}

static void a_node_that_is_gone_again_is_left_alone(void **state) {
        unsigned first, answers = 0;

        (void) state;
        node_find(api.nodes, WORKER)->push = false;
        push_all(&api, WORKER);
        first = under_way();
        for (; api.nodes->calls; answers++)
                answer(-ETIMEDOUT, 0);
        assert_int_equal(answers, first);
        assert_null(api.pushes);
        assert_true(node_find(api.nodes, WORKER)->push);
}

static void asked_again_it_begins_again(void **state) {
        (void) state;
        push_all(&api, WORKER);
        for (unsigned i = 0; i < PROJECTS / 2; i++)
                answer(0, 200);
        push_all(&api, WORKER);
        while (api.nodes->calls) {
                assert_in_range(under_way(), 1, FEW);
                answer(0, 200);
        }
        for (unsigned i = 0; i < PROJECTS; i++)
                assert_in_range(sent[i], 1, 2);
        assert_null(api.pushes);
}

static void a_row_that_is_too_large_stays_where_it_is(void **state) {
        ProjectRow row = { 0 };
        json_t *env = json_object();
        char value[32 * 1024 + 1], key[16];

        (void) state;
        memset(value, 'v', sizeof value - 1);
        value[sizeof value - 1] = '\0';
        for (unsigned i = 0; i < 40; i++) {
                (void) snprintf(key, sizeof key, "KEY_%u", i);
                assert_int_equal(json_object_set_new(env, key, json_string(value)), 0);
        }
        assert_int_equal(store_project_get(context.store, "project00007", &row), STORE_OK);
        free(row.env_vars);
        assert_int_equal(environment_seal(context.sealer, row.id, env, &row.env_vars), 0);
        assert_int_equal(store_project_update(context.store, &row), STORE_OK);
        project_row_done(&row);
        json_decref(env);
        push_all(&api, WORKER);
        while (api.nodes->calls)
                answer(0, 200);
        for (unsigned i = 0; i < PROJECTS; i++)
                assert_int_equal(sent[i], i == 7 ? 0 : 1);
        assert_int_equal(store_project_get(context.store, "project00007", &row), STORE_OK);
        project_row_done(&row);
}

static void the_end_of_the_agent_is_its_end(void **state) {
        (void) state;
        push_all(&api, WORKER);
        answer(0, 200);
        api.nodes = nodes_free(api.nodes);
        assert_null(api.pushes);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(each_row_is_sent_once_and_few_at_a_time, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_node_that_is_gone_again_is_left_alone, set_up, tear_down),
                cmocka_unit_test_setup_teardown(asked_again_it_begins_again, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_row_that_is_too_large_stays_where_it_is, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_end_of_the_agent_is_its_end, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
