/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The calls for domains, over the real socket, with the real database and certificates. There is no authority, and the other server is not
 * reached. */
#include "harness.h"

#include "api/domains.h"
#include "api/elsewhere.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "cluster/nodes_internal.h"
#include "make.h"

#include <sys/stat.h>

#define T(s) ((char *) (uintptr_t) (s))
#define OWN "server000001"
#define WORKER "worker000001"
#define DAY 86400L

static char root[64], certificates[96], missing[96], socket_path[96];
static Loop *loop;
static DeployContext context;
static Certificates *keeper_of_certificates;
static Api *api;

static int add_server(const char *id, const char *name) {
        unsigned char key[SECRET_BYTES];
        char pin[65] = "";
        ServerRow row = {
                .id = T(id), .name = T(name), .ip_address = T("127.0.0.1"), .status = T("offline"), .version = T("1"), .port = 9
        };
        int r;

        memset(pin, 'a', 64);
        row.public_key = pin;
        row.created_at_ms = 1;
        secret_new(key);
        r = server_seal(context.sealer, id, key, &row.secret_key);
        if (r == 0)
                r = store_server_put(context.store, &row);
        free(row.secret_key);
        return r;
}

static int add_project(const char *id, const char *server_id, const char *name) {
        ProjectRow row = { .id = T(id),
                           .server_id = T(server_id),
                           .name = T(name),
                           .repo_url = T("https://git.example/a.git"),
                           .env_vars = T(""),
                           .health_path = T("/"),
                           .created_at_ms = 1 };

        return store_project_add(context.store, &row);
}

static int set_up(void **state) {
        ApiConfig config = { .context = &context, .role = "orchestrator", .admin_group = getegid() };
        CertificatesConfig own;
        Sealer *sealer = NULL;
        char path[96];

        (void) state;
        (void) snprintf(root, sizeof root, "/tmp/ns-domains-XXXXXX");
        assert_non_null(mkdtemp(root));
        (void) snprintf(certificates, sizeof certificates, "%s/certificates", root);
        (void) snprintf(missing, sizeof missing, "%s/missing", root);
        (void) snprintf(socket_path, sizeof socket_path, "%s/agent.sock", root);
        assert_int_equal(mkdir(certificates, 0750), 0);
        assert_int_equal(loop_new(&loop), 0);
        (void) snprintf(path, sizeof path, "%s/key", root);
        assert_int_equal(sealer_open(path, true, &sealer), 0);
        context = (DeployContext){ .loop = loop, .sealer = sealer, .server_id = OWN, .base_domain = "apps.example" };
        (void) snprintf(path, sizeof path, "%s/db", root);
        assert_int_equal(store_open(path, &context.store), 0);
        assert_int_equal(add_server(OWN, "main"), 0);
        assert_int_equal(add_server(WORKER, "w1"), 0);
        assert_int_equal(add_project("project00001", OWN, "shop"), 0);
        assert_int_equal(add_project("project00002", OWN, "blog"), 0);
        assert_int_equal(add_project("project00003", WORKER, "far"), 0);
        own = (CertificatesConfig){ .loop = loop,
                                    .store = context.store,
                                    .server_id = OWN,
                                    .directory = certificates,
                                    .acme = missing,
                                    .socket = missing,
                                    .authority = "https://acme.example/directory" };
        assert_int_equal(certificates_new(&own, &keeper_of_certificates), 0);
        config.certificates = keeper_of_certificates;
        return api_new(loop, &(ApiDoors){ .admin = listen_unix(socket_path), .gateway = -1, .web = -1 }, &config, &api);
}

static int tear_down(void **state) {
        (void) state;
        api = api_free(api);
        keeper_of_certificates = certificates_free(keeper_of_certificates);
        store_close(context.store);
        sealer_free((Sealer *) (uintptr_t) context.sealer);
        loop = loop_free(loop);
        return fs_remove_tree(AT_FDCWD, root);
}

/* One request; the status, and the answer's body (NULL: none). */
static unsigned ask(const char *method, const char *path, const char *body, json_t **ret) {
        Client *c = client_open(socket_path);
        char *request = NULL;
        const char *content;
        unsigned status = 0;

        assert_true(asprintf(&request, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", method, path,
                             strlen(body), body) > 0);
        client_send(c, request);
        turn_until(loop, client_is_closed(c));
        assert_int_equal(sscanf(c->in, "HTTP/1.1 %u", &status), 1);
        content = strstr(c->in, "\r\n\r\n");
        assert_non_null(content);
        if (ret)
                *ret = json_loads(content + 4, 0, NULL);
        free(request);
        client_close(c);
        return status;
}

