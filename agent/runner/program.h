/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Finds a command's program. libc's execvp() is not used: what it cannot execute it hands to /bin/sh. */
#pragma once

#include "place.h"

/* name with a slash is relative to the directory at; else it is looked for in path, a list as in $PATH. 0; -ENOENT; -EACCES when a file is
 * there that may not be executed. */
int program_find(int at, const char *name, const char *path, Path *ret);
