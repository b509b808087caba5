/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a person does with the own account: password, sessions, second factor, and tokens for programs. */
#include "api/reply.h"
#include "api/signing.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "deployment/describe.h"
#include "security/validate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PASSWORD_MAX = 1024, CODE_MAX = 63, TOKEN_NAME_MAX = 64, TOKEN_DAYS_MAX = 3660 };

static void no_content(Api *a, HttpRequest *rq, const SignResult *result) {
        (void) a;
        (void) result;
        http_reply(rq, 204, NULL, NULL, 0, NULL);
}

/* --- password --- */

void api_password_change(Api *a, HttpRequest *rq, const char *argument) {
        json_t *body = take_json(rq);
        const char *current, *password;
        SignTask *task = NULL;
        Signing *s;

        (void) argument;
        if (!body)
                return;
        current = take_text(rq, body, "current", PASSWORD_MAX);
        password = current ? take_text(rq, body, "password", PASSWORD_MAX) : NULL;
        s = password ? signing_begin(a, rq, no_content) : NULL;
        if (s) {
                int r = accounts_change_password(a->accounts, &api_actor(rq)->who, current, password, signing_done, s, &task);

                signing_await(s, r, task);
        }
        json_decref(body);
}

/* --- sessions --- */

void api_session_list(Api *a, HttpRequest *rq, const char *argument) {
        const SignedIn *who = &api_actor(rq)->who;
        SessionRow *rows = NULL;
        json_t *list;
        size_t n = 0;
        int r = store_session_list(a->config.context->store, who->user_id, &rows, &n);

        (void) argument;
        if (r != STORE_OK) {
                reply_failure(a, rq, r < 0 ? r : -EIO, "The sessions could not be read");
                return;
        }
        list = json_array();
        for (size_t i = 0; i < n; i++) {
                (void) json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o, s:s, s:s, s:b}", "id", rows[i].id, "created_at",
                                                             describe_time(rows[i].created_at_ms), "used_at",
                                                             describe_time(rows[i].used_at_ms), "expires_at",
                                                             describe_time(rows[i].expires_at_ms), "address", rows[i].address, "agent",
                                                             rows[i].agent, "current", (int) (strcmp(rows[i].id, who->session_id) == 0)));
                session_row_done(&rows[i]);
        }
        free(rows);
        reply_json(rq, 200, json_pack("{s:o}", "sessions", list));
}

void api_session_end(Api *a, HttpRequest *rq, const char *argument) {
        const SignedIn *who = &api_actor(rq)->who;
        int r = valid_id(argument) ? store_session_delete(a->config.context->store, who->user_id, argument) : STORE_E_ABSENT;

        if (r == STORE_E_ABSENT)
                reply_problem(rq, 404, "session-absent", "There is no such session", NULL, "It has ended already.");
        else if (r != STORE_OK)
                reply_failure(a, rq, r < 0 ? r : -EIO, "The session could not be ended");
        else {
                accounts_ended(a->accounts);
                http_reply(rq, 204, NULL, NULL, 0, NULL);
        }
}

/* --- second factor --- */

static void factor_begun(Api *a, HttpRequest *rq, const SignResult *result) {
        auto_free char *site = NULL;
        Text uri = { 0 };
        char *text = NULL;

        /* The app shows both; what would have to be escaped in an address is left out. */
        (void) store_setting_get(a->config.context->store, "site_name", &site);
        text_puts(&uri, "otpauth://totp/");
        for (const char *c = site && site[0] ? site : "NanoScale"; *c; c++)
                if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", *c))
                        text_put(&uri, c, 1);
        text_printf(&uri, ":%s?secret=%s&issuer=NanoScale&algorithm=SHA1&digits=6&period=30", result->user, result->secret);
        if (text_take(&uri, &text, NULL) < 0)
                reply_failure(a, rq, -ENOMEM, "The second factor could not be begun");
        else
                reply_json(rq, 200, json_pack("{s:s, s:s}", "secret", result->secret, "uri", text));
        if (text)
                secret_free(text, strlen(text));
}

void api_factor_begin(Api *a, HttpRequest *rq, const char *argument) {
        json_t *body = take_json(rq);
        const char *password;
        SignTask *task = NULL;
        Signing *s;

        (void) argument;
        if (!body)
                return;
        password = take_text(rq, body, "password", PASSWORD_MAX);
        s = password ? signing_begin(a, rq, factor_begun) : NULL;
        if (s) {
                int r = accounts_factor_begin(a->accounts, &api_actor(rq)->who, password, signing_done, s, &task);

                signing_await(s, r, task);
        }
        json_decref(body);
}

void api_factor_confirm(Api *a, HttpRequest *rq, const char *argument) {
        char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE];
        json_t *body = take_json(rq), *list;
        const char *code;
        int r;

        (void) argument;
        if (!body)
                return;
        code = take_text(rq, body, "code", CODE_MAX);
        r = code ? accounts_factor_confirm(a->accounts, &api_actor(rq)->who, code, codes) : 0;
        json_decref(body);
        if (!code)
                return;
        if (r == STORE_E_ABSENT)
                reply_problem(rq, 409, "nothing-pending", "Nothing waits for a code", NULL, "Begin with POST /api/me/second-factor.");
        else if (r == STORE_E_USED)
                reply_problem(rq, 422, "wrong-code", "The code is wrong", "code",
                              "The code is wrong. Is the clock of the device with the app right?");
        else if (r != STORE_OK)
                reply_failure(a, rq, r < 0 ? r : -EIO, "The second factor could not be stored");
        else {
                list = json_array();
                for (size_t i = 0; i < RECOVERY_CODES; i++)
                        (void) json_array_append_new(list, json_string(codes[i]));
                reply_json(rq, 200, json_pack("{s:o}", "recovery_codes", list));
        }
        secret_zero(codes, sizeof codes);
}

