/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What `git ls-remote --symref` printed of a stranger's server. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { REFS_MAX = 200 };

typedef struct {
        char name[256]; /* valid_branch() */
        char commit[41];
} Ref;

typedef struct {
        Ref refs[REFS_MAX]; /* branches in the server's order; those whose names no project could have are left out */
        size_t n;
        char head[256]; /* the default branch, "" where the server names none */
        Ref wanted;     /* the branch that was asked for, else the default one, however far behind it comes; "" when it is not there */
        bool has_more;  /* there were more branches than fit */
} Refs;

/* branch may be "". text may be cut off anywhere: a last line without its end does not count. */
void refs_parse(const char *text, size_t length, const char *branch, Refs *ret);
