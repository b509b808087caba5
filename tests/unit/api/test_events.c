/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* GET /api/events over a real socket: what is told, how often, and to how many. */
#include "harness.h"

#include "api/elsewhere.h"
#include "api/events.h"
#include "base/fs.h"
#include "cluster/server_key.h"

#define T(s) ((char *) (uintptr_t) (s))
#define OWN "server000001"
#define WORKER "worker000001"

static char root[64], path[96];
static Loop *loop;
static DeployContext context;
static Api *api;

static int add_worker(void) {
        unsigned char key[SECRET_BYTES];
        char pin[65] = "";
        ServerRow row = { .id = T(WORKER), .name = T("w1"), .ip_address = T("127.0.0.1"), .status = T("offline"), .version = T("1") };
        int r;

        memset(pin, 'a', 64);
        row.public_key = pin;
        row.port = 9; /* nobody listens: it stays offline */
        row.created_at_ms = 1;
        secret_new(key);
        r = server_seal(context.sealer, WORKER, key, &row.secret_key);
        if (r == 0)
                r = store_server_put(context.store, &row);
        free(row.secret_key);
        return r;
}

static int set_up(void **state) {
        const ServerRow own = { .id = T(OWN),
                                .name = T("main"),
                                .ip_address = T("127.0.0.1"),
                                .status = T("online"),
                                .secret_key = T(""),
                                .version = T("1"),
                                .created_at_ms = 1 };
        ApiConfig config = { .context = &context, .role = "orchestrator", .admin_group = getgid() };
        Sealer *sealer = NULL;
        char file[96];
        int r;

        (void) state;
        (void) snprintf(root, sizeof root, "/tmp/ns-events-XXXXXX");
        if (!mkdtemp(root) || loop_new(&loop) < 0)
                return -1;
        (void) snprintf(file, sizeof file, "%s/key", root);
        r = sealer_open(file, true, &sealer);
        (void) snprintf(file, sizeof file, "%s/db", root);
        (void) snprintf(path, sizeof path, "%s/socket", root);
        context = (DeployContext){ .loop = loop, .sealer = sealer, .server_id = OWN, .base_domain = "apps.test" };
        if (r == 0)
                r = store_open(file, &context.store);
        if (r == 0)
                r = store_server_put(context.store, &own);
        if (r == 0)
                r = add_worker();
        return r == 0 ? api_new(loop, &(ApiDoors){ .admin = listen_unix(path), .gateway = -1, .web = -1 }, &config, &api) : r;
}

static int tear_down(void **state) {
        (void) state;
        api = api_free(api);
        store_close(context.store);
        sealer_free((Sealer *) (uintptr_t) context.sealer);
        loop = loop_free(loop);
        return fs_remove_tree(AT_FDCWD, root);
}

