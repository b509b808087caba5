/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The few questions that the runner has about a package.json, answered without a whole JSON library: it walks the text once per question,
 * and what it does not understand counts as "there", so that the real tool gets to complain about it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct {
        bool has_work;                            /* dependencies of any kind, workspaces or scripts that an install runs */
        bool has_build;                           /* scripts.build */
        bool has_start;                           /* scripts.start */
        bool has_start_hooks;                     /* scripts.prestart or scripts.poststart */
        char start[512], name[256], version[128]; /* as they stand in the file; "" where they are absent, longer, or have escapes */
} Package;

void package_look(const char *text, size_t length, Package *ret);

/* The version wanted of a package, of dependencies or devDependencies, as it stands there; "" where that is longer or has escapes. False
 * when there is no such dependency. */
bool package_wants(const char *text, size_t length, const char *name, char *ret, size_t size);

/* The same as package_look() for a file. False when there is no such file; one that is there and cannot be read has nothing. */
bool package_read(const char *path, Package *ret);
