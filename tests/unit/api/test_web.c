/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The web door over its real socket, as nginx speaks to it, with a real database: who signs in, and what each may do. */
#include "harness.h"

#include "api/actor.h"
#include "api/web.h"
#include "auth/totp.h"
#include "base/cleanup.h"
#include "base/fs.h"

#include <sys/stat.h>

#define T(s) ((char *) (uintptr_t) (s))
#define OWN "server000001"
#define HOST "panel.example"
#define PASSWORD "correct horse battery"
#define OTHER_PASSWORD "incorrect horse battery"

static char root[64], web_path[96], admin_path[96];
static Loop *loop;
static DeployContext context;
static Api *api;

static int set_up(void **state) {
        ApiConfig config = { .context = &context, .role = "orchestrator", .admin_group = getegid() };
        ServerRow row = { .id = T(OWN),
                          .name = T("main"),
                          .ip_address = T("127.0.0.1"),
                          .status = T("online"),
                          .version = T("1"),
                          .port = 9,
                          .secret_key = T(""),
                          .created_at_ms = 1 };
        Sealer *sealer = NULL;
        char path[96];

        (void) state;
        (void) snprintf(root, sizeof root, "/tmp/ns-web-XXXXXX");
        assert_non_null(mkdtemp(root));
        (void) snprintf(web_path, sizeof web_path, "%s/web.sock", root);
        (void) snprintf(admin_path, sizeof admin_path, "%s/agent.sock", root);
        assert_int_equal(loop_new(&loop), 0);
        (void) snprintf(path, sizeof path, "%s/key", root);
        assert_int_equal(sealer_open(path, true, &sealer), 0);
        context = (DeployContext){ .loop = loop, .sealer = sealer, .server_id = OWN, .base_domain = "apps.example" };
        (void) snprintf(path, sizeof path, "%s/db", root);
        assert_int_equal(store_open(path, &context.store), 0);
        assert_int_equal(store_server_put(context.store, &row), 0);
        return api_new(loop, &(ApiDoors){ .admin = listen_unix(admin_path), .gateway = -1, .web = listen_unix(web_path) }, &config, &api);
}

static int tear_down(void **state) {
        (void) state;
        api = api_free(api);
        store_close(context.store);
        sealer_free((Sealer *) (uintptr_t) context.sealer);
        loop = loop_free(loop);
        return fs_remove_tree(AT_FDCWD, root);
}

/* --- requests --- */

typedef struct {
        unsigned status;
        char type[64];   /* of a problem */
        char cookie[64]; /* that it sets */
        json_t *body;
} Answer;

/* headers: lines, each with its end. */
static Client *begin(const char *path, const char *method, const char *target, const char *headers, const char *body) {
        Client *c = client_open(path);
        char *request = NULL;

        assert_true(asprintf(&request, "%s %s HTTP/1.1\r\nHost: " HOST "\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s", method,
                             target, headers, strlen(body), body) > 0);
        client_send(c, request);
        free(request);
        return c;
}

static Answer answer_of(Client *c) {
        const char *content, *type, *cookie;
        Answer answer = { 0 };

        turn_until(loop, client_is_closed(c));
        assert_int_equal(sscanf(c->in, "HTTP/1.1 %u", &answer.status), 1);
        content = strstr(c->in, "\r\n\r\n");
        assert_non_null(content);
        cookie = strstr(c->in, "Set-Cookie: " SESSION_COOKIE "=");
        if (cookie) {
                assert_non_null(strstr(cookie, "; Path=/; "));
                assert_non_null(strstr(cookie, "; Secure; HttpOnly; SameSite=Lax"));
                (void) sscanf(cookie, "Set-Cookie: " SESSION_COOKIE "=%63[^;]", answer.cookie);
        }
        answer.body = json_loads(content + 4, 0, NULL);
        type = json_string_value(json_object_get(answer.body, "type"));
        (void) snprintf(answer.type, sizeof answer.type, "%s", type ? type : "");
        client_close(c);
        return answer;
}

