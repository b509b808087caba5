/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* package.json's start script as a command of its own. `bun run start` is a process that stays beside the app, costs a fifth of a
 * small app's first answer (docs/design/decisions.md), and stands between it and SIGTERM. */
#pragma once

#include "build_internal.h"

/* The command, where the script is one program and plain words, with nothing in it for a shell; "" where it is not, or where bun would do
 * more than to start it. */
int script_direct(const Build *b, char *ret_command, size_t size);
