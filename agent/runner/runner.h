/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The runner's verbs, for main.c and for tests that run them elsewhere than in NS_ROOT. */
#pragma once

#include "place.h"

/* The exit code: 0, 1 (a step failed), 2 (called wrongly, or no readable spec), 127 (an app could not be started). */
int runner_main(const Place *place, int argc, char **argv);