static Answer send_to(const char *path, const char *method, const char *target, const char *headers, const char *body) {
        return answer_of(begin(path, method, target, headers, body));
}

#define JSON "Content-Type: application/json\r\n"
#define ORIGIN "Origin: https://" HOST "\r\n"
#define FROM(address) "X-Nanoscale-Address: " address "\r\n"

static Answer ask(const char *method, const char *target, const char *cookie, const char *body) {
        char headers[512];

        (void) snprintf(headers, sizeof headers, JSON ORIGIN FROM("203.0.113.7") "%s%s%s", cookie ? "Cookie: " SESSION_COOKIE "=" : "",
                        cookie ? cookie : "", cookie ? "\r\n" : "");
        return send_to(web_path, method, target, headers, body);
}

static void check(Answer answer, unsigned status, const char *type) {
        if (answer.status != status || strcmp(answer.type, type) != 0)
                fail_msg("%u %s instead of %u %s", answer.status, answer.type, status, type);
        json_decref(answer.body);
}

static void make_code(bool reset, char ret[static CLAIM_CODE_SIZE]) {
        Answer answer = send_to(admin_path, "POST", "/api/auth/claim", "", reset ? "{\"reset\":true}" : "{}");

        assert_int_equal(answer.status, 201);
        (void) snprintf(ret, CLAIM_CODE_SIZE, "%s", json_string_value(json_object_get(answer.body, "code")));
        assert_int_equal(strlen(ret), CLAIM_CODE_SIZE - 1);
        json_decref(answer.body);
}

static Answer claim(const char *code, const char *user, const char *password) {
        char body[256];

        (void) snprintf(body, sizeof body, "{\"code\":\"%s\",\"user\":\"%s\",\"password\":\"%s\"}", code, user, password);
        return ask("POST", "/api/auth/setup", NULL, body);
}

static Answer login(const char *user, const char *password, const char *code) {
        char body[256];

        (void) snprintf(body, sizeof body, "{\"user\":\"%s\",\"password\":\"%s\"%s%s%s}", user, password, code ? ",\"code\":\"" : "",
                        code ? code : "", code ? "\"" : "");
        return ask("POST", "/api/auth/login", NULL, body);
}

/* A new server with a user; the session's cookie. */
static void make_user(char ret_cookie[static 64]) {
        char code[CLAIM_CODE_SIZE];
        Answer answer;

        make_code(false, code);
        answer = claim(code, "ada", PASSWORD);
        assert_int_equal(answer.status, 201);
        assert_int_equal(strlen(answer.cookie), TOKEN_LENGTH);
        memcpy(ret_cookie, answer.cookie, 64);
        json_decref(answer.body);
}

/* --- the tests --- */

static void headers_are_read_exactly(void **state) {
        char value[8];

        (void) state;
        assert_true(web_cookie("__Host-nanoscale=abc", value, sizeof value));
        assert_string_equal(value, "abc");
        assert_true(web_cookie("a=b; __Host-nanoscale=abc ; c=d", value, sizeof value));
        assert_string_equal(value, "abc");
        assert_false(web_cookie("x__Host-nanoscale=abc", value, sizeof value));
        assert_false(web_cookie("nanoscale=abc", value, sizeof value));
        assert_false(web_cookie("__Host-nanoscale=abc; __Host-nanoscale=abc", value, sizeof value));
        assert_false(web_cookie("__Host-nanoscale=abcdefgh", value, sizeof value));
        assert_false(web_cookie("__Host-nanoscale=", value, sizeof value));
        assert_false(web_cookie("", value, sizeof value));
        assert_string_equal(web_bearer("Bearer nst_x"), "nst_x");
        assert_string_equal(web_bearer("bearer nst_x"), "nst_x");
        assert_null(web_bearer("Basic nst_x"));
        assert_null(web_bearer("Bearer a b"));
        assert_null(web_bearer("Bearer "));
        assert_null(web_bearer(NULL));
        assert_true(web_origin_fits("https://panel.example", "panel.example"));
        assert_true(web_origin_fits("https://203.0.113.7:443", "203.0.113.7:443"));
        assert_false(web_origin_fits("http://panel.example", "panel.example"));
        assert_false(web_origin_fits("https://panel.example.evil", "panel.example"));
        assert_false(web_origin_fits("null", "panel.example"));
        assert_false(web_origin_fits("https://", ""));
        assert_false(web_origin_fits(NULL, "panel.example"));
}

