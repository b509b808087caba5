/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "api/reply.h"

#include "base/cleanup.h"
#include "security/validate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void reply_text(HttpRequest *rq, unsigned status, const char *type, json_t *body) {
        char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

        json_decref(body);
        if (text)
                http_reply(rq, status, type, text, strlen(text), NULL);
        else
                http_reply(rq, 500, NULL, NULL, 0, NULL);
        free(text);
}

void reply_json(HttpRequest *rq, unsigned status, json_t *body) {
        reply_text(rq, status, "application/json", body);
}

void reply_problem(HttpRequest *rq, unsigned status, const char *type, const char *title, const char *field, const char *detail) {
        json_t *o = json_pack("{s:s, s:s, s:i, s:s}", "type", type, "title", title, "status", (int) status, "detail", detail);

        if (o && field)
                (void) json_object_set_new(o, "field", json_string(field));
        reply_text(rq, status, "application/problem+json", o);
}

void reply_problem_json(HttpRequest *rq, unsigned status, json_t *problem) {
        reply_text(rq, status, "application/problem+json", problem);
}

void reply_failure(const Api *a, HttpRequest *rq, int error, const char *what) {
        char detail[512];

        (void) snprintf(detail, sizeof detail, "%s: %s.", what, error == -EIO ? store_error(a->config.context->store) : strerror(-error));
        (void) fprintf(stderr, "<3>%s %s failed: %s\n", http_request_method(rq), http_request_path(rq), detail);
        reply_problem(rq, 500, "internal", "Something failed in the agent", NULL, detail);
}

json_t *take_json(HttpRequest *rq) {
        size_t length;
        const char *body = http_request_body(rq, &length);
        json_error_t error;
        json_t *o;
        char detail[256];

        if (length == 0)
                return json_object();
        o = json_loadb(body, length, JSON_REJECT_DUPLICATES, &error);
        if (json_is_object(o))
                return o;
        (void) snprintf(detail, sizeof detail, "The body must be a JSON object%s%.120s%s.", o ? "" : ": ", o ? "" : error.text, "");
        json_decref(o);
        reply_problem(rq, 400, "malformed-body", "The body is not a JSON object", NULL, detail);
        return NULL;
}

bool take_project(const Api *a, HttpRequest *rq, const char *argument, ProjectRow *ret) {
        Store *store = a->config.context->store;
        int r = STORE_E_ABSENT;
        char detail[160];

        if (valid_project_name(argument))
                r = store_project_get_by_name(store, argument, ret);
        if (r == STORE_E_ABSENT && valid_id(argument))
                r = store_project_get(store, argument, ret);
        if (r == STORE_OK)
                return true;
        if (r < 0) {
                reply_failure(a, rq, r, "The project could not be read");
                return false;
        }
        (void) snprintf(detail, sizeof detail, "There is no project %s. GET /api/projects lists them.",
                        valid_project_name(argument) ? argument : "of that name");
        reply_problem(rq, 404, "project-absent", "There is no such project", "project", detail);
        return false;
}

bool take_deployment(const Api *a, HttpRequest *rq, const char *argument, DeploymentRow *ret, ProjectRow *ret_project) {
        Store *store = a->config.context->store;
        int r = valid_id(argument) ? store_deployment_get(store, argument, ret) : STORE_E_ABSENT;

        if (r == STORE_OK) {
                r = store_project_get(store, ret->project_id, ret_project);
                if (r == STORE_OK)
                        return true;
                deployment_row_done(ret);
        }
        if (r < 0)
                reply_failure(a, rq, r, "The deployment could not be read");
        else
                reply_problem(rq, 404, "deployment-absent", "There is no such deployment", "deployment",
                              "There is no deployment of that id.");
        return false;
}

bool take_number(HttpRequest *rq, const char *name, long min, long max, long otherwise, long *ret) {
        const char *text = http_request_query(rq, name);
        char *end, detail[160];
        long value;

        *ret = otherwise;
        if (!text)
                return true;
        errno = 0;
        value = strtol(text, &end, 10);
        if (errno == 0 && *text >= '0' && *text <= '9' && *end == '\0' && value >= min && value <= max) {
                *ret = value;
                return true;
        }
        (void) snprintf(detail, sizeof detail, "%s must be a number from %ld to %ld.", name, min, max);
        reply_problem(rq, 400, "malformed-query", "A query parameter is not usable", name, detail);
        return false;
}