static void refused(unsigned status, const char *type, const char *method, const char *path, const char *body) {
        json_t *problem = NULL;

        assert_int_equal(ask(method, path, body, &problem), status);
        assert_string_equal(json_string_value(json_object_get(problem, "type")), type);
        assert_true(strlen(json_string_value(json_object_get(problem, "detail"))) > 10);
        json_decref(problem);
}

static char *text_at(const char *path, const char *key) {
        json_t *o = NULL;
        const char *text;
        char *copy;

        assert_int_equal(ask("GET", path, "", &o), 200);
        text = json_string_value(json_object_get(o, key));
        copy = strdup(text ? text : "");
        json_decref(o);
        return copy;
}

static void check_text(const char *path, const char *key, const char *wanted) {
        auto_free char *text = text_at(path, key);

        assert_string_equal(text, wanted);
}

static char *primary_of(const char *id) {
        ProjectRow row;
        char *copy;

        assert_int_equal(store_project_get(context.store, id, &row), 0);
        copy = strdup(row.domain ? row.domain : "");
        project_row_done(&row);
        return copy;
}

static void check_primary(const char *id, const char *wanted) {
        auto_free char *text = primary_of(id);

        assert_string_equal(text, wanted);
}

#define SHOP "/api/projects/shop/domains"

static void domains_come_and_go(void **state) {
        json_t *o = NULL;

        (void) state;
        assert_int_equal(ask("POST", SHOP, "{\"name\":\"a.example\",\"hsts\":true}", &o), 201);
        assert_string_equal(json_string_value(json_object_get(o, "state")), "waiting");
        assert_true(json_is_true(json_object_get(o, "primary")));
        assert_true(json_is_true(json_object_get(o, "hsts")));
        json_decref(o);
        check_primary("project00001", "a.example");
        assert_int_equal(ask("POST", SHOP, "{\"name\":\"www.a.example\",\"redirect_to\":\"a.example\"}", NULL), 201);
        check_text(SHOP "/www.a.example", "redirect_to", "a.example");
        check_primary("project00001", "a.example");
        assert_int_equal(ask("POST", SHOP, "{\"name\":\"b.example\"}", NULL), 201);

        /* A visitor is sent on once. */
        refused(422, "invalid-field", "POST", SHOP, "{\"name\":\"c.example\",\"redirect_to\":\"www.a.example\"}");
        refused(422, "invalid-field", "POST", SHOP, "{\"name\":\"c.example\",\"redirect_to\":\"none.example\"}");
        refused(422, "invalid-field", "PATCH", SHOP "/a.example", "{\"redirect_to\":\"b.example\"}");
        refused(422, "invalid-field", "PATCH", SHOP "/b.example", "{\"redirect_to\":\"b.example\"}");
        refused(409, "domain-in-use", "DELETE", SHOP "/a.example", "");

        assert_int_equal(ask("PATCH", SHOP "/www.a.example", "{\"redirect_to\":\"b.example\",\"hsts\":true}", NULL), 200);
        assert_int_equal(ask("DELETE", SHOP "/a.example", "", NULL), 204);
        check_primary("project00001", "b.example"); /* the next at which visitors arrive */
        refused(404, "domain-absent", "GET", SHOP "/a.example", "");
        assert_int_equal(ask("GET", "/api/domains", "", &o), 200);
        assert_int_equal(json_array_size(json_object_get(o, "domains")), 2);
        assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(o, "domains"), 0), "project")), "shop");
        json_decref(o);
        assert_int_equal(ask("DELETE", SHOP "/www.a.example", "", NULL), 204);
        assert_int_equal(ask("DELETE", SHOP "/b.example", "", NULL), 204);
        check_primary("project00001", "");
}

static void names_are_one_project_s(void **state) {
        DraftProblem problem = { 0 };
        ProjectRow project;
        DomainRow kept;

        (void) state;
        assert_int_equal(ask("POST", SHOP, "{\"name\":\"a.example\"}", NULL), 201);
        refused(409, "domain-taken", "POST", SHOP, "{\"name\":\"a.example\"}");
        refused(409, "domain-taken", "POST", "/api/projects/blog/domains", "{\"name\":\"a.example\"}");
        refused(404, "domain-absent", "GET", "/api/projects/blog/domains/a.example", "");
        refused(404, "domain-absent", "DELETE", "/api/projects/blog/domains/a.example", "");
        /* The name of another project, whether it exists or not; but its own is in order. */
        refused(409, "domain-taken", "POST", SHOP, "{\"name\":\"blog.apps.example\"}");
        refused(409, "domain-taken", "POST", SHOP, "{\"name\":\"later.apps.example\"}");
        assert_int_equal(ask("POST", SHOP, "{\"name\":\"shop.apps.example\"}", NULL), 201);
        kept = (DomainRow){ .name = T("old.apps.example"), .project_id = T("project00001"), .source = T("acme"), .state = T("waiting") };
        assert_int_equal(store_domain_add(context.store, &kept), 0); /* of before this was refused */
        assert_int_equal(store_project_get(context.store, "project00001", &project), 0);
        assert_int_equal(domain_refuse(api, &project, "old.apps.example", &problem), DOMAIN_OK);
        project_row_done(&project);
        assert_int_equal(ask("POST", SHOP, "{\"name\":\"www.shop.apps.example\"}", NULL), 201);
}