/* All that who is not signed in may ask. */
static void each_route_has_a_scope(void **state) {
        static const char *const open[] = { "/api/health", "/api/site/logo", "/api/auth/state", "/api/auth/setup", "/api/auth/login" };
        const Route *routes;
        size_t n, n_open = 0;

        (void) state;
        routes = api_routes(&n);
        for (size_t i = 0; i < n; i++) {
                if (routes[i].scope == SCOPE_NONE)
                        assert_string_equal(routes[i].path, "/api/auth/claim");
                if (routes[i].scope == SCOPE_READ)
                        assert_string_equal(routes[i].method, "GET");
                if (routes[i].scope == SCOPE_OPEN) {
                        assert_true(n_open < sizeof open / sizeof open[0]);
                        assert_string_equal(routes[i].path, open[n_open++]);
                }
        }
        assert_int_equal(n_open, sizeof open / sizeof open[0]);
}

static void a_new_server_is_claimed_once(void **state) {
        char code[CLAIM_CODE_SIZE], cookie[64];
        Answer answer;

        (void) state;
        answer = ask("GET", "/api/auth/state", NULL, "");
        assert_int_equal(answer.status, 200);
        assert_true(json_is_true(json_object_get(answer.body, "setup")));
        json_decref(answer.body);
        check(ask("GET", "/api/projects", NULL, ""), 401, "not-signed-in");
        check(ask("POST", "/api/auth/claim", NULL, "{}"), 404, "path-absent"); /* not at this door */
        make_code(false, code);
        check(claim("ABCD-EFGH-JKLM", "ada", PASSWORD), 401, "wrong-code");
        check(claim(code, "Ada", PASSWORD), 422, "invalid-field");
        check(claim(code, "ada", "short"), 422, "invalid-field");
        answer = claim(code, "ada", PASSWORD);
        assert_int_equal(answer.status, 201);
        memcpy(cookie, answer.cookie, sizeof cookie);
        assert_string_equal(json_string_value(json_object_get(json_object_get(answer.body, "user"), "name")), "ada");
        json_decref(answer.body);
        check(claim(code, "eve", PASSWORD), 401, "wrong-code");
        check(send_to(admin_path, "POST", "/api/auth/claim", "", "{}"), 409, "claimed");
        check(ask("GET", "/api/me", cookie, ""), 200, "");
        check(ask("GET", "/api/projects", cookie, ""), 200, "");
        answer = ask("GET", "/api/auth/state", cookie, "");
        assert_false(json_is_true(json_object_get(answer.body, "setup")));
        assert_string_equal(json_string_value(json_object_get(answer.body, "user")), "ada");
        json_decref(answer.body);
        check(ask("GET", "/api/me", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ""), 401, "not-signed-in");
        check(ask("POST", "/api/auth/logout", cookie, ""), 204, "");
        check(ask("GET", "/api/me", cookie, ""), 401, "not-signed-in");
}

static void wrong_passwords_are_limited(void **state) {
        char cookie[64];

        (void) state;
        make_user(cookie);
        check(login("eve", PASSWORD, NULL), 401, "wrong-login");
        for (int i = 0; i < 5; i++)
                check(login("ada", OTHER_PASSWORD, NULL), 401, "wrong-login");
        check(login("ada", PASSWORD, NULL), 429, "too-many-attempts"); /* the right one, too */
        check(ask("GET", "/api/me", cookie, ""), 200, "");             /* who is signed in stays so */
}

