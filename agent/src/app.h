/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Builds every object of the agent, in order, runs the loop, and takes everything down again in the other order. Nothing else does. */
#pragma once

#include "config.h"

/* Returns the exit code of the process. Says on standard error why it could not start. */
int app_run(const Config *config);
