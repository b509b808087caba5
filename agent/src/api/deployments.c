/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "api/reply.h"
#include "api/sse.h"

#include "base/cleanup.h"
#include "deployment/describe.h"
#include "security/validate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { STREAM_BACKLOG = 256 * 1024 };

bool take_deployment_id(HttpRequest *rq, const json_t *body, const char **ret_id) {
        const json_t *id = json_object_get(body, "id");

        *ret_id = json_string_value(id);
        if (!id || valid_id(*ret_id))
                return true;
        reply_problem(rq, 422, "invalid-field", "A field is not usable", "id", "id must be 12 characters of a-z and 0-9.");
        return false;
}

/* branch and commit of a request; answers itself and returns false when one is not usable. */
static bool take_what(HttpRequest *rq, const json_t *body, const char **ret_branch, const char **ret_commit) {
        const json_t *branch = json_object_get(body, "branch"), *commit = json_object_get(body, "commit");

        *ret_branch = json_string_value(branch);
        *ret_commit = json_string_value(commit);
        if (branch && (!*ret_branch || !valid_branch(*ret_branch))) {
                reply_problem(rq, 422, "invalid-field", "A field is not usable", "branch",
                              "branch must be a branch name that git accepts.");
                return false;
        }
        if (commit && (!*ret_commit || !valid_commit(*ret_commit))) {
                reply_problem(rq, 422, "invalid-field", "A field is not usable", "commit",
                              "commit must be a whole commit id: 40 hexadecimal digits.");
                return false;
        }
        return true;
}

void api_deployment_create(Api *a, HttpRequest *rq, const char *argument) {
        json_t *body = take_json(rq);
        ProjectRow project = { 0 };
        DeploymentRow row = { 0 };
        const char *branch, *commit, *id;
        int r;

        if (!body)
                return;
        if (take_what(rq, body, &branch, &commit) && take_deployment_id(rq, body, &id) && take_project(a, rq, argument, &project)) {
                r = deployer_submit(a->config.deployer, &project,
                                    &(DeployRequest){ .id = id, .kind = "deploy", .branch = branch, .commit = commit, .source = "api" },
                                    &row);
                if (r == DEPLOYER_E_TAKEN)
                        reply_problem(rq, 409, "id-taken", "The id is taken", "id", "Another deployment has that id.");
                else if (r == DEPLOYER_E_RUNNING)
                        reply_problem(rq, 409, "deployment-running", "A deployment of this project is under way", NULL,
                                      "Wait until it has ended, or cancel it.");
                else if (r < 0)
                        reply_failure(a, rq, r, "The deployment could not be queued");
                else {
                        reply_json(rq, 202, describe_deployment(a->config.context, &project, &row, true));
                        deployment_row_done(&row);
                }
                project_row_done(&project);
        }
        json_decref(body);
}

void api_deployment_list(Api *a, HttpRequest *rq, const char *argument) {
        const DeployContext *c = a->config.context;
        DeploymentRow *rows = NULL;
        ProjectRow project = { 0 };
        json_t *list, *next = json_null();
        long limit, before;
        size_t n = 0;
        int r;

        if (!take_number(rq, "limit", 1, 200, 20, &limit) || !take_number(rq, "before", 1, 1000000000, 0, &before) ||
            !take_project(a, rq, argument, &project))
                return;
        r = store_deployment_list(c->store, project.id, before, (size_t) limit + 1, &rows, &n);
        if (r < 0)
                reply_failure(a, rq, r, "The deployments could not be listed");
        else {
                list = json_array();
                for (size_t i = 0; i < n; i++) {
                        if (i < (size_t) limit)
                                (void) json_array_append_new(list, describe_deployment(c, &project, &rows[i], false));
                        else
                                next = json_integer(rows[i].number + 1);
                        deployment_row_done(&rows[i]);
                }
                reply_json(rq, 200, json_pack("{s:o, s:o}", "deployments", list, "next", next));
        }
        free(rows);
        project_row_done(&project);
}

void api_deployment_show(Api *a, HttpRequest *rq, const char *argument) {
        DeploymentRow row = { 0 };
        ProjectRow project = { 0 };

        if (!take_deployment(a, rq, argument, &row, &project))
                return;
        reply_json(rq, 200, describe_deployment(a->config.context, &project, &row, true));
        deployment_row_done(&row);
        project_row_done(&project);
}

