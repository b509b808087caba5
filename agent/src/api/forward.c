/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Passes a request on to another server and its answer back. A slow client holds back the node's stream, and nothing else. */
#include "api/elsewhere.h"
#include "api/reply.h"
#include "api/sse.h"

#include "base/cleanup.h"
#include "cluster/answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
        BACKLOG = 256 * 1024,      /* that may wait for a slow client before the node is held back */
        LOOK_US = 50 * 1000,       /* until it is looked whether the client has caught up */
        ANSWER_US = 180 * 1000000, /* falling asleep, waking and removing answer when they are done */
        REFUSAL_MAX = 64 * 1024,
};

typedef struct {
        Api *a;
        HttpRequest *rq;    /* NULL once a stream has begun */
        HttpStream *stream; /* NULL before */
        NodeCall *call;
        Timer *look; /* whether a slow client has caught up */
        Forward f;
        char server_id[13], project_id[13];
        bool is_text, absent;
        unsigned status; /* of a stream's head */
        char *refusal;   /* the body of a stream that did not begin */
        size_t length;
} Pass;

static void pass_free(Pass *p) {
        node_call_drop(p->call);
        timer_drop(p->look);
        http_stream_end(p->stream);
        free(p->refusal);
        free(p);
}

static void pass_client_gone(void *owner) {
        Pass *p = owner;

        if (p->f.removes) /* whether it is gone there must come to be known here */
                p->rq = NULL;
        else
                pass_free(p);
}

void reply_node_problem(Api *a, HttpRequest *rq, const char *server_id, int code) {
        json_t *o;
        const char *reason;
        char detail[512];

        if (code < 0) {
                reply_failure(a, rq, code, "The server could not be called");
                return;
        }
        if (code == NODES_E_BUSY) {
                reply_problem(rq, 503, "server-busy", "The server is busy", NULL, "Too many calls to the project's server are under way.");
                return;
        }
        o = json_object();
        nodes_describe(a->nodes, server_id, o);
        reason = json_string_value(json_object_get(o, "reason"));
        (void) snprintf(detail, sizeof detail, "The project's server does not answer, so nothing was done: %s",
                        reason ? reason : "it is not known.");
        reply_problem(rq, 503, "server-offline", "The project's server is offline", NULL, detail);
        json_decref(o);
}

/* It may have been done, or not: who asks again finds out, as nothing is done twice. */
static void reply_unreachable(HttpRequest *rq, const char *sentence) {
        char detail[512];

        (void) snprintf(detail, sizeof detail, "The project's server was not reached, or its answer was lost: %s", sentence);
        reply_problem(rq, 503, "server-unreachable", "The project's server was not reached", NULL, detail);
}

static void reply_as(HttpRequest *rq, const Pass *p, unsigned status, const char *body, size_t length) {
        const char *type = status / 100 != 2 ? "application/problem+json" : p->is_text ? "text/plain; charset=utf-8" : "application/json";

        if (status == 204 || p->absent)
                http_reply(rq, 204, NULL, NULL, 0, NULL);
        else
                http_reply(rq, status, type, body, length, NULL);
}

bool says_absent(unsigned status, const json_t *body) {
        const char *type = json_string_value(json_object_get(body, "type"));

        return status == 404 && type && strcmp(type, "project-absent") == 0;
}

/* Its refusal of us is not one of the client. */
static bool is_ours(unsigned status) {
        return status == 401 || status == 410 || status == 429 || (status >= 502 && status <= 504);
}

static void pass_done(void *owner, const FetchResult *result) {
        Pass *p = owner;
        char sentence[64];
        json_t *body;

        if (p->f.removes && !result->error) {
                body = answer_parse(result->body, result->length);
                p->absent = says_absent(result->status, body);
                p->f.answered(p->a, p->project_id, result->status, body);
                json_decref(body);
                p->f.answered = NULL;
        }
        if (!p->rq) { /* a stream has ended, or broke: the client sees its end and asks for the rest; or a client has gone */
                pass_free(p);
                return;
        }
        if (result->error)
                reply_unreachable(p->rq, result->sentence);
        else if (is_ours(result->status)) {
                (void) snprintf(sentence, sizeof sentence, "it answers with status %u.", result->status);
                reply_unreachable(p->rq, sentence);
        } else if (p->f.stream)
                reply_as(p->rq, p, p->status, p->refusal ? p->refusal : "", p->length);
        else {
                if (p->f.answered) {
                        body = answer_parse(result->body, result->length);
                        p->f.answered(p->a, p->project_id, result->status, body);
                        json_decref(body);
                }
                if (p->f.describe && result->status / 100 == 2)
                        reply_elsewhere(p->a, p->rq, p->project_id, result->status, false);
                else
                        reply_as(p->rq, p, result->status, result->body, result->length);
        }
        pass_free(p);
}

