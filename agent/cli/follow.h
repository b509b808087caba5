/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Watches one deployment to its end. */
#pragma once

#include "cli.h"

#include <stdbool.h>

/* Shows the deployment (with --json: one object a line), and at the end how it went. patient: the agent just answered, so a connection that
 * fails is worth more tries. DONE if it is live, FAILED if it is not, or another exit code. */
int follow_deployment(const Cli *cli, const char *id, bool patient);

/* Begins one, a rollback or a restart by POST at /api/projects/NAME and what follows, and watches it as above; with --no-follow it says
 * only how to. body may be NULL. */
int follow_new(const Cli *cli, const char *name, const char *rest, const json_t *body);

/* "Build failed: …" for a deployment that has ended without being live, on standard error; its last lines are not part of it. */
void follow_explain(const Cli *cli, const json_t *deployment);