static void foreign_pages_get_nothing(void **state) {
        char cookie[64], headers[512];
        const char *body = "{\"name\":\"x\",\"scope\":\"admin\"}";

        (void) state;
        make_user(cookie);
        (void) snprintf(headers, sizeof headers, JSON "Origin: https://evil.example\r\nCookie: " SESSION_COOKIE "=%s\r\n", cookie);
        check(send_to(web_path, "POST", "/api/tokens", headers, body), 403, "foreign-origin");
        (void) snprintf(headers, sizeof headers, JSON "Origin: null\r\nCookie: " SESSION_COOKIE "=%s\r\n", cookie);
        check(send_to(web_path, "POST", "/api/tokens", headers, body), 403, "foreign-origin");
        (void) snprintf(headers, sizeof headers, JSON "Cookie: " SESSION_COOKIE "=%s\r\n", cookie);
        check(send_to(web_path, "POST", "/api/tokens", headers, body), 403, "foreign-origin");
        (void) snprintf(headers, sizeof headers, "Content-Type: text/plain\r\n" ORIGIN "Cookie: " SESSION_COOKIE "=%s\r\n", cookie);
        check(send_to(web_path, "POST", "/api/tokens", headers, body), 415, "not-json");
        (void) snprintf(headers, sizeof headers, JSON "Origin: https://evil.example\r\n");
        check(send_to(web_path, "POST", "/api/auth/login", headers, "{\"user\":\"ada\",\"password\":\"" PASSWORD "\"}"), 403,
              "foreign-origin");
        check(ask("POST", "/api/tokens", cookie, body), 201, "");
}

static json_t *make_token(const char *cookie, const char *name, const char *scope) {
        char body[128];
        Answer answer;

        (void) snprintf(body, sizeof body, "{\"name\":\"%s\",\"scope\":\"%s\"}", name, scope);
        answer = ask("POST", "/api/tokens", cookie, body);
        assert_int_equal(answer.status, 201);
        return answer.body;
}

static Answer with_token(const json_t *token, const char *method, const char *target, const char *body) {
        char headers[256];

        (void) snprintf(headers, sizeof headers, JSON "Authorization: Bearer %s\r\n", json_string_value(json_object_get(token, "token")));
        return send_to(web_path, method, target, headers, body);
}

/* A path of that pattern. */
static void fill(const char *pattern, char *ret, size_t size) {
        size_t n = 0;

        for (; *pattern && n + 5 < size; pattern++)
                if (strncmp(pattern, "{}", 2) == 0) {
                        memcpy(ret + n, "none", 4);
                        n += 4;
                        pattern++;
                } else
                        ret[n++] = *pattern;
        ret[n] = '\0';
}

