/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "api/signing.h"

#include "api/reply.h"
#include "api/web.h"

#include "base/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct Signing {
        Api *a;
        HttpRequest *rq;
        SignTask *task;
        SignedWell well;
};

static void gone(void *owner) {
        Signing *s = owner;

        sign_task_drop(s->task);
        free(s);
}

Signing *signing_begin(Api *a, HttpRequest *rq, SignedWell well) {
        Signing *s = calloc(1, sizeof *s);

        if (!s)
                reply_failure(a, rq, -ENOMEM, "Nobody can sign in");
        else
                *s = (Signing){ .a = a, .rq = rq, .well = well };
        return s;
}

void signing_await(Signing *s, int r, SignTask *task) {
        if (r < 0) {
                reply_failure(s->a, s->rq, r, "The password could not be checked");
                free(s);
                return;
        }
        s->task = task;
        http_request_on_gone(s->rq, gone, s);
}

static void reply_wait(HttpRequest *rq, int64_t seconds) {
        char header[64], text[512];
        const char *const headers[] = { header, NULL };

        (void) snprintf(header, sizeof header, "Retry-After: %" PRId64, seconds);
        (void) snprintf(text, sizeof text,
                        "{\"type\":\"too-many-attempts\",\"title\":\"Too many attempts\",\"status\":429,"
                        "\"detail\":\"Too many attempts failed. Try again in %" PRId64 " s.\"}",
                        seconds);
        http_reply(rq, 429, "application/problem+json", text, strlen(text), headers);
}

void signing_done(void *owner, const SignResult *result) {
        Signing *s = owner;
        HttpRequest *rq = s->rq;
        Api *a = s->a;
        SignedWell well = s->well;

        free(s);
        http_request_on_gone(rq, NULL, NULL);
        switch (result->outcome) {
        case SIGN_OK:
                well(a, rq, result);
                break;
        case SIGN_WRONG:
                reply_problem(rq, 401, "wrong-login", "The user or the password is wrong", NULL, "The user or the password is wrong.");
                break;
        case SIGN_CODE_WANTED:
                reply_problem(rq, 401, "code-wanted", "A code is wanted", "code",
                              "Give the code of your authenticator app, or a recovery code.");
                break;
        case SIGN_WRONG_CODE:
                reply_problem(rq, 401, "wrong-code", "The code is wrong", "code",
                              "The code is wrong, was used before, or is not good any more.");
                break;
        case SIGN_WAIT:
                reply_wait(rq, result->wait_s);
                break;
        case SIGN_BUSY:
                reply_problem(rq, 503, "busy", "Others sign in at this moment", NULL, "Too many try to sign in at this moment. Try again.");
                break;
        case SIGN_REFUSED:
                reply_problem(rq, result->field ? 422 : 409, result->field ? "invalid-field" : "already-there", "It is not possible so",
                              result->field, result->sentence);
                break;
        case SIGN_FAILED:
        default:
                reply_failure(a, rq, result->error, "The password could not be checked");
        }
}

const char *take_text(HttpRequest *rq, const json_t *body, const char *name, size_t max) {
        const char *text = json_string_value(json_object_get(body, name));
        char detail[160];

        if (text && strlen(text) <= max)
                return text;
        if (text)
                (void) snprintf(detail, sizeof detail, "%s has at most %zu bytes.", name, max);
        else
                (void) snprintf(detail, sizeof detail, "%s is wanted, a text.", name);
        reply_problem(rq, 422, "invalid-field", "A field is not usable", name, detail);
        return NULL;
}
