/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is said of a repository, as field lines: the keys stand in docs/design/interfaces.md. Pure. */
#pragma once

#include "repository/refs.h"
#include "repository/tree.h"

#include "base/fields.h"

void answer_refs(FieldWriter *w, const Refs *refs);
/* author and subject as git printed them, a line each. */
void answer_commit(FieldWriter *w, const char *commit, const char *text);
/* package: the text of package.json; NULL: none, or one that is too large. */
void answer_app(FieldWriter *w, const Tree *tree, const char *package, size_t length);
