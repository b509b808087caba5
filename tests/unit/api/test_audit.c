/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is written down of requests that change something: over a real socket, with secrets wherever a request has a place for them. */
#include "harness.h"

#include "api/audit.h"
#include "base/cleanup.h"
#include "base/fs.h"

#define T(s) ((char *) (uintptr_t) (s))
#define OWN "server000001"
#define SECRET "s3cr3tvalue0" /* also a name that is in order, and an id */

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
                                .created_at_ms = 1 };
        const ProjectRow project = { .id = T("project00001"),
                                     .server_id = T(OWN),
                                     .name = T("shop"),
                                     .repo_url = T("https://git.example/a.git"),
                                     .branch = T("main"),
                                     .node_version = T("22"),
                                     .bun_version = T("1"),
                                     .start_command = T("node ."),
                                     .health_path = T("/"),
                                     .created_at_ms = 1,
                                     .port = 3000,
                                     .idle_seconds = 900,
                                     .drain_seconds = 60,
                                     .memory_mib = 512,
                                     .cpu_percent = 200,
                                     .tasks_max = 256,
                                     .build_memory_mib = 512,
                                     .build_cpu_percent = 100,
                                     .build_seconds = 600,
                                     .next_release = 1 };
        ApiConfig config = { .context = &context, .role = "orchestrator", .admin_group = getgid() };
        Sealer *sealer = NULL;
        char file[96];
        int r;

        (void) state;
        (void) snprintf(root, sizeof root, "/tmp/ns-audit-XXXXXX");
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
                r = store_project_add(context.store, &project);
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

