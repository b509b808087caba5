/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Every request that changes something is written down when it is answered: who, what, about what, and the status. Never what was sent:
 * names of what exists here, and names of fields that the API knows. Sign-ins are among them, the bad ones as well. */
#pragma once

#include "api/handlers.h"

#include "base/text.h"

/* The word for what a route does, such as project.deploy; NULL: it changes nothing. */
const char *audit_action(const char *method, const char *path);
/* Before the request is handled: its answer will be written down. route is its row, argument as in handlers.h. */
void audit_begin(Api *a, HttpRequest *rq, const Route *route, const char *argument);

/* --- pure, for tests --- */
/* A cell of CSV: quoted where it must be, and never a formula for a program of tables. */
void audit_csv_cell(Text *t, const char *cell);
