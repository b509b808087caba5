/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Static sites: which builds are one, and the release that they become. The rules are in docs/design/interfaces.md. */
#pragma once

#include "build_internal.h"

/* *ret_place is the directory with the site, below the app's directory, `.` for that itself, or NULL where the build made none. Borrowed
 * from the spec or static. Only to be asked where the project has no start command of its own. */
int static_find(Build *b, const char **ret_place);

/* Makes the work tree a release of that site and says so. */
int static_use(Build *b, const char *place);
