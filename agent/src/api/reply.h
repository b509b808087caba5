/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Answers: JSON, and problem documents (RFC 9457). */
#pragma once

#include "api/handlers.h"

#include <jansson.h>
#include <stdbool.h>

/* Takes the reference; NULL means that memory ran out: 500. */
void reply_json(HttpRequest *rq, unsigned status, json_t *body);
/* type is a stable word; field may be NULL. */
void reply_problem(HttpRequest *rq, unsigned status, const char *type, const char *title, const char *field, const char *detail);
/* A whole problem document, with members of its own. Takes the reference. */
void reply_problem_json(HttpRequest *rq, unsigned status, json_t *problem);
/* For a failure of ours: 500, and a line in the journal. what: what was being done. */
void reply_failure(const Api *a, HttpRequest *rq, int error, const char *what);

/* The body as a JSON object (an empty body is an empty one); answers 400 itself and returns NULL when it is none. */
json_t *take_json(HttpRequest *rq);
/* The project with that id or name; answers itself and returns false when there is none. */
bool take_project(const Api *a, HttpRequest *rq, const char *argument, ProjectRow *ret);
/* The deployment with that id and its project; the same. */
bool take_deployment(const Api *a, HttpRequest *rq, const char *argument, DeploymentRow *ret, ProjectRow *ret_project);
/* id of a body: the caller's own for a deployment, so that a repeated call makes no second one. NULL when there is none; answers itself and
 * returns false when it is not usable. */
bool take_deployment_id(HttpRequest *rq, const json_t *body, const char **ret_id);
/* Query value as a number in [min, max], or otherwise; answers 400 itself and returns false when it is something else. */
bool take_number(HttpRequest *rq, const char *name, long min, long max, long otherwise, long *ret);