static void what_is_no_domain_is_refused(void **state) {
        static const char *const bodies[] = {
                "{}",
                "{\"name\":7}",
                "{\"name\":\"localhost\"}",
                "{\"name\":\"A.example\"}",
                "{\"name\":\"a.example:80\"}",
                "{\"name\":\"*.example.com\"}",
                "{\"name\":\"10.0.0.1\"}",
                "{\"name\":\"a.example; return 200\"}",
                "{\"name\":\"../a.example\"}",
                "{\"name\":\"a.example\",\"hsts\":1}",
                "{\"name\":\"a.example\",\"redirect_to\":7}",
                "{\"name\":\"a.example\",\"primary\":false}",
                "{\"name\":\"a.example\",\"source\":\"acme\"}",
                "{\"name\":\"a.example\",\"colour\":\"red\"}",
        };
        char long_name[400], name[256];

        (void) state;
        for (size_t i = 0; i < ELEMENTS(bodies); i++)
                refused(422, "invalid-field", "POST", SHOP, bodies[i]);
        memset(name, 'a', sizeof name);
        for (size_t i = 50; i < 204; i += 51)
                name[i] = '.';
        (void) snprintf(long_name, sizeof long_name, "{\"name\":\"%.201s\"}", name);
        refused(422, "invalid-field", "POST", SHOP, long_name);
        (void) snprintf(long_name, sizeof long_name, "{\"name\":\"%.200s\"}", name);
        assert_int_equal(ask("POST", SHOP, long_name, NULL), 201);
        assert_int_equal(ask("POST", SHOP, "{\"name\":\"a.example\"}", NULL), 201);
        refused(422, "invalid-field", "PATCH", SHOP "/a.example", "{\"source\":\"own\"}");
        refused(422, "invalid-field", "PATCH", SHOP "/a.example", "{\"name\":\"b.example\"}");
}

static void there_is_a_limit(void **state) {
        char body[64];

        (void) state;
        for (int i = 0; i < 30; i++) {
                (void) snprintf(body, sizeof body, "{\"name\":\"d%d.example\"}", i);
                assert_int_equal(ask("POST", SHOP, body, NULL), 201);
        }
        refused(409, "too-many-domains", "POST", SHOP, "{\"name\":\"d30.example\"}");
}

static bool has_state(const char *name, const char *wanted) {
        DomainRow row;
        bool is;

        assert_int_equal(store_domain_get(context.store, name, &row), 0);
        is = strcmp(row.state, wanted) == 0;
        domain_row_done(&row);
        return is;
}

static void certificates_are_checked_and_kept(void **state) {
        auto_free char *chain = NULL, *key = NULL, *other = NULL, *other_key = NULL, *text = NULL, *wrong = NULL, *path = NULL;
        Authority authority;
        json_t *body, *o = NULL;

        (void) state;
        assert_int_equal(ask("POST", SHOP, "{\"name\":\"a.example\"}", NULL), 201);
        turn_until(loop, has_state("a.example", "failed")); /* no authority */
        authority_make(&authority);
        authority_issue(&authority, &(Wanted){ "a.example", "x", -DAY, 90 * DAY }, &chain, &key);
        authority_issue(&authority, &(Wanted){ "b.example", "x", -DAY, 90 * DAY }, &other, &other_key);
        authority_done(&authority);
        body = json_pack("{s:s, s:s}", "chain", other, "key", other_key);
        wrong = json_dumps(body, 0);
        json_decref(body);
        refused(422, "invalid-certificate", "PUT", SHOP "/a.example/certificate", wrong);
        refused(422, "invalid-field", "PUT", SHOP "/a.example/certificate", "{\"chain\":\"x\"}");
        body = json_pack("{s:s, s:s}", "chain", chain, "key", key);
        text = json_dumps(body, 0);
        json_decref(body);
        refused(404, "domain-absent", "PUT", SHOP "/none.example/certificate", text);
        assert_int_equal(ask("PUT", SHOP "/a.example/certificate", text, &o), 200);
        assert_string_equal(json_string_value(json_object_get(o, "source")), "own");
        assert_string_equal(json_string_value(json_object_get(o, "state")), "valid");
        assert_true(json_is_null(json_object_get(o, "problem")));
        assert_true(json_is_string(json_object_get(o, "not_after")));
        assert_null(json_object_get(o, "key"));
        json_decref(o);
        assert_true(asprintf(&path, "%s/a.example.pem", certificates) > 0);
        assert_int_equal(access(path, R_OK), 0);

        /* Back to the authority: what there is goes on to be served. */
        assert_int_equal(ask("PATCH", SHOP "/a.example", "{\"source\":\"acme\"}", NULL), 200);
        assert_int_equal(access(path, R_OK), 0);
        assert_int_equal(ask("DELETE", SHOP "/a.example", "", NULL), 204);
        turn_until(loop, access(path, F_OK) < 0);
}

