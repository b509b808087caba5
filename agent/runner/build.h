/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* nanoscale-run build ID: fetch, install, build, release. Says on standard output what happens, in the words of docs/design/interfaces.md.
 */
#pragma once

#include "place.h"

/* The exit code: 0, 1 (a step failed), 2 (no readable spec). */
int build_release(const Place *place, const char *id);