static int ask(const char *method, const char *target, const char *body) {
        Client *c = client_open(path);
        auto_free char *text = NULL;
        int status;

        assert_true(asprintf(&text,
                             "%s %s?a=" SECRET " HTTP/1.1\r\nHost: x\r\nX-Secret: " SECRET "\r\nUser-Agent: " SECRET
                             "\r\nX-Nanoscale-Address: " SECRET "\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                             method, target, strlen(body), body) > 0);
        client_send(c, text);
        turn_until(loop, client_is_closed(c));
        status = atoi(c->in + strlen("HTTP/1.1 "));
        client_close(c);
        return status;
}

static char *answer(const char *target) {
        Client *c = client_open(path);
        auto_free char *text = NULL;
        char *copy;

        assert_true(asprintf(&text, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", target) > 0);
        client_send(c, text);
        turn_until(loop, client_is_closed(c));
        copy = strdup(c->in);
        client_close(c);
        assert_non_null(copy);
        return copy;
}

static size_t newest(AuditRow **ret_rows) {
        size_t n = 0;

        assert_int_equal(store_audit_list(context.store, &(AuditFilter){ 0 }, 1000, ret_rows, &n), STORE_OK);
        return n;
}

static void done(AuditRow *rows, size_t n) {
        for (size_t i = 0; i < n; i++)
                audit_row_done(&rows[i]);
        free(rows);
}

static bool is_same(const char *a, const char *b) {
        return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The newest row is that. */
static void expect(const char *action, int status, const char *project, const char *target, const char *detail) {
        AuditRow *rows = NULL;
        size_t n = newest(&rows);

        assert_true(n > 0);
        assert_string_equal(rows[0].action, action);
        assert_int_equal(rows[0].status, status);
        if (!is_same(rows[0].project, project) || !is_same(rows[0].target, target) || !is_same(rows[0].detail, detail))
                fail_msg("%s: %s, %s, %s", action, rows[0].project, rows[0].target, rows[0].detail);
        assert_int_equal(strcmp(rows[0].actor_kind, getuid() == 0 ? "root" : "system"), 0);
        assert_true(rows[0].at_ms > 1000000000000);
        done(rows, n);
}

/* Leaving one out is a mistake that this finds: whatever is no GET has its word. */
static void every_change_has_a_word(void **state) {
        size_t n;
        const Route *routes = api_routes(&n);

        (void) state;
        for (size_t i = 0; i < n; i++) {
                bool reads = strcmp(routes[i].method, "GET") == 0 || strcmp(routes[i].path, "/api/repositories/check") == 0;
                const char *word = audit_action(routes[i].method, routes[i].path);

                if (reads ? word != NULL : word == NULL)
                        fail_msg("%s %s: %s", routes[i].method, routes[i].path, word ? word : "no word");
        }
        routes = api_gateway_routes(false,
                                    &n); /* what is done to a worker's projects has one too, where an orchestrator does it to itself */
        for (size_t i = 0; i < n; i++)
                if (strncmp(routes[i].path, "/internal/projects", 18) == 0 || strncmp(routes[i].path, "/internal/deploy", 16) == 0)
                        assert_true((audit_action(routes[i].method, routes[i].path) == NULL) == (strcmp(routes[i].method, "GET") == 0));
}

static void what_and_about_what(void **state) {
        (void) state;
        assert_int_equal(ask("PATCH", "/api/settings", "{\"site_name\":\"Mine\",\"logo\":null}"), 200);
        expect("settings.change", 200, NULL, NULL, "site_name, logo");
        assert_int_equal(ask("PATCH", "/api/projects/shop", "{\"branch\":\"next\",\"gate\":{\"user\":\"u\",\"password\":\"" SECRET "\"}}"),
                         200);
        expect("project.change", 200, "shop", NULL, "branch, gate");
        assert_int_equal(ask("PATCH", "/api/projects/project00001/env", "{\"set\":{\"A\":\"" SECRET "\",\"B\":\"\"},\"unset\":[\"C\"]}"),
                         200);
        expect("project.env", 200, "shop", NULL, "2 set, 1 removed");
        assert_int_equal(ask("POST", "/api/projects", "{\"name\":\"blog\",\"repo_url\":\"https://git.example/b.git\"}"), 201);
        expect("project.create", 201, "blog", NULL, "name, repo_url");
        assert_int_equal(ask("POST", "/api/projects", "{\"name\":\"blog\",\"repo_url\":\"https://git.example/b.git\"}"), 409);
        expect("project.create", 409, NULL, NULL, "name, repo_url");
        assert_int_equal(ask("POST", "/api/servers/main/rotate-key", ""), 409);
        expect("server.rotate-key", 409, NULL, "main", NULL);
        assert_int_equal(ask("DELETE", "/api/servers/other", ""), 404);
        expect("server.remove", 404, NULL, NULL, NULL);
        assert_int_equal(ask("POST", "/api/projects/shop/move", "{\"server\":\"main\"}"), 409);
        expect("project.move", 409, "shop", NULL, NULL);
}

static void nothing_of_what_reads(void **state) {
        AuditRow *rows = NULL;
        size_t n;

        (void) state;
        assert_int_equal(ask("GET", "/api/projects", ""), 200);
        assert_int_equal(ask("GET", "/api/audit", ""), 200);
        assert_int_equal(ask("POST", "/api/nowhere", ""), 404);
        assert_int_equal(ask("POST", "/api/projects/shop", ""), 405);
        n = newest(&rows);
        assert_int_equal(n, 0);
        done(rows, n);
}

/* Every route that changes something, with a secret in each place: in the path, the query, headers, as a name and as a value of the body.
 */
static void no_secret_is_written_down(void **state) {
        static const char body[] = "{\"" SECRET "\":\"" SECRET "\",\"name\":\"" SECRET "!\",\"server\":\"" SECRET "\",\"branch\":\"" SECRET
                                   "\",\"set\":{\"" SECRET "\":\"" SECRET "\"},\"unset\":[\"" SECRET "\"],\"key\":\"" SECRET
                                   "\",\"chain\":\"" SECRET "\",\"site_name\":1,\"env\":{\"" SECRET "\":\"" SECRET
                                   "\"},\"gate\":{\"user\":\"" SECRET "\",\"password\":\"" SECRET "\"},\"logo\":\"" SECRET "\"}";
        size_t n, asked = 0, n_rows;
        const Route *routes = api_routes(&n);
        AuditRow *rows = NULL;
        char target[128], argument[ARGUMENT_SIZE];

        (void) state;
        for (size_t i = 0; i < n; i++) {
                const char *at = routes[i].path;
                size_t length = 0;

                if (!audit_action(routes[i].method, at) || strncmp(at, "/api/auth", 9) == 0 || strncmp(at, "/api/me/", 8) == 0 ||
                    strncmp(at, "/api/tokens", 11) == 0)
                        continue; /* people and their passwords: tests/system/test_web_api.py */
                for (; *at; at++)
                        if (strncmp(at, "{}", 2) == 0) {
                                length += (size_t) snprintf(target + length, sizeof target - length, SECRET);
                                at++;
                        } else
                                target[length++] = *at;
                target[length] = '\0';
                assert_true(api_path_fits(routes[i].path, target, argument));
                assert_true(ask(routes[i].method, target, routes[i].body_limit ? body : "") >= 200);
                asked++;
        }
        assert_true(asked >= 20);
        n_rows = newest(&rows);
        assert_true(n_rows >= asked);
        for (size_t i = 0; i < n_rows; i++) {
                const char *const cells[] = { rows[i].actor_kind, rows[i].actor_name, rows[i].action, rows[i].project,
                                              rows[i].target,     rows[i].detail,     rows[i].address };

                for (size_t k = 0; k < ELEMENTS(cells); k++)
                        if (cells[k] && strstr(cells[k], "s3cr3t"))
                                fail_msg("%s: %s", rows[i].action, cells[k]);
        }
        done(rows, n_rows);
}

/* --- reading --- */

static void add(const char *actor, const char *action, const char *detail) {
        const AuditRow row = { .at_ms = 1761955200123,
                               .actor_kind = T("user"),
                               .actor_name = T(actor),
                               .action = T(action),
                               .status = 200,
                               .detail = T(detail) };

        assert_int_equal(store_audit_add(context.store, &row), STORE_OK);
}

static void pages_and_filters(void **state) {
        char *text;

        (void) state;
        add("mia", "project.deploy", NULL);
        add("max", "domain.add", NULL);
        add("mia", "domain.delete", "x");
        text = answer("/api/audit?limit=2");
        assert_non_null(strstr(text,
                               "{\"entries\":[{\"id\":3,\"at\":\"2025-11-01T00:00:00.123Z\",\"actor\":{\"kind\":\"user\",\"name\":\"mia\"},"
                               "\"action\":\"domain.delete\",\"project\":null,\"target\":null,\"status\":200,\"detail\":\"x\","
                               "\"address\":null,\"count\":1},{\"id\":2,"));
        assert_non_null(strstr(text, "\"next\":2}"));
        free(text);
        text = answer("/api/audit?limit=2&before=2");
        assert_non_null(strstr(text, "[{\"id\":1,"));
        assert_non_null(strstr(text, "\"next\":null}"));
        free(text);
        text = answer("/api/audit?actor=mia&action=domain&project=");
        assert_non_null(strstr(text, "[{\"id\":3,"));
        assert_null(strstr(text, "\"id\":1,"));
        assert_null(strstr(text, "\"id\":2,"));
        free(text);
        text = answer("/api/audit?limit=0");
        assert_non_null(strstr(text, " 400 "));
        free(text);
        text = answer("/api/audit?format=xml");
        assert_non_null(strstr(text, " 400 "));
        free(text);
}

static void csv_without_formulas(void **state) {
        static const struct {
                const char *cell, *wanted;
        } cells[] = {
                { NULL, "" },
                { "", "" },
                { "plain text", "plain text" },
                { "a,b", "\"a,b\"" },
                { "a\"b", "\"a\"\"b\"" },
                { "a\r\nb", "\"a\r\nb\"" },
                { "=1+1", "\"'=1+1\"" },
                { "+1", "\"'+1\"" },
                { "-1", "\"'-1\"" },
                { "@SUM(A1)", "\"'@SUM(A1)\"" },
                { "\t=1", "\"'\t=1\"" },
                { "=cmd|'/C calc'!A0\",b", "\"'=cmd|'/C calc'!A0\"\",b\"" },
                { "a=1", "a=1" },
        };
        char *text;

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cells); i++) {
                Text t = { 0 };

                audit_csv_cell(&t, cells[i].cell);
                assert_string_equal(t.data ? t.data : "", cells[i].wanted);
                text_cleanup(&t);
        }
        for (int i = 0; i < 1100; i++) /* more than two pages */
                add("=mia", "domain.add", NULL);
        text = answer("/api/audit?format=csv");
        assert_non_null(strstr(text, "text/csv"));
        assert_non_null(strstr(text, "attachment; filename=\"audit.csv\""));
        assert_non_null(strstr(text, "\r\n\r\nid,at,actor_kind,actor,action,project,target,status,detail,address,count\r\n"
                                     "1100,2025-11-01T00:00:00.123Z,user,\"'=mia\",domain.add,,,200,,,1\r\n1099,"));
        assert_non_null(strstr(text, "\r\n1,2025-11-01T00:00:00.123Z,user,"));
        free(text);
        text = answer("/api/audit?format=csv&limit=501&before=1000");
        assert_non_null(strstr(text, "\r\n999,"));
        assert_non_null(strstr(text, "\r\n499,"));
        assert_null(strstr(text, "\r\n498,"));
        free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_change_has_a_word),
                cmocka_unit_test_setup_teardown(what_and_about_what, set_up, tear_down),
                cmocka_unit_test_setup_teardown(nothing_of_what_reads, set_up, tear_down),
                cmocka_unit_test_setup_teardown(no_secret_is_written_down, set_up, tear_down),
                cmocka_unit_test_setup_teardown(pages_and_filters, set_up, tear_down),
                cmocka_unit_test_setup_teardown(csv_without_formulas, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