/* Of all routes: what a token's scope does not have is refused before anything is looked at. */
static void tokens_do_what_their_scope_has(void **state) {
        static const char *const scopes[] = { "read", "deploy", "admin" };
        char cookie[64], headers[256], path[128];
        const Route *routes;
        size_t n;

        (void) state;
        make_user(cookie);
        routes = api_routes(&n);
        for (size_t s = 0; s < ELEMENTS(scopes); s++) {
                json_t *token = make_token(cookie, scopes[s], scopes[s]);

                for (size_t i = 0; i < n; i++) {
                        if (routes[i].scope == SCOPE_NONE || web_scope_allows(scopes[s], routes[i].scope))
                                continue;
                        fill(routes[i].path, path, sizeof path);
                        check(with_token(token, routes[i].method, path, ""), 403, "scope-wanted");
                }
                check(with_token(token, "GET", "/api/me", ""), 200, "");
                check(with_token(token, "POST", "/api/projects/none/restart", "{}"), s == 0 ? 403 : 404,
                      s == 0 ? "scope-wanted" : "project-absent");
                check(with_token(token, "DELETE", "/api/projects/none", ""), s < 2 ? 403 : 404, s < 2 ? "scope-wanted" : "project-absent");
                json_decref(token);
        }
        json_t *token = make_token(cookie, "gone", "admin");
        (void) snprintf(path, sizeof path, "/api/tokens/%s", json_string_value(json_object_get(token, "id")));
        (void) snprintf(headers, sizeof headers, JSON "Authorization: Bearer %s\r\nCookie: " SESSION_COOKIE "=%s\r\n",
                        json_string_value(json_object_get(token, "token")), cookie);
        check(send_to(web_path, "GET", "/api/me", headers, ""), 400, "two-identities");
        check(ask("DELETE", path, cookie, ""), 204, "");
        check(with_token(token, "GET", "/api/me", ""), 401, "wrong-token");
        check(ask("DELETE", path, cookie, ""), 404, "token-absent");
        check(ask("POST", "/api/tokens", cookie, "{\"name\":\"read\",\"scope\":\"read\"}"), 409, "name-taken");
        check(ask("POST", "/api/tokens", cookie, "{\"name\":\"x\",\"scope\":\"root\"}"), 422, "invalid-field");
        check(ask("POST", "/api/tokens", cookie, "{\"name\":\"x\",\"scope\":\"read\",\"days\":0}"), 422, "invalid-field");
        json_decref(token);
}

static void a_new_password_ends_other_sessions(void **state) {
        char cookie[64], other[64];
        Answer answer;

        (void) state;
        make_user(cookie);
        answer = login("ada", PASSWORD, NULL);
        assert_int_equal(answer.status, 200);
        memcpy(other, answer.cookie, sizeof other);
        json_decref(answer.body);
        assert_string_not_equal(other, cookie);
        answer = ask("GET", "/api/me/sessions", cookie, "");
        assert_int_equal(json_array_size(json_object_get(answer.body, "sessions")), 2);
        json_decref(answer.body);
        check(ask("POST", "/api/me/password", cookie, "{\"current\":\"" OTHER_PASSWORD "\",\"password\":\"a new password of mine\"}"), 401,
              "wrong-login");
        check(ask("POST", "/api/me/password", cookie, "{\"current\":\"" PASSWORD "\",\"password\":\"short\"}"), 422, "invalid-field");
        check(ask("POST", "/api/me/password", cookie, "{\"current\":\"" PASSWORD "\",\"password\":\"a new password of mine\"}"), 204, "");
        check(ask("GET", "/api/me", cookie, ""), 200, "");
        check(ask("GET", "/api/me", other, ""), 401, "not-signed-in");
        check(login("ada", PASSWORD, NULL), 401, "wrong-login");
        check(login("ada", "a new password of mine", NULL), 200, "");
}

/* Whoever follows something must show anew who it is once any session or token has ended. */
static void streams_end_with_sessions(void **state) {
        char cookie[64], other[64], headers[256];
        Client *stream;
        Answer answer;

        (void) state;
        make_user(cookie);
        answer = login("ada", PASSWORD, NULL);
        memcpy(other, answer.cookie, sizeof other);
        json_decref(answer.body);
        (void) snprintf(headers, sizeof headers, FROM("203.0.113.7") "Cookie: " SESSION_COOKIE "=%s\r\n", other);
        stream = begin(web_path, "GET", "/api/events", headers, "");
        turn_until(loop, client_has(stream, "event: ready"));
        check(ask("POST", "/api/auth/logout", other, ""), 204, "");
        turn_until(loop, client_is_closed(stream));
        client_close(stream);
        check(ask("GET", "/api/events", other, ""), 401, "not-signed-in");
}

