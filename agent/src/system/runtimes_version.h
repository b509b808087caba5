/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Version numbers as npm counts them; as much of its range language as packages use in `engines`. Pure. */
#pragma once

#include <stdbool.h>

/* True for exactly three numbers: no prerelease, nothing behind. */
bool version_is_release(const char *version);
/* Of two releases: < 0, 0 or > 0 as in strcmp(). */
int version_compare(const char *a, const char *b);
/* Whether the release is one of what was wanted as `20`, `22.11` or `1.2.20`. */
bool version_matches(const char *version, const char *wanted);
/* Whether the release is in a range as `^18.17.0 || >=20.5.0`; false for a range that is not understood. */
bool version_satisfies(const char *version, const char *range);
