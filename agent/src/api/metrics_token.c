/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* /metrics for a Prometheus server elsewhere: at the gateway, for whoever has the node's token. Its hash alone is kept. */
#include "api/metrics.h"
#include "api/reply.h"

#include "base/cleanup.h"
#include "security/secrets.h"

#include <errno.h>
#include <string.h>

#define SETTING "metrics_token"

bool has_metrics_token(const Api *a) {
        auto_free char *stored = NULL;

        return store_setting_get(a->config.context->store, SETTING, &stored) == STORE_OK && stored[0];
}

void api_metrics_token_make(Api *a, HttpRequest *rq, const char *argument) {
        char token[TOKEN_LENGTH + 1], hash[65];
        int r;

        (void) argument;
        token_new(token);
        token_hash(token, hash);
        r = store_setting_put(a->config.context->store, SETTING, hash);
        if (r != STORE_OK)
                reply_failure(a, rq, r < 0 ? r : -EIO, "The token could not be stored");
        else
                reply_json(rq, 201, json_pack("{s:s}", "token", token));
        secret_zero(token, sizeof token);
}

void api_metrics_token_remove(Api *a, HttpRequest *rq, const char *argument) {
        int r = store_setting_put(a->config.context->store, SETTING, ""); /* no token has this hash */

        (void) argument;
        if (r != STORE_OK)
                reply_failure(a, rq, r < 0 ? r : -EIO, "The token could not be removed");
        else
                http_reply(rq, 204, NULL, NULL, 0, NULL);
}

static bool is_right(const Api *a, const char *header) {
        auto_free char *stored = NULL;
        char hash[65];

        if (!header || strncmp(header, "Bearer ", 7) != 0 || strlen(header + 7) != TOKEN_LENGTH)
                return false;
        token_hash(header + 7, hash);
        return store_setting_get(a->config.context->store, SETTING, &stored) == STORE_OK && secret_equal(stored, hash);
}

void api_metrics_with_token(Api *a, HttpRequest *rq, const char *argument) {
        static const char *const wanted[] = { "WWW-Authenticate: Bearer", NULL };

        if (is_right(a, http_request_header(rq, "Authorization")))
                api_metrics(a, rq, argument);
        else
                http_reply(rq, 401, "text/plain; charset=utf-8", "A token is wanted: nanoscale metrics token\n", 43, wanted);
}
