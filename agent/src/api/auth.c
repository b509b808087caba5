/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Signing in and out, and the claim code of a new server. */
#include "api/reply.h"
#include "api/settings.h"
#include "api/signing.h"
#include "api/web.h"

#include "base/cleanup.h"
#include "cluster/own_address.h"
#include "deployment/describe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Longer than a password may be: whoever has typed a longer one is told so, and not that it is wrong. */
enum { CODE_MAX = 63, USER_MAX = 64, PASSWORD_MAX = 1024, SESSION_SECONDS = 30 * 24 * 60 * 60 };

/* --- who I am --- */

static json_t *describe_user(const Api *a, const char *user_id) {
        Store *store = a->config.context->store;
        UserRow user = { 0 };
        int64_t codes = 0;
        json_t *o = NULL;

        if (store_user_get(store, user_id, &user) == STORE_OK && store_recovery_count(store, user_id, &codes) == STORE_OK)
                o = json_pack("{s:s, s:o, s:b, s:I}", "name", user.name, "created_at", describe_time(user.created_at_ms), "second_factor",
                              user.totp_secret != NULL, "recovery_codes_left", (json_int_t) codes);
        user_row_done(&user);
        return o ? o : json_null();
}

static json_t *describe_session(const Api *a, const SignedIn *who) {
        SessionRow *rows = NULL;
        json_t *o = NULL;
        size_t n = 0;

        if (!who->session_id[0] || store_session_list(a->config.context->store, who->user_id, &rows, &n) != STORE_OK)
                return json_null();
        for (size_t i = 0; i < n; i++) {
                if (strcmp(rows[i].id, who->session_id) == 0)
                        o = json_pack("{s:s, s:o, s:o}", "id", rows[i].id, "created_at", describe_time(rows[i].created_at_ms), "expires_at",
                                      describe_time(rows[i].expires_at_ms));
                session_row_done(&rows[i]);
        }
        free(rows);
        return o ? o : json_null();
}

void reply_me(Api *a, HttpRequest *rq, unsigned status, const SignedIn *who, const char *cookie) {
        const DeployContext *c = a->config.context;
        auto_free char *text = NULL;
        ServerRow server = { 0 };
        char header[160];
        const char *const headers[] = { header, NULL };
        json_t *o;

        (void) store_server_get(c->store, c->server_id, &server);
        o = json_pack("{s:o, s:o, s:o, s:o, s:s, s:s?, s:s}", "user", who->user_id[0] ? describe_user(a, who->user_id) : json_null(),
                      "session", describe_session(a, who), "token",
                      who->token_id[0] ? json_pack("{s:s, s:s, s:s}", "id", who->token_id, "name", who->name, "scope", who->scope)
                                       : json_null(),
                      "site", describe_site(a), "version", NANOSCALE_VERSION, "server", server.name, "base_domain", c->base_domain);
        server_row_done(&server);
        if (cookie && o) {
                text = json_dumps(o, JSON_COMPACT);
                (void) snprintf(header, sizeof header, "Set-Cookie: %s=%s; Path=/; Max-Age=%d; Secure; HttpOnly; SameSite=Lax",
                                SESSION_COOKIE, cookie, SESSION_SECONDS);
        }
        if (!cookie || !text)
                reply_json(rq, status, o);
        else {
                http_reply(rq, status, "application/json", text, strlen(text), headers);
                json_decref(o);
        }
        secret_zero(header, sizeof header);
}

void api_me(Api *a, HttpRequest *rq, const char *argument) {
        const Actor *actor = api_actor(rq);

        (void) argument;
        reply_me(a, rq, 200, &actor->who, NULL);
}

void api_auth_state(Api *a, HttpRequest *rq, const char *argument) {
        const Actor *actor = api_actor(rq);

        (void) argument;
        reply_json(rq, 200,
                   json_pack("{s:b, s:s?, s:o, s:s?}", "setup", (int) accounts_can_claim(a->accounts), "user",
                             actor->kind == ACTOR_USER ? actor->name : NULL, "site", describe_site(a), "version",
                             actor->kind == ACTOR_NOBODY ? NULL : NANOSCALE_VERSION));
}