/* What was asked with the old password while the new one was being hashed finds that it is no longer good. */
static void who_waits_during_a_change_has_the_old_password(void **state) {
        static const char change[] = "{\"current\":\"" PASSWORD "\",\"password\":\"a new password of mine\"}",
                          sign_in[] = "{\"user\":\"ada\",\"password\":\"" PASSWORD "\"}";
        char cookie[64], headers[256];
        Client *changing, *before, *during, *again;

        (void) state;
        make_user(cookie);
        (void) snprintf(headers, sizeof headers, JSON ORIGIN FROM("203.0.113.7") "Cookie: " SESSION_COOKIE "=%s\r\n", cookie);
        changing = begin(web_path, "POST", "/api/me/password", headers, change);
        turn_for(loop, 20 * 1000);
        before = begin(web_path, "POST", "/api/auth/login", JSON ORIGIN FROM("203.0.113.8"), sign_in);
        turn_until(loop, client_is_closed(before)); /* its password is hashed after the current one and before the new one */
        during = begin(web_path, "POST", "/api/auth/login", JSON ORIGIN FROM("203.0.113.9"), sign_in);
        again = begin(web_path, "POST", "/api/me/password", headers,
                      "{\"current\":\"" PASSWORD "\",\"password\":\"and a third one of mine\"}");
        check(answer_of(changing), 204, "");
        check(answer_of(during), 401, "wrong-login");
        check(answer_of(again), 401, "wrong-login");
        check(answer_of(before), 200, "");
        check(login("ada", "a new password of mine", NULL), 200, "");
}

/* Neither many at once, nor those whose client goes away, nor an address that nobody knows are more attempts than allowed. */
static void attempts_at_once_are_limited(void **state) {
        static const char *const from[] = { JSON ORIGIN FROM("203.0.113.7"), JSON ORIGIN };
        Client *clients[8];
        char body[96];

        (void) state;
        for (size_t f = 0; f < 2; f++) {
                unsigned wrong = 0, busy = 0, limited = 0;
                for (unsigned round = 0; round < 3; round++) {
                        for (unsigned i = 0; i < 8; i++) {
                                (void) snprintf(body, sizeof body, "{\"user\":\"eve%u\",\"password\":\"" PASSWORD "\"}", round * 8 + i);
                                clients[i] = begin(web_path, "POST", "/api/auth/login", from[f], body);
                        }
                        for (unsigned i = 0; i < 8; i++) {
                                Answer answer = answer_of(clients[i]);
                                wrong += answer.status == 401;
                                busy += answer.status == 503;
                                limited += answer.status == 429;
                                json_decref(answer.body);
                        }
                }
                assert_int_equal(wrong + busy + limited, 24);
                assert_in_range(wrong, 8, 10);
                assert_true(limited >= 8);
        }
}

static void code_now(const char *base32, int64_t steps, char ret[static TOTP_DIGITS + 1]) {
        unsigned char secret[TOTP_SECRET_BYTES];

        assert_true(totp_from_base32(base32, secret));
        totp_code(secret, totp_step(clock_now_ms()) + steps, ret);
}

