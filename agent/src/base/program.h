/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Runs one program and waits for it: never by a shell, with an environment that is always the same, standard input empty. For processes
 * that may block; what has an event loop uses event/child.h. */
#pragma once

#include <stddef.h>

#define PROGRAM_SIGNAL 256

typedef struct {
        char text[8192]; /* the end of what it wrote on both outputs, with a NUL */
        size_t length;
} Output;

/* argv[0] is the absolute path. The exit code; or PROGRAM_SIGNAL + the number of the signal that ended it; or negative: -ETIME when it took
 * longer than that many seconds (it has been killed), another errno when it could not be started. */
int program_run(unsigned seconds, Output *ret_output, const char *const argv[]);
/* The last line of an output that says something. Cuts what follows it off the output. */
const char *program_last_line(Output *o);
