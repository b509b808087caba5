/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Projects move to another server: placed, built and found healthy there, then our row names the new place; the old one goes on to serve
 * for a while, for visitors whose name servers still point there, and is removed then. Each step can be repeated, and how far a move is
 * stands in the database: it goes on after the agent was killed at any moment. */
#pragma once

#include "api/handlers.h"

#include <jansson.h>
#include <stdbool.h>

typedef struct Mover Mover;

int mover_new(Api *a, Loop *l, Mover **ret_mover);
Mover *mover_free(Mover *m); /* NULL-safe, returns NULL */

/* Sets `move` of a project's JSON: null, or from, to, state, failure. */
void mover_describe(const Api *a, const char *project_id, json_t *object);
/* While a project moves, nothing else may change what it is: answers 409 itself and returns true. One whose move has failed may be deployed
 * again before its new place is taken away (that server may be gone for long), but not removed or moved. */
bool mover_refuses(const Api *a, HttpRequest *rq, const char *project_id, bool deploys);
