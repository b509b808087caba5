/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cluster/nodes_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ID "worker000001"

static char directory[] = "/tmp/nanoscale-nodes-XXXXXX";
static char key_path[64];
static Sealer *sealer;
static Loop *loop;
static Nodes *nodes;

static void came_back(void *owner, const char *server_id) {
        (void) owner;
        (void) server_id;
        fail();
}

static void projects(void *owner, const char *server_id, const json_t *list) {
        (void) list;
        came_back(owner, server_id);
}

static const NodesOps ops = { .came_back = came_back, .projects = projects };

static int set_up_all(void **state) {
        (void) state;
        if (!mkdtemp(directory))
                return -1;
        (void) snprintf(key_path, sizeof key_path, "%s/seal.key", directory);
        return sealer_open(key_path, true, &sealer);
}

static int tear_down_all(void **state) {
        (void) state;
        sealer_free(sealer);
        (void) unlink(key_path);
        return rmdir(directory);
}

/* A worker at a port where nobody listens; nothing here waits for it. */
static int set_up(void **state) {
        unsigned char key[SECRET_BYTES];
        char pin[65] = "";
        ServerRow row = { .id = (char *) (uintptr_t) ID,
                          .name = (char *) (uintptr_t) "w1",
                          .ip_address = (char *) (uintptr_t) "127.0.0.1" };
        int r;

        (void) state;
        memset(pin, 'a', 64);
        secret_new(key);
        row.port = 9;
        row.public_key = pin;
        r = server_seal(sealer, ID, key, &row.secret_key);
        if (r == 0)
                r = loop_new(&loop);
        if (r == 0)
                r = nodes_new(loop, NULL, sealer, &ops, NULL, &nodes);
        if (r == 0)
                r = nodes_add(nodes, &row);
        free(row.secret_key);
        return r;
}

static int tear_down(void **state) {
        (void) state;
        nodes = nodes_free(nodes);
        loop = loop_free(loop);
        return 0;
}

/* --- an owner of a call --- */

typedef struct {
        NodeCall *call;
        unsigned told;
        int error;
        bool keeps, again;
} Owner;

static int call(Owner *o);

static void done(void *owner, const FetchResult *result) {
        Owner *o = owner;

        o->told++;
        o->error = result->error;
        if (!o->keeps)
                o->call = node_call_drop(o->call);
        if (o->again)
                assert_int_equal(call(o), NODES_E_ABSENT);
        else
                loop_exit(loop, 0);
}

static int call(Owner *o) {
        const NodeRequest request = { .method = "POST", .target = "/internal/leave", .body = "{}", .length = 2, .even_offline = true };

        return node_call(nodes, ID, &request, done, o, &o->call);
}

static void what_is_under_way_is_told_the_end(void **state) {
        Owner dropping = { 0 }, keeping = { .keeps = true }, eager = { .again = true };

        (void) state;
        assert_int_equal(call(&dropping), 0);
        assert_int_equal(call(&keeping), 0);
        assert_int_equal(call(&eager), 0);
        nodes = nodes_free(nodes);
        assert_int_equal(dropping.told, 1);
        assert_int_equal(dropping.error, -ESHUTDOWN);
        assert_int_equal(keeping.told, 1);
        assert_int_equal(keeping.error, -ESHUTDOWN);
        assert_int_equal(eager.told, 1);
}

static void a_removed_server_ends_its_calls_later(void **state) {
        Owner o = { 0 };

        (void) state;
        assert_int_equal(call(&o), 0);
        nodes_remove(nodes, ID);
        assert_int_equal(o.told, 0); /* not from inside */
        assert_int_equal(loop_run(loop), 0);
        assert_int_equal(o.told, 1);
        assert_int_equal(o.error, -ESHUTDOWN);
        assert_int_equal(call(&o), NODES_E_ABSENT);
}

static void no_more_calls_than_may_be(void **state) {
        static Owner owners[CALLS_MAX], more; /* told the end when the test is over */
        const NodeRequest request = { .method = "GET", .target = "/internal/statistics" };

        (void) state;
        assert_int_equal(node_call(nodes, ID, &request, done, &more, &more.call), NODES_E_OFFLINE);
        assert_int_equal(node_call(nodes, "worker000002", &request, done, &more, &more.call), NODES_E_ABSENT);
        for (size_t i = 0; i < CALLS_MAX; i++)
                assert_int_equal(call(&owners[i]), 0);
        assert_int_equal(call(&more), NODES_E_BUSY);
        owners[7].call = node_call_drop(owners[7].call);
        assert_int_equal(call(&more), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(what_is_under_way_is_told_the_end, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_removed_server_ends_its_calls_later, set_up, tear_down),
                cmocka_unit_test_setup_teardown(no_more_calls_than_may_be, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