static void a_check_is_done_at_once(void **state) {
        json_t *o = NULL;

        (void) state;
        assert_int_equal(ask("POST", SHOP, "{\"name\":\"a.example\"}", NULL), 201);
        turn_until(loop, has_state("a.example", "failed"));
        assert_int_equal(ask("POST", SHOP "/a.example/check", "{\"force\":true}", &o), 202);
        assert_string_equal(json_string_value(json_object_get(o, "state")), "waiting");
        assert_true(json_is_null(json_object_get(o, "problem")));
        json_decref(o);
        turn_until(loop, has_state("a.example", "failed"));
        refused(422, "invalid-field", "POST", SHOP "/a.example/check", "{\"force\":\"yes\"}");
        refused(404, "domain-absent", "POST", SHOP "/b.example/check", "{}");
}

/* Its server gets it when it is back. */
static void domains_of_a_server_that_is_away(void **state) {
        static const char *const far = "/api/projects/far/domains";
        ProjectRow row;
        auto_free char *pushed = NULL;
        json_t *o = NULL;

        (void) state;
        assert_int_equal(ask("POST", far, "{\"name\":\"far.example\"}", &o), 201);
        assert_true(json_is_true(json_object_get(o, "pending")));
        json_decref(o);
        assert_int_equal(ask("GET", far, "", &o), 200);
        assert_int_equal(json_array_size(json_object_get(o, "domains")), 1);
        json_decref(o);
        refused(503, "server-offline", "POST", "/api/projects/far/domains/far.example/check", "{}");
        refused(503, "server-offline", "PUT", "/api/projects/far/domains/far.example/certificate", "{\"chain\":\"a\",\"key\":\"b\"}");
        assert_int_equal(store_project_get(context.store, "project00003", &row), 0);
        row.gate_user = strdup("ada");
        row.gate_hash = strdup("hash");
        free(row.env_vars);
        row.env_vars = strdup("");
        assert_int_equal(describe_push(api, &row, &pushed), 0);
        assert_non_null(strstr(pushed, "\"domains\":[{\"name\":\"far.example\",\"redirect_to\":null,\"hsts\":false,\"source\":\"acme\"}]"));
        assert_non_null(strstr(pushed, "\"gate\":{\"user\":\"ada\",\"hash\":\"hash\"}"));
        project_row_done(&row);
        assert_int_equal(ask("DELETE", "/api/projects/far/domains/far.example", "", NULL), 204);
}

/* The sentence of a server's warning of that type; "" when there is none. To be freed. */
static char *warning_of(const char *server) {
        auto_free char *path = NULL;
        json_t *o = NULL, *warning;
        char *found = strdup("");
        size_t i;

        assert_true(asprintf(&path, "/api/servers/%s", server) > 0);
        assert_int_equal(ask("GET", path, "", &o), 200);
        json_array_foreach(json_object_get(o, "warnings"), i, warning) {
                if (strcmp(json_string_value(json_object_get(warning, "type")), "domain-certificate-expires") == 0) {
                        assert_string_equal(found, "");
                        free(found);
                        found = strdup(json_string_value(json_object_get(warning, "sentence")));
                }
        }
        json_decref(o);
        return found;
}

static void check_warning(const char *server, const char *first, const char *second) {
        auto_free char *text = warning_of(server);

        assert_int_equal(*text == '\0', !first);
        if (first && (!strstr(text, first) || !strstr(text, second)))
                fail_msg("%s lacks \"%s\" or \"%s\"", text, first, second);
}

