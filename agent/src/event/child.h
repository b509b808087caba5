/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Work that would block the loop, done in a child process: either a function of ours (fork, no exec) or another program (execve, no shell).
 */
#pragma once

#include "event/loop.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct Child Child;

typedef struct {
        int exit_code;      /* 0 … 255, or -1 if a signal ended it */
        int signal;         /* the signal, or 0 */
        bool timed_out;     /* it was killed because timeout_us had passed */
        const char *output; /* what it wrote, NUL-terminated, cut off at the limit; valid during the callback */
        size_t length;
} ChildResult;

typedef void (*ChildDone)(void *owner, const ChildResult *result);

/* Both: done() is never called from inside, and runs once the child itself has ended, even if one that it left behind still holds the pipe.
 * The child leads a process group of its own; timeout_us (0: none) and child_drop() kill the group. Signals are back at their defaults in
 * it, and it dies with us. One that has become another user (sudo) cannot be killed by us: it is waited for.
 *
 * Runs work(argument, output_fd) in a forked child and exits with what it returns. The child must not touch the loop, the store or any
 * descriptor of the agent; all but output_fd and stderr are closed in it, standard input and output are /dev/null. argument is copied by
 * fork; it stays the caller's. work must not resolve names: another thread (curl's resolver) may have held that lock when we forked. */
int child_call(Loop *l, int (*work)(void *argument, int output_fd), void *argument, size_t output_limit, uint64_t timeout_us,
               ChildDone done, void *owner, Child **ret_child);

/* Runs argv[0] (an absolute path) with exactly envp; input (may be NULL) becomes its standard input, standard output is collected, standard
 * error goes to ours. Exit code 127 when it cannot be executed (the reason is on standard error). input is copied. */
int child_exec(Loop *l, char *const argv[], char *const envp[], const char *input, size_t input_length, size_t output_limit,
               uint64_t timeout_us, ChildDone done, void *owner, Child **ret_child);

/* NULL-safe, returns NULL. A child that still runs is killed and reaped. Allowed inside its own callback. */
Child *child_drop(Child *c);
