/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Makes text from elsewhere harmless for a terminal: commit messages, log lines and names are written by whoever wrote the app. */
#pragma once

#include "base/text.h"

#include <stddef.h>

#define CLEAN_ALL ((size_t) -1)

/* Appends s to out, with control characters and the characters that reorder what is shown (Unicode's bidirectional controls and line
 * separators) left out, whole escape sequences together with their ESC, tabs as a space, and malformed UTF-8 as '?'. At most columns wide,
 * then an ellipsis; CLEAN_ALL: no limit. Returns the width in columns (an upper bound: wide characters count 2, combining ones 1). */
size_t clean_put(Text *out, const char *s, size_t length, size_t columns);
/* The width alone. */
size_t clean_width(const char *s);
