/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The runner's side of the build's line protocol (docs/design/interfaces.md): the only writer on the unit's standard output. */
#pragma once

#include <stddef.h>

/* One line, written at once. Text that comes from outside is cleaned before it gets here. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