void api_factor_remove(Api *a, HttpRequest *rq, const char *argument) {
        json_t *body = take_json(rq);
        const char *password, *code;
        SignTask *task = NULL;
        Signing *s;

        (void) argument;
        if (!body)
                return;
        password = take_text(rq, body, "password", PASSWORD_MAX);
        code = password ? take_text(rq, body, "code", CODE_MAX) : NULL;
        s = code ? signing_begin(a, rq, no_content) : NULL;
        if (s) {
                int r = accounts_factor_remove(a->accounts, &api_actor(rq)->who, password, code, signing_done, s, &task);

                signing_await(s, r, task);
        }
        json_decref(body);
}

/* --- tokens for programs --- */

static json_t *describe_api_token(const ApiTokenRow *row) {
        return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "id", row->id, "name", row->name, "scope", row->scope, "created_at",
                         describe_time(row->created_at_ms), "used_at", describe_time(row->used_at_ms), "expires_at",
                         describe_time(row->expires_at_ms));
}

void api_token_list(Api *a, HttpRequest *rq, const char *argument) {
        ApiTokenRow *rows = NULL;
        json_t *list;
        size_t n = 0;
        int r = store_api_token_list(a->config.context->store, &rows, &n);

        (void) argument;
        if (r != STORE_OK) {
                reply_failure(a, rq, r < 0 ? r : -EIO, "The tokens could not be read");
                return;
        }
        list = json_array();
        for (size_t i = 0; i < n; i++) {
                (void) json_array_append_new(list, describe_api_token(&rows[i]));
                api_token_row_done(&rows[i]);
        }
        free(rows);
        reply_json(rq, 200, json_pack("{s:o}", "tokens", list));
}

static bool is_scope(const char *s) {
        return strcmp(s, "read") == 0 || strcmp(s, "deploy") == 0 || strcmp(s, "admin") == 0;
}

/* False: rq is answered. */
static bool take_token(HttpRequest *rq, const json_t *body, const char **ret_name, const char **ret_scope, int64_t *ret_days) {
        const json_t *days = json_object_get(body, "days");

        *ret_days = json_integer_value(days);
        *ret_name = take_text(rq, body, "name", TOKEN_NAME_MAX);
        *ret_scope = *ret_name ? take_text(rq, body, "scope", 8) : NULL;
        if (!*ret_scope)
                return false;
        if (!**ret_name || !text_is_line(*ret_name, strlen(*ret_name)))
                reply_problem(rq, 422, "invalid-field", "A field is not usable", "name", "name is one line of text, not an empty one.");
        else if (!is_scope(*ret_scope))
                reply_problem(rq, 422, "invalid-field", "A field is not usable", "scope", "scope is read, deploy or admin.");
        else if (days && !json_is_null(days) && (!json_is_integer(days) || *ret_days < 1 || *ret_days > TOKEN_DAYS_MAX))
                reply_problem(rq, 422, "invalid-field", "A field is not usable", "days",
                              "days is a number from 1 to 3660, or null: no end.");
        else
                return true;
        return false;
}

void api_token_create(Api *a, HttpRequest *rq, const char *argument) {
        json_t *body = take_json(rq), *o;
        const char *name, *scope;
        char token[API_TOKEN_SIZE];
        ApiTokenRow row = { 0 };
        int64_t days;
        int r;

        (void) argument;
        if (!body)
                return;
        if (take_token(rq, body, &name, &scope, &days)) {
                r = accounts_token_new(a->accounts, name, scope, days, &row, token);
                if (r == STORE_E_TAKEN)
                        reply_problem(rq, 409, "name-taken", "The name is taken", "name",
                                      "There is a token of that name. Revoke it, or choose another name.");
                else if (r != STORE_OK)
                        reply_failure(a, rq, r < 0 ? r : -EIO, "The token could not be stored");
                else {
                        o = describe_api_token(&row);
                        (void) json_object_set_new(o, "token", json_string(token));
                        reply_json(rq, 201, o);
                }
                api_token_row_done(&row);
                secret_zero(token, sizeof token);
        }
        json_decref(body);
}

void api_token_revoke(Api *a, HttpRequest *rq, const char *argument) {
        int r = valid_id(argument) ? store_api_token_delete(a->config.context->store, argument) : STORE_E_ABSENT;

        if (r == STORE_E_ABSENT)
                reply_problem(rq, 404, "token-absent", "There is no such token", NULL, "GET /api/tokens lists them with their ids.");
        else if (r != STORE_OK)
                reply_failure(a, rq, r < 0 ? r : -EIO, "The token could not be revoked");
        else {
                accounts_ended(a->accounts);
                http_reply(rq, 204, NULL, NULL, 0, NULL);
        }
}
