/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Runs one child after the other, reads what it prints, and leaves none of its offspring behind.
 *
 * A Watch takes SIGCHLD, SIGTERM and SIGINT over (they are blocked and read as a descriptor) and makes this process the one to which
 * orphans fall. One per process; single-threaded. */
#pragma once

#include "place.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct Watch Watch;

int watch_new(Watch **ret_watch);
Watch *watch_free(Watch *w); /* NULL-safe, returns NULL */
void watch_free_cleanup(Watch **w);
/* True once SIGTERM or SIGINT came: whatever is under way is to end. */
bool watch_stopped(Watch *w);

typedef struct {
        const char *program; /* to execute */
        char *const *argv;
        char *const *environment;
        const char *directory;                                           /* to run in */
        void (*on_output)(void *owner, const char *data, size_t length); /* standard output and error, in order */
        void *owner;
        char *answer; /* not NULL: standard output goes here, cut off at answer_size - 1 bytes and with a NUL behind; only errors to
                         on_output */
        size_t answer_size;
        size_t *ret_answer_length;
} ChildSpec;

typedef enum {
        CHILD_EXITED,   /* code */
        CHILD_SIGNALED, /* code is the signal */
        CHILD_STOPPED,  /* this process was told to stop, and stopped the child */
} ChildOutcome;

typedef struct {
        ChildOutcome outcome;
        int code;
} ChildEnd;

/* Runs the child in a session of its own until it has ended and every process that it left behind is killed. 0 and *ret_end; negative errno
 * when it could not be started. A program that cannot be executed exits with 126 and says why. */
int child_run(Watch *w, const ChildSpec *spec, ChildEnd *ret_end);