/* --- in --- */

static Browser browser_of(const HttpRequest *rq) {
        const char *agent = http_request_header(rq, "User-Agent");

        return (Browser){ .address = api_actor(rq)->address, .agent = agent ? agent : "" };
}

static void signed_in(Api *a, HttpRequest *rq, const SignResult *result) {
        reply_me(a, rq, 200, &result->who, result->cookie);
}

static void claimed(Api *a, HttpRequest *rq, const SignResult *result) {
        (void) fprintf(stderr, "<5>The user %s has %s.\n", result->who.name, result->was_reset ? "a new password" : "been made");
        reply_me(a, rq, 201, &result->who, result->cookie);
}

void api_login(Api *a, HttpRequest *rq, const char *argument) {
        json_t *body = take_json(rq);
        const char *user, *password, *code;
        SignTask *task = NULL;
        Signing *s;

        (void) argument;
        if (!body)
                return;
        user = take_text(rq, body, "user", USER_MAX);
        password = user ? take_text(rq, body, "password", PASSWORD_MAX) : NULL;
        code = json_string_value(json_object_get(body, "code"));
        s = password ? signing_begin(a, rq, signed_in) : NULL;
        if (s) {
                const Browser b = browser_of(rq);
                int r = accounts_sign_in(a->accounts, user, password, code && code[0] ? code : NULL, &b, signing_done, s, &task);

                signing_await(s, r, task);
        }
        json_decref(body);
}

void api_setup(Api *a, HttpRequest *rq, const char *argument) {
        json_t *body = take_json(rq);
        const char *code, *user, *password;
        SignTask *task = NULL;
        Signing *s;

        (void) argument;
        if (!body)
                return;
        code = take_text(rq, body, "code", CODE_MAX);
        user = code ? take_text(rq, body, "user", USER_MAX) : NULL;
        password = user ? take_text(rq, body, "password", PASSWORD_MAX) : NULL;
        s = password ? signing_begin(a, rq, claimed) : NULL;
        if (s) {
                const Browser b = browser_of(rq);
                int r = accounts_claim(a->accounts, code, user, password, &b, signing_done, s, &task);

                signing_await(s, r, task);
        }
        json_decref(body);
}

/* --- out --- */

void api_logout(Api *a, HttpRequest *rq, const char *argument) {
        static const char *const headers[] = { "Set-Cookie: " SESSION_COOKIE "=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax", NULL };
        int r = accounts_sign_out(a->accounts, &api_actor(rq)->who);

        (void) argument;
        if (r != STORE_OK)
                reply_failure(a, rq, r < 0 ? r : -EIO, "The session could not be ended");
        else
                http_reply(rq, 204, NULL, NULL, 0, headers);
}

/* --- the claim code, at the administrators' socket alone --- */

void api_claim_code(Api *a, HttpRequest *rq, const char *argument) {
        char code[CLAIM_CODE_SIZE], own[46] = "";
        const char *address = a->config.dashboard ? a->config.dashboard : a->config.address;
        json_t *body = take_json(rq);
        int r;

        (void) argument;
        if (!body)
                return;
        r = accounts_claim_code_new(a->accounts, json_is_true(json_object_get(body, "reset")), code);
        json_decref(body);
        if (r == STORE_E_TAKEN)
                reply_problem(rq, 409, "claimed", "There is a user already", NULL,
                              "There is a user already. With --reset the code sets another name and password and removes the second "
                              "factor.");
        else if (r != STORE_OK)
                reply_failure(a, rq, r < 0 ? r : -EIO, "The claim code could not be stored");
        else {
                if (!address && own_address(own) == 0)
                        address = own;
                reply_json(rq, 201, json_pack("{s:s, s:s?, s:i}", "code", code, "address", address, "expires_seconds", 24 * 60 * 60));
        }
        secret_zero(code, sizeof code);
}