/* --- streams --- */

static void pass_look(void *owner) {
        Pass *p = owner;

        if (http_stream_pending(p->stream) < BACKLOG / 2)
                node_call_resume(p->call);
        else
                (void) timer_rearm(p->look, LOOK_US);
}

static void pass_head(void *owner, unsigned status) {
        Pass *p = owner;

        p->status = status;
        if (status != 200)
                return;
        if (sse_begin(p->rq, pass_client_gone, p, &p->stream) == 0)
                p->rq = NULL;
}

static bool pass_body(void *owner, const char *data, size_t length) {
        Pass *p = owner;

        if (!p->stream) {
                char *more = p->length + length <= REFUSAL_MAX ? realloc(p->refusal, p->length + length) : NULL;
                if (more) {
                        memcpy(more + p->length, data, length);
                        p->refusal = more;
                        p->length += length;
                }
                return true;
        }
        if (http_stream_write(p->stream, data, length) < 0) {
                pass_free(p);
                return true;
        }
        if (http_stream_pending(p->stream) < BACKLOG)
                return true;
        (void) timer_rearm(p->look, LOOK_US);
        return false;
}

/* --- the call --- */

/* A build log is the one answer that is no JSON. */
static bool ends_with_log(const char *target) {
        size_t n = strcspn(target, "?");

        return n > 4 && strncmp(target + n - 4, "/log", 4) == 0;
}

static int begin(Pass *p, const Forward *f) {
        static const char *const json[] = { "Content-Type: application/json", NULL };
        const char *last = http_request_header(p->rq, "Last-Event-ID"), *resumed[2] = { 0 };
        char line[64];
        size_t length = f->body ? strlen(f->body) : 0;
        /* A GET that follows a PATCH has no body, whatever the PATCH had. */
        const char *body = f->body || (strcmp(f->method, "POST") != 0 && strcmp(f->method, "PUT") != 0) ? f->body
                                                                                                        : http_request_body(p->rq, &length);
        NodeRequest request = {
                .method = f->method,
                .target = f->target,
                .body = body,
                .length = length,
                .headers = json,
                .timeout_us = ANSWER_US,
                .repeatable = true, /* each of these calls is one whose repetition does no more than the first */
        };
        int r;

        if (f->stream) {
                request.on_head = pass_head;
                request.on_body = pass_body;
                request.timeout_us = 0;
                if (last && strlen(last) < 21 && strspn(last, "0123456789") == strlen(last)) {
                        (void) snprintf(line, sizeof line, "Last-Event-ID: %s", last);
                        resumed[0] = line;
                }
                request.headers = resumed;
                r = timer_start(p->a->config.context->loop, 0, pass_look, p, &p->look);
                if (r < 0)
                        return r;
                timer_stop(p->look);
        }
        return node_call(p->a->nodes, p->server_id, &request, pass_done, p, &p->call);
}

void forward(Api *a, HttpRequest *rq, const char *server_id, const Forward *f) {
        Pass *p = calloc(1, sizeof *p);
        int r = p ? 0 : -ENOMEM;

        if (p) {
                p->a = a;
                p->rq = rq;
                p->f = *f;
                p->f.body = NULL;
                p->f.target = NULL; /* the caller's; used up when the call has begun */
                p->is_text = ends_with_log(f->target);
                (void) snprintf(p->server_id, sizeof p->server_id, "%s", server_id);
                (void) snprintf(p->project_id, sizeof p->project_id, "%s", f->project_id ? f->project_id : "");
                r = begin(p, f);
        }
        if (f->body)
                explicit_bzero(f->body, strlen(f->body));
        free(f->body);
        if (r == 0)
                http_request_on_gone(rq, pass_client_gone, p);
        else {
                if (p)
                        pass_free(p);
                reply_node_problem(a, rq, server_id, r);
        }
}