/* Of a server's projects, here as the rows say, elsewhere as that server said last. */
static void a_server_warns_of_certificates_that_end(void **state) {
        static const char *const names[] = { "a.example", "b.example", "c.example" };
        const int64_t day = DAY * 1000, now = clock_now_ms();
        DomainRow row;

        (void) state;
        check_warning("main", NULL, NULL);
        for (int i = 0; i < 3; i++) {
                row = (DomainRow){ .name = T(names[i]), .project_id = T("project00001"), .source = T("acme"), .state = T("valid") };
                assert_int_equal(store_domain_add(context.store, &row), 0);
                row.issued_at_ms = 1;
                row.not_after_ms = now + (15 - 2 * i) * day; /* 15, 13, 11 days */
                row.next_try_ms = now + day;
                assert_int_equal(store_domain_set_state(context.store, &row), 0);
                check_warning("main", i == 0 ? NULL : names[i], i == 1 ? "The certificate of b" : "2 domains");
        }
        check_warning("w1", NULL, NULL);
        row = (DomainRow){ .name = T("far.example"), .project_id = T("project00003"), .source = T("acme"), .state = T("waiting") };
        assert_int_equal(store_domain_add(context.store, &row), 0);
        check_warning("w1", NULL, NULL);
        assert_int_equal(store_project_set_mirror(context.store, "project00003",
                                                  "{\"domains\":[{\"name\":\"far.example\",\"not_after\":\"9999-01-01T00:00:00.000Z\"}]}"),
                         0);
        check_warning("w1", NULL, NULL);
        assert_int_equal(store_project_set_mirror(context.store, "project00003",
                                                  "{\"domains\":[{\"name\":\"gone.example\",\"not_after\":\"2025-01-01T00:00:00.000Z\"},"
                                                  "{\"name\":\"far.example\",\"not_after\":\"2025-01-02T00:00:00.000Z\"}]}"),
                         0);
        check_warning("w1", "far.example", "2025-01-02");
}

/* What an orchestrator sends is checked like anything else. */
static void lists_of_another_node_are_checked(void **state) {
        static const struct {
                const char *list;
                int code;
        } rows[] = {
                { "7", DOMAIN_E_INVALID },
                { "[7]", DOMAIN_E_INVALID },
                { "[{\"name\":\"A\"}]", DOMAIN_E_INVALID },
                { "[{\"name\":\"a.example\"},{\"name\":\"a.example\"}]", DOMAIN_E_INVALID },
                { "[{\"name\":\"a.example\",\"redirect_to\":\"b c\"}]", DOMAIN_E_INVALID },
                { "[{\"name\":\"blog.apps.example\"}]", DOMAIN_E_TAKEN },
                { "[{\"name\":\"taken.example\"}]", DOMAIN_E_TAKEN },
                { "[{\"name\":\"a.example\",\"hsts\":true,\"source\":\"own\"},{\"name\":\"b.example\",\"redirect_to\":\"a.example\"}]", 0 },
                { "[]", 0 },
        };
        ProjectRow project;

        (void) state;
        assert_int_equal(ask("POST", "/api/projects/blog/domains", "{\"name\":\"taken.example\"}", NULL), 201);
        assert_int_equal(store_project_get(context.store, "project00001", &project), 0);
        for (size_t i = 0; i < ELEMENTS(rows); i++) {
                DraftProblem problem = { 0 };
                json_t *list = json_loads(rows[i].list, JSON_DECODE_ANY, NULL);
                DomainRow *domains = NULL;
                size_t n = 0;

                assert_int_equal(domains_take_push(api, &project, list, &problem), rows[i].code);
                assert_int_equal(problem.field != NULL, rows[i].code != 0);
                assert_int_equal(store_domain_list(context.store, project.id, &domains, &n), 0);
                assert_int_equal(n, rows[i].code == 0 ? json_array_size(list) : 0);
                domain_rows_free(domains, n);
                json_decref(list);
        }
        project_row_done(&project);
}

#define WITH_API(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                WITH_API(domains_come_and_go),
                WITH_API(names_are_one_project_s),
                WITH_API(what_is_no_domain_is_refused),
                WITH_API(there_is_a_limit),
                WITH_API(certificates_are_checked_and_kept),
                WITH_API(a_check_is_done_at_once),
                WITH_API(domains_of_a_server_that_is_away),
                WITH_API(a_server_warns_of_certificates_that_end),
                WITH_API(lists_of_another_node_are_checked),
        };

        return cmocka_run_group_tests_name("domains", tests, NULL, NULL);
}
