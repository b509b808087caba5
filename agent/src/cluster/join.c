/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "cluster/join.h"

#include "base/cleanup.h"
#include "cluster/identity.h"
#include "cluster/signed_call.h"
#include "event/fetch.h"
#include "security/validate.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

typedef struct {
        Loop *loop;
        const JoinConfig *config;
        char *sentence;
        size_t size;
        int result;
} Join;

static void refuse(Join *j, const char *sentence) {
        (void) snprintf(j->sentence, j->size, "%s", sentence);
}

/* The orchestrator's own words, when they are text that may go to a terminal. */
static void refused(Join *j, unsigned status, const json_t *body) {
        const char *detail = json_string_value(json_object_get(body, "detail"));

        if (detail && valid_text_line(detail, 500))
                refuse(j, detail);
        else if (status == 429)
                refuse(j, "The orchestrator takes no more attempts from this address for now. Try again in a minute.");
        else if (status >= 502 && status <= 504)
                refuse(j, "The orchestrator's agent is not running. See journalctl -u nanoscale-agent there.");
        else
                (void) snprintf(j->sentence, j->size, "The orchestrator answers with status %u. Is it another version of NanoScale?",
                                status);
}

static int take_answer(Join *j, const json_t *body) {
        const JoinConfig *c = j->config;
        const char *id = json_string_value(json_object_get(body, "server_id"));
        const char *key = json_string_value(json_object_get(body, "secret_key"));
        Identity identity = { .port = c->string->port };
        int r = -EPROTO;

        if (valid_id(id) && key && secret_from_hex(key, identity.secret)) {
                (void) snprintf(identity.server_id, sizeof identity.server_id, "%s", id);
                (void) snprintf(identity.name, sizeof identity.name, "%s", c->name);
                (void) snprintf(identity.host, sizeof identity.host, "%s", c->string->host);
                (void) snprintf(identity.pin, sizeof identity.pin, "%s", c->string->pin);
                r = identity_write(c->identity, c->sealer, &identity);
        }
        identity_done(&identity);
        return r;
}

static void answered(void *owner, const FetchResult *result) {
        Join *j = owner;
        json_t *body = result->error ? NULL : json_loadb(result->body, result->length, JSON_REJECT_DUPLICATES, NULL);
        int r;

        if (result->error == -EKEYREJECTED)
                refuse(j,
                       "Whoever answers at the orchestrator's address has another key than the one in the string. Either it was installed "
                       "anew: get a new string from it. Or somebody is in between: do not join.");
        else if (result->error)
                (void) snprintf(j->sentence, j->size, "The orchestrator cannot be reached at %s port %u: %s", j->config->string->host,
                                j->config->string->port, result->sentence);
        else if (result->status != 201)
                refused(j, result->status, body);
        else if ((r = take_answer(j, body)) < 0)
                (void) snprintf(j->sentence, j->size, "%s: %s. The token is used up; get a new string.", j->config->identity,
                                r == -EPROTO ? "the orchestrator's answer is not understood" : strerror(-r));
        else
                j->result = 0;
        json_decref(body);
        loop_exit(j->loop, j->result);
}

static char *describe(const JoinConfig *c) {
        json_t *o = json_pack("{s:s, s:s, s:s, s:i, s:s, s:s}", "token", c->string->token, "name", c->name, "ip", c->address, "port",
                              (int) c->port, "public_key", c->public_key, "version", NANOSCALE_VERSION);
        char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

        json_decref(o);
        return text;
}

int join_run(Loop *l, const JoinConfig *config, char *ret_sentence, size_t size) {
        static const char *const headers[] = { "Content-Type: application/json", NULL };
        Join j = { .loop = l, .config = config, .sentence = ret_sentence, .size = size, .result = 1 };
        auto_free char *body = describe(config);
        char url[512];
        FetchPool *pool = NULL;
        Fetch *fetch = NULL;
        int r = body ? peer_url(config->string->host, config->string->port, "/api/cluster/join", url, sizeof url) : -ENOMEM;

        if (r == 0)
                r = fetch_pool_new(l, &pool);
        if (r == 0)
                r = fetch_start(pool,
                                &(FetchSpec){ .method = "POST",
                                              .url = url,
                                              .headers = headers,
                                              .body = body,
                                              .body_length = strlen(body),
                                              .pinned_key = config->string->pin,
                                              .http2_only = true,
                                              .once = true },
                                answered, &j, &fetch);
        if (r == 0)
                r = loop_run(l);
        fetch_drop(fetch);
        fetch_pool_free(pool);
        if (r < 0)
                refuse(&j, strerror(-r));
        else if (r != 0 && !ret_sentence[0])
                refuse(&j, "Interrupted.");
        return r == 0 && j.result == 0 ? 0 : 1;
}