void api_deployment_cancel(Api *a, HttpRequest *rq, const char *argument) {
        DeploymentRow row = { 0 }, after = { 0 };
        ProjectRow project = { 0 };

        if (!take_deployment(a, rq, argument, &row, &project))
                return;
        if (row.finished_at_ms || deployer_cancel(a->config.deployer, row.id) != DEPLOYER_OK)
                reply_problem(rq, 409, "deployment-ended", "The deployment has ended", NULL, "Only one that is under way can be canceled.");
        else if (store_deployment_get(a->config.context->store, row.id, &after) == STORE_OK) {
                reply_json(rq, 202, describe_deployment(a->config.context, &project, &after, true));
                deployment_row_done(&after);
        } else
                reply_json(rq, 202, describe_deployment(a->config.context, &project, &row, true));
        deployment_row_done(&row);
        project_row_done(&project);
}

static void print_line(void *owner, const char *type, const char *json) {
        FILE *out = owner;
        json_t *event;

        if (strcmp(type, "log") != 0)
                return;
        event = json_loads(json, 0, NULL);
        (void) fprintf(out, "%s %-7s %s\n",
                       json_string_value(json_object_get(event, "at")) ? json_string_value(json_object_get(event, "at")) : "-",
                       json_string_value(json_object_get(event, "step")) ? json_string_value(json_object_get(event, "step")) : "-",
                       json_string_value(json_object_get(event, "line")) ? json_string_value(json_object_get(event, "line")) : "");
        json_decref(event);
}

void api_deployment_log(Api *a, HttpRequest *rq, const char *argument) {
        DeploymentRow row = { 0 };
        ProjectRow project = { 0 };
        char *text = NULL;
        size_t length = 0;
        FILE *out;
        int r;

        if (!take_deployment(a, rq, argument, &row, &project))
                return;
        out = open_memstream(&text, &length);
        r = out ? event_log_read(a->config.context->logs, row.id, 0, print_line, out) : -ENOMEM;
        if (out && fclose(out) != 0 && r == 0)
                r = -ENOMEM;
        if (r < 0 && r != -ENOENT)
                reply_failure(a, rq, r, "The log could not be read");
        else
                http_reply(rq, 200, "text/plain; charset=utf-8", text ? text : "", length, NULL);
        free(text);
        deployment_row_done(&row);
        project_row_done(&project);
}

/* --- events --- */

typedef struct {
        HttpStream *stream;
        EventReader *reader;
} EventStream;

static void event_stream_free(EventStream *s) {
        event_reader_drop(s->reader);
        http_stream_end(s->stream);
        free(s);
}

static bool event_stream_ready(void *owner) {
        EventStream *s = owner;
        return http_stream_pending(s->stream) < STREAM_BACKLOG;
}

static void event_stream_event(void *owner, uint64_t sequence, const char *type, const char *json) {
        EventStream *s = owner;
        if (sse_write(s->stream, sequence, type, json) < 0)
                event_stream_free(s);
}

static void event_stream_over(void *owner) {
        event_stream_free(owner);
}

void api_deployment_events(Api *a, HttpRequest *rq, const char *argument) {
        static const EventReaderOps ops = { .ready = event_stream_ready, .event = event_stream_event, .ended = event_stream_over };
        const char *last = http_request_header(rq, "Last-Event-ID");
        DeploymentRow row = { 0 };
        ProjectRow project = { 0 };
        EventStream *s;
        int r;

        if (!take_deployment(a, rq, argument, &row, &project))
                return;
        s = calloc(1, sizeof *s);
        r = s ? event_reader_new(a->config.context->logs, row.id, last ? strtoull(last, NULL, 10) : 0, &ops, s, &s->reader) : -ENOMEM;
        if (r == 0) {
                r = sse_begin(rq, event_stream_over, s, &s->stream);
                if (r < 0) {
                        event_reader_drop(s->reader);
                        free(s);
                        reply_failure(a, rq, r, "The events could not be read");
                }
        } else {
                free(s);
                reply_failure(a, rq, r, "The events could not be read");
        }
        deployment_row_done(&row);
        project_row_done(&project);
}
