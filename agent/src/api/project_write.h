/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Checks of a project's settings that depend on this node. */
#pragma once

#include "api/handlers.h"
#include "deployment/project_draft.h"

/* On a worker, what the orchestrator decides is not decided behind its back. Answers itself and returns false there. */
bool project_may_write(const Api *a, HttpRequest *rq);
/* The least idle time is a setting of the node. 0, or 1 and the problem. */
int project_check_idle(const Api *a, const ProjectRow *row, DraftProblem *ret_problem);