static void a_second_factor_is_asked_for(void **state) {
        char cookie[64], secret[TOTP_BASE32_SIZE], code[TOTP_DIGITS + 1], body[128], recovery[RECOVERY_CODE_SIZE],
                        claim_code[CLAIM_CODE_SIZE];
        Answer answer;

        (void) state;
        make_user(cookie);
        check(ask("POST", "/api/me/second-factor/confirm", cookie, "{\"code\":\"123456\"}"), 409, "nothing-pending");
        check(ask("POST", "/api/me/second-factor", cookie, "{\"password\":\"" OTHER_PASSWORD "\"}"), 401, "wrong-login");
        answer = ask("POST", "/api/me/second-factor", cookie, "{\"password\":\"" PASSWORD "\"}");
        assert_int_equal(answer.status, 200);
        (void) snprintf(secret, sizeof secret, "%s", json_string_value(json_object_get(answer.body, "secret")));
        assert_non_null(strstr(json_string_value(json_object_get(answer.body, "uri")), secret));
        json_decref(answer.body);
        check(login("ada", PASSWORD, NULL), 200, ""); /* not confirmed: it is not asked for */
        code_now(secret, 5, code);
        (void) snprintf(body, sizeof body, "{\"code\":\"%s\"}", code);
        check(ask("POST", "/api/me/second-factor/confirm", cookie, body), 422, "wrong-code");
        code_now(secret, 0, code);
        (void) snprintf(body, sizeof body, "{\"code\":\"%s\"}", code);
        answer = ask("POST", "/api/me/second-factor/confirm", cookie, body);
        assert_int_equal(answer.status, 200);
        assert_int_equal(json_array_size(json_object_get(answer.body, "recovery_codes")), RECOVERY_CODES);
        (void) snprintf(recovery, sizeof recovery, "%s",
                        json_string_value(json_array_get(json_object_get(answer.body, "recovery_codes"), 3)));
        json_decref(answer.body);
        check(login("ada", PASSWORD, NULL), 401, "code-wanted");
        check(login("ada", PASSWORD, code), 401, "wrong-code"); /* it has been used */
        code_now(secret, 1, code);
        check(login("ada", PASSWORD, code), 200, "");
        check(login("ada", PASSWORD, code), 401, "wrong-code");
        check(login("ada", PASSWORD, recovery), 200, "");
        check(login("ada", PASSWORD, recovery), 401, "wrong-code");
        answer = ask("GET", "/api/me", cookie, "");
        assert_int_equal(json_integer_value(json_object_get(json_object_get(answer.body, "user"), "recovery_codes_left")),
                         RECOVERY_CODES - 1);
        json_decref(answer.body);
        /* Whoever is root on the server gets in again. */
        make_code(true, claim_code);
        check(claim(claim_code, "ada", "a new password of mine"), 201, "");
        check(ask("GET", "/api/me", cookie, ""), 401, "not-signed-in");
        check(login("ada", "a new password of mine", NULL), 200, "");
}

static void claim_codes_are_typed_as_people_do(void **state) {
        char code[CLAIM_CODE_SIZE], typed[CLAIM_CODE_SIZE * 2];
        size_t n = 0;

        (void) state;
        make_code(false, code);
        for (const char *c = code; *c; c++)
                if (*c != '-')
                        typed[n++] = (char) (*c >= 'A' ? *c - 'A' + 'a' : *c);
        typed[n] = '\0';
        check(claim(typed, "ada", PASSWORD), 201, "");
}

/* --- what the audit log has of it --- */

/* Rows of that action, newest first; the newest one is copied. */
static size_t audited(const char *action, AuditRow *ret_newest) {
        AuditRow *rows = NULL;
        size_t n = 0;

        assert_int_equal(store_audit_list(context.store, &(AuditFilter){ .action = action }, 100, &rows, &n), STORE_OK);
        for (size_t i = 0; i < n; i++)
                if (i == 0 && ret_newest)
                        *ret_newest = rows[0];
                else
                        audit_row_done(&rows[i]);
        free(rows);
        return n;
}

static void expect_audit(const char *action, size_t n, const char *kind, const char *name, int64_t status, int64_t count) {
        AuditRow row = { 0 };
        size_t found = audited(action, &row);

        if (found != n || strcmp(row.actor_kind, kind) != 0 || strcmp(row.actor_name, name) != 0 || row.status != status ||
            row.count != count)
                fail_msg("%s: %zu, %s %s, %lld, %lld times", action, found, row.actor_kind, row.actor_name, (long long) row.status,
                         (long long) row.count);
        audit_row_done(&row);
}

