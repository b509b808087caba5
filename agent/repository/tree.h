/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What `git ls-tree -r -z` printed of a stranger's commit, and what may be said of an app by the names of its files. Pure. */
#pragma once

#include "runner/lock_file.h"

#include <stdbool.h>
#include <stddef.h>

enum { TREE_PATH_MAX = 256, TREE_APPS_MAX = 50, TREE_APP_DEPTH = 3 };

typedef struct {
        bool has_root;    /* there is something in the directory that was asked for */
        char package[41]; /* the object of its package.json, "" when there is none */
        bool has_page;    /* its index.html */
        LockKind lock;    /* the nearest, from that directory upwards */
        char apps[TREE_APPS_MAX]
                 [TREE_PATH_MAX]; /* directories with a package.json, at most so deep, "" for the top; valid_relative_directory() */
        size_t n_apps;
} Tree;

/* root: a valid_relative_directory(), or "". Links, submodules and names that are too long count for nothing. text may be cut off anywhere.
 */
void tree_parse(const char *text, size_t length, const char *root, Tree *ret);
