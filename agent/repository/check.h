/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Looks at a repository with git: its branches, then one commit without its files' contents, then package.json alone. */
#pragma once

#include "base/fields.h"

/* directory: an empty one of our own. What could be found out is put into w; when the repository cannot be read at all, `error SENTENCE`
 * is. 0 or negative errno. */
int repository_check(const Fields *request, const char *directory, FieldWriter *w);
