/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Settings and the logo, and the newest deployments of all projects: over a real socket. */
#include "harness.h"

#include "api/settings.h"
#include "base/cleanup.h"
#include "base/fs.h"

#define T(s) ((char *) (uintptr_t) (s))
#define OWN "server000001"
#define WORKER "worker000001"
#define PNG "data:image/png;base64,iVBORw0KGgo="

static char root[64], path[96];
static Loop *loop;
static DeployContext context;
static Api *api;

static int set_up(void **state) {
        const ServerRow own = { .id = T(OWN),
                                .name = T("main"),
                                .ip_address = T("127.0.0.1"),
                                .status = T("online"),
                                .secret_key = T(""),
                                .version = T("1"),
                                .created_at_ms = 1 },
                        worker = { .id = T(WORKER),
                                   .name = T("w1"),
                                   .ip_address = T("127.0.0.1"),
                                   .status = T("offline"),
                                   .secret_key = T(""),
                                   .version = T("1"),
                                   .created_at_ms = 1 };
        ApiConfig config = {
                .context = &context, .role = "orchestrator", .admin_group = getgid(), .acme_server = "https://acme.example/dir"
        };
        Sealer *sealer = NULL;
        char file[96];
        int r;

        (void) state;
        (void) snprintf(root, sizeof root, "/tmp/ns-settings-XXXXXX");
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
                r = store_server_put(context.store, &worker);
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

static Client *ask(const char *method, const char *target, const char *body) {
        Client *c = client_open(path);
        auto_free char *text = NULL;

        assert_true(asprintf(&text, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", method, target,
                             strlen(body), body) > 0);
        client_send(c, text);
        turn_until(loop, client_is_closed(c));
        return c;
}

static void expect(const char *method, const char *target, const char *body, int status, const char *words) {
        Client *c = ask(method, target, body);

        if (atoi(c->in + strlen("HTTP/1.1 ")) != status || !strstr(c->in, words))
                fail_msg("%s %s %s: %s", method, target, body, c->in);
        client_close(c);
}

static void names_and_logos(void **state) {
        json_t *site;
        Client *c;

        (void) state;
        expect("GET", "/api/settings", "", 200,
               "{\"site_name\":\"NanoScale\",\"logo\":null,\"registry\":null,\"base_domain\":\"apps.test\",\"dashboard_domain\":null,"
               "\"version\":\"" NANOSCALE_VERSION
               "\",\"acme\":{\"server\":\"https://acme.example/dir\",\"email\":null},\"repositories\":{\"allow_private\":false},"
               "\"metrics\":{\"has_token\":false}}");
        expect("GET", "/api/site/logo", "", 404, "logo-absent");
        expect("PATCH", "/api/settings", "{\"site_name\":\"Mia & Söhne\",\"logo\":\"" PNG "\"}", 200,
               "{\"site_name\":\"Mia & Söhne\",\"logo\":\"" PNG "\",");
        site = describe_site(api);
        assert_string_equal(json_string_value(json_object_get(site, "name")), "Mia & Söhne");
        assert_true(json_is_true(json_object_get(site, "has_logo")));
        json_decref(site);
        c = ask("GET", "/api/site/logo", "");
        assert_non_null(strstr(c->in, "\r\nContent-Type: image/png\r\n"));
        assert_non_null(strstr(c->in, "\r\nX-Content-Type-Options: nosniff\r\n"));
        assert_non_null(strstr(c->in, "\r\nContent-Security-Policy: default-src 'none'; sandbox\r\n"));
        assert_memory_equal(c->in + c->length - 12, "\r\n\r\n\x89PNG\r\n\x1a\n", 12);
        client_close(c);
        expect("PATCH", "/api/settings", "{}", 200, "Mia & Söhne"); /* what is not named stays */
        expect("PATCH", "/api/settings", "{\"logo\":null}", 200, "\"logo\":null");
        expect("GET", "/api/site/logo", "", 404, "logo-absent");
        site = describe_site(api);
        assert_true(json_is_false(json_object_get(site, "has_logo")));
        json_decref(site);
        expect("PATCH", "/api/settings", "{\"site_name\":null}", 200, "\"site_name\":\"NanoScale\"");
}

static void what_is_refused(void **state) {
        static const char *const bodies[][2] = {
                { "{\"site_name\":\"\"}", "\"field\":\"site_name\"" },
                { "{\"site_name\":\" a\"}", "\"field\":\"site_name\"" },
                { "{\"site_name\":\"a\\nb\"}", "\"field\":\"site_name\"" },
                { "{\"site_name\":7}", "\"field\":\"site_name\"" },
                { "{\"site_name\":\"1234567890123456789012345678901234567890123456789012345678901\"}", "\"field\":\"site_name\"" },
                { "{\"logo\":\"data:image/svg+xml;base64,PHN2Zz4=\"}", "\"field\":\"logo\"" },
                { "{\"logo\":\"data:image/jpeg;base64,iVBORw0KGgo=\"}", "\"field\":\"logo\"" },
                { "{\"logo\":\"https://x.example/a.png\"}", "\"field\":\"logo\"" },
                { "{\"logo\":[]}", "\"field\":\"logo\"" },
                { "{\"base_domain\":\"x.example\"}", "config.json of the server: base_domain" },
                { "{\"acme\":{}}", "acme.server and acme.email" },
                { "{\"version\":\"9\"}", "Only site_name and logo" },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(bodies); i++)
                expect("PATCH", "/api/settings", bodies[i][0], 422, bodies[i][1]);
        expect("PATCH", "/api/settings", "{\"site_name\":\"good\",\"logo\":\"bad\"}", 422,
               "\"field\":\"logo\""); /* and neither is stored */
        expect("GET", "/api/settings", "", 200, "\"site_name\":\"NanoScale\"");
}

/* --- deployments --- */

static void add_project(const char *id, const char *server, const char *name) {
        const ProjectRow row = { .id = T(id),
                                 .server_id = T(server),
                                 .name = T(name),
                                 .repo_url = T("https://git.example/a.git"),
                                 .branch = T("main"),
                                 .start_command = T("x"),
                                 .health_path = T("/"),
                                 .created_at_ms = 1,
                                 .next_release = 1 };

        assert_int_equal(store_project_add(context.store, &row), STORE_OK);
}

static void add_deployment(const char *id, const char *project, int64_t at_ms) {
        DeploymentRow row = { .id = T(id),
                              .project_id = T(project),
                              .kind = T("deploy"),
                              .state = T("failed"),
                              .exit_code = -1,
                              .created_at_ms = at_ms,
                              .finished_at_ms = at_ms + 1 };

        assert_int_equal(store_deployment_add(context.store, &row), STORE_OK);
}

/* The ids in the answer, in its order. */
static void order(const char *target, const char *wanted) {
        Client *c = ask("GET", target, "");
        char found[256] = "";
        json_t *answer, *d;
        size_t i;

        answer = json_loads(strstr(c->in, "\r\n\r\n") + 4, 0, NULL);
        json_array_foreach(json_object_get(answer, "deployments"), i, d) {
                assert_true(strlen(found) < 200);
                (void) strcat(strcat(strcat(strcat(found, json_string_value(json_object_get(d, "project"))), ":"),
                                     json_string_value(json_object_get(d, "id"))),
                              " ");
        }
        assert_string_equal(found, wanted);
        json_decref(answer);
        client_close(c);
}

static void newest_of_all(void **state) {
        (void) state;
        order("/api/deployments", "");
        add_project("project00001", OWN, "shop");
        add_project("project00002", OWN, "blog");
        add_project("project00003", WORKER, "far");
        add_deployment("deploy000001", "project00001", 1700000001000);
        add_deployment("deploy000002", "project00002", 1700000003000);
        add_deployment("deploy000003", "project00001", 1700000005000);
        /* Its server says that it is another project's: only that it has one is believed. */
        assert_int_equal(store_place_put(context.store, "deploy000009", "project00003", 1700000004000), STORE_OK);
        assert_int_equal(store_place_set_told(context.store, "deploy000009", "project00003",
                                              "{\"id\":\"deploy000009\",\"project\":\"shop\",\"project_id\":\"project00001\","
                                              "\"kind\":\"deploy\",\"state\":\"live\",\"subject\":{},\"created_at\":\"9999\"}"),
                         STORE_OK);
        order("/api/deployments", "shop:deploy000003 far:deploy000009 blog:deploy000002 shop:deploy000001 ");
        order("/api/deployments?limit=2", "shop:deploy000003 far:deploy000009 ");
        /* What has not the form of one is none. */
        assert_int_equal(store_place_set_told(context.store, "deploy000009", "project00003",
                                              "{\"id\":\"deploy000009\",\"kind\":\"deploy\",\"state\":\"odd\"}"),
                         STORE_OK);
        order("/api/deployments?limit=2", "shop:deploy000003 blog:deploy000002 ");
        assert_int_equal(store_place_set_told(context.store, "deploy000009", "project00003", NULL), STORE_OK);
        order("/api/deployments?limit=2", "shop:deploy000003 blog:deploy000002 ");
        expect("GET", "/api/deployments?limit=0", "", 400, "malformed-query");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(names_and_logos, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_is_refused, set_up, tear_down),
                cmocka_unit_test_setup_teardown(newest_of_all, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