static void add_project(const char *id, const char *server, const char *name) {
        const ProjectRow row = { .id = T(id),
                                 .server_id = T(server),
                                 .name = T(name),
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

        assert_int_equal(store_project_add(context.store, &row), STORE_OK);
}

static size_t count(const Client *c, const char *words) {
        size_t n = 0;

        for (const char *at = strstr(c->in, words); at; at = strstr(at + 1, words))
                n++;
        return n;
}

static Client *listener(void) {
        Client *c = client_open(path);

        client_send(c, "GET /api/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        turn_until(loop, client_has(c, "event: ready\ndata: {\"version\":\"" NANOSCALE_VERSION "\"}\n\n"));
        return c;
}

static void changes_are_told(void **state) {
        DeploymentRow deployment = { .id = T("deploy000001"),
                                     .project_id = T("project00001"),
                                     .kind = T("deploy"),
                                     .state = T("queued"),
                                     .branch = T("main"),
                                     .exit_code = -1,
                                     .created_at_ms = 1 };
        const DomainRow domain = {
                .name = T("a.example"), .project_id = T("project00001"), .source = T("acme"), .state = T("waiting"), .created_at_ms = 1
        };
        Client *c = listener(), *other = listener();

        (void) state;
        assert_non_null(strstr(c->in, "text/event-stream"));
        add_project("project00001", OWN, "shop");
        turn_until(loop, client_has(c, "event: project\ndata: {\"name\":\"shop\""));
        turn_until(loop, client_has(other, "event: project\ndata: {\"name\":\"shop\""));
        assert_null(strstr(c->in, "env_vars"));
        assert_int_equal(store_deployment_add(context.store, &deployment), STORE_OK);
        turn_until(loop, client_has(c, "event: deployment\ndata: {\"id\":\"deploy000001\""));
        turn_until(loop, client_has(c, "\"status\":\"deploying\""));
        assert_null(strstr(c->in, "\"steps\""));
        assert_int_equal(store_domain_add(context.store, &domain), STORE_OK);
        turn_until(loop, client_has(c, "\"domains\":[{\"name\":\"a.example\""));
        store_tell(context.store, STORE_SERVER, OWN);
        turn_until(loop, client_has(c, "event: server\ndata: {\"id\":\"" OWN "\""));
        assert_int_equal(store_project_delete(context.store, "project00001"), STORE_OK);
        turn_until(loop, client_has(c, "event: project-removed\ndata: {\"id\":\"project00001\"}\n\n"));
        assert_int_equal(store_server_delete(context.store, WORKER), STORE_OK);
        turn_until(loop, client_has(c, "event: server-removed\ndata: {\"id\":\"" WORKER "\"}\n\n"));
        client_close(c);
        client_close(other);
}

/* However often it changes; and what it is in the end is told. */
static void twice_a_second_and_the_last_one(void **state) {
        Client *c = listener();
        uint64_t began, took;
        char branch[32];
        ProjectRow row;

        (void) state;
        add_project("project00001", OWN, "shop");
        began = clock_monotonic_us();
        for (int i = 0; i < 400; i++) {
                assert_int_equal(store_project_get(context.store, "project00001", &row), STORE_OK);
                (void) snprintf(branch, sizeof branch, "branch-%d-", i);
                free(row.branch);
                row.branch = strdup(branch);
                assert_int_equal(store_project_update(context.store, &row), STORE_OK);
                project_row_done(&row);
                turn(loop, USEC_PER_MSEC);
                (void) client_poll(c);
        }
        turn_until(loop, client_has(c, "\"branch\":\"branch-399-\""));
        took = clock_monotonic_us() - began;
        assert_in_range(count(c, "event: project\n"), 1, took / 500000 + 2);
        client_close(c);
}

/* What its server said last; and that it is not reached, as soon as that is known. */
static void projects_elsewhere(void **state) {
        Client *c = listener();
        json_t *said = json_pack("[{s:s, s:s, s:{s:s, s:s}}]", "id", "project00002", "status", "deploying", "latest_deployment", "id",
                                 "deploy000002", "state", "build");
        ServerRow row = { 0 };
        size_t before;

        (void) state;
        add_project("project00002", WORKER, "far");
        mirror_take(api, WORKER, said);
        turn_until(loop, client_has(c, "event: deployment\ndata: {\"id\":\"deploy000002\",\"state\":\"build\",\"project\":\"far\""));
        turn_until(loop, client_has(c, "event: project\ndata: {\"id\":\"project00002\""));
        /* The same deployment is not told again when something else has changed. */
        (void) json_object_set_new(json_array_get(said, 0), "env_count", json_integer(7));
        mirror_take(api, WORKER, said);
        turn_until(loop, client_has(c, "\"env_count\":7"));
        assert_int_equal(count(c, "event: deployment\n"), 1);
        before = count(c, "event: project\n");
        assert_int_equal(store_server_get(context.store, WORKER, &row), STORE_OK);
        row.changed_at_ms += 1000;
        assert_int_equal(store_server_put(context.store, &row), STORE_OK);
        server_row_done(&row);
        turn_until(loop, client_has(c, "event: server\ndata: {\"id\":\"" WORKER "\""));
        turn_until(loop, client_poll(c) && count(c, "event: project\n") > before);
        json_decref(said);
        client_close(c);
}

static void no_more_than_so_many(void **state) {
        Client *all[EVENT_STREAMS_MOST], *more = client_open(path);

        (void) state;
        for (size_t i = 0; i < EVENT_STREAMS_MOST; i++)
                all[i] = listener();
        client_send(more, "GET /api/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        turn_until(loop, client_has(more, "too-many-streams"));
        client_close(more);
        client_close(all[3]);
        turn_for(loop, 100 * USEC_PER_MSEC);
        all[3] = listener(); /* its place is free again */
        for (size_t i = 0; i < EVENT_STREAMS_MOST; i++)
                client_close(all[i]);
}

/* Reads what is there and counts the words in it, across pieces, without keeping it. */
static void drain(Client *c, const char *words, size_t *n) {
        size_t kept = strlen(words) - 1;

        (void) client_poll(c);
        *n += count(c, words);
        if (c->length <= kept)
                return;
        memmove(c->in, c->in + c->length - kept, kept);
        memset(c->in + kept, 0, sizeof c->in - kept);
        c->length = kept;
}

/* A thousand at once: a client that does not read loses its stream, while the other one has all. */
static void a_slow_one_holds_up_nobody(void **state) {
        Client *slow = listener(), *c = listener();
        size_t told = 0, told_slow = 0;
        char id[13];

        (void) state;
        assert_int_equal(store_begin(context.store), 0);
        for (unsigned i = 0; i < 1000; i++) {
                (void) snprintf(id, sizeof id, "many%08u", i);
                add_project(id, WORKER, id);
        }
        assert_int_equal(store_commit(context.store), 0);
        turn_until(loop, (drain(c, "event: project\n", &told), told >= 1000));
        assert_int_equal(told, 1000);
        assert_false(c->closed);
        turn_until(loop, (drain(slow, "event: project\n", &told_slow), slow->closed));
        assert_true(told_slow < 1000);
        client_close(slow);
        client_close(c);
}

/* Nothing is noted while nobody listens. */
static void costs_nothing_alone(void **state) {
        Client *c;

        (void) state;
        add_project("project00001", OWN, "shop");
        turn_for(loop, 100 * USEC_PER_MSEC);
        c = listener();
        turn_for(loop, 200 * USEC_PER_MSEC);
        (void) client_poll(c);
        assert_null(strstr(c->in, "event: project"));
        client_close(c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(changes_are_told, set_up, tear_down),
                cmocka_unit_test_setup_teardown(twice_a_second_and_the_last_one, set_up, tear_down),
                cmocka_unit_test_setup_teardown(projects_elsewhere, set_up, tear_down),
                cmocka_unit_test_setup_teardown(no_more_than_so_many, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_slow_one_holds_up_nobody, set_up, tear_down),
                cmocka_unit_test_setup_teardown(costs_nothing_alone, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