/* Good ones and bad ones; whoever types the password as the name does not see it there. */
static void sign_ins_are_written_down(void **state) {
        char cookie[64], token_body[] = "{\"name\":\"ci\",\"scope\":\"read\",\"days\":null}";
        Answer made;
        AuditRow *rows = NULL, newest = { 0 };
        size_t n = 0;

        (void) state;
        make_user(cookie);
        expect_audit("auth.claim", 1, getuid() == 0 ? "root" : "system", getuid() == 0 ? "root" : "nanoscale", 201, 1);
        expect_audit("auth.setup", 1, "user", "ada", 201, 1);
        assert_int_equal(audited("auth.setup", &newest), 1);
        assert_string_equal(newest.address, "203.0.113.7");
        audit_row_done(&newest);
        check(login("ada", PASSWORD, NULL), 200, "");
        expect_audit("auth.login", 1, "user", "ada", 200, 1);
        check(login("ada", OTHER_PASSWORD, NULL), 401, "wrong-login");
        expect_audit("auth.login", 2, "user", "ada", 401, 1);
        for (int i = 0; i < 3; i++)
                check(login(PASSWORD, PASSWORD, NULL), 401, "wrong-login");
        expect_audit("auth.login", 3, "user", "unknown", 401, 3);
        check(ask("POST", "/api/me/password", cookie, "{\"current\":\"" OTHER_PASSWORD "\",\"password\":\"" OTHER_PASSWORD "!\"}"), 401,
              "wrong-login");
        expect_audit("account.password", 1, "user", "ada", 401, 1);
        made = ask("POST", "/api/tokens", cookie, token_body);
        assert_int_equal(made.status, 201);
        expect_audit("token.create", 1, "user", "ada", 201, 1);
        /* What a token may not do it is seen to have tried; what nobody known tried is not. */
        check(with_token(made.body, "PATCH", "/api/settings", "{\"site_name\":\"Mine\"}"), 403, "scope-wanted");
        expect_audit("settings.change", 1, "token", "ci", 403, 1);
        check(ask("PATCH", "/api/settings", NULL, "{}"), 401, "not-signed-in");
        expect_audit("settings.change", 1, "token", "ci", 403, 1);
        check(ask("POST", "/api/auth/logout", cookie, ""), 204, "");
        expect_audit("auth.logout", 1, "user", "ada", 204, 1);
        assert_int_equal(store_audit_list(context.store, &(AuditFilter){ 0 }, 1000, &rows, &n), STORE_OK);
        for (size_t i = 0; i < n; i++) {
                const char *const cells[] = { rows[i].actor_name, rows[i].project, rows[i].target, rows[i].detail, rows[i].address };

                for (size_t k = 0; k < ELEMENTS(cells); k++)
                        assert_false(cells[k] && (strstr(cells[k], "horse") || strstr(cells[k], cookie) || strstr(cells[k], "nst_")));
                audit_row_done(&rows[i]);
        }
        free(rows);
        json_decref(made.body);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(headers_are_read_exactly),
                cmocka_unit_test(each_route_has_a_scope),
                cmocka_unit_test_setup_teardown(a_new_server_is_claimed_once, set_up, tear_down),
                cmocka_unit_test_setup_teardown(wrong_passwords_are_limited, set_up, tear_down),
                cmocka_unit_test_setup_teardown(foreign_pages_get_nothing, set_up, tear_down),
                cmocka_unit_test_setup_teardown(tokens_do_what_their_scope_has, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_new_password_ends_other_sessions, set_up, tear_down),
                cmocka_unit_test_setup_teardown(streams_end_with_sessions, set_up, tear_down),
                cmocka_unit_test_setup_teardown(who_waits_during_a_change_has_the_old_password, set_up, tear_down),
                cmocka_unit_test_setup_teardown(attempts_at_once_are_limited, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_second_factor_is_asked_for, set_up, tear_down),
                cmocka_unit_test_setup_teardown(claim_codes_are_typed_as_people_do, set_up, tear_down),
                cmocka_unit_test_setup_teardown(sign_ins_are_written_down, set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
