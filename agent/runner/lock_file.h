/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Which package manager's lock file a repository has, and what the default install command becomes by it. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define DEFAULT_INSTALL "bun install --frozen-lockfile"
#define DEFAULT_BUILD "bun run build"
#define DEFAULT_START "bun run start"

typedef enum {
        LOCK_NONE,
        LOCK_BUN,
        LOCK_NPM,
        LOCK_OTHER,
} LockKind;

/* The i-th name of a lock file, those that count more first; NULL behind the last. */
const char *lock_name(size_t i);
LockKind lock_kind(const char *name); /* LOCK_NONE: it is no lock file's name */

/* What is run in place of DEFAULT_INSTALL; NULL: nothing. has_work: package.json has something to install. */
const char *lock_install(LockKind kind, bool has_npm, bool has_work);
