/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A stream of events that survives a restart of the agent: connects again, a bounded number of times, after the last event that came. */
#pragma once

#include "cli.h"

/* What a handler returns to end the stream in good order. */
enum { STREAM_END = 1 };

typedef struct {
        const char *path;
        const char *path_again; /* for the second and later connections */
        SseHandler event;
        int (*tick)(void *owner);                    /* may be NULL */
        void (*lost)(void *owner, unsigned attempt); /* the connection is gone and will be made again; may be NULL */
        void *owner;
        bool patient;      /* keep trying even if the first connection fails */
        bool close_is_end; /* the server closes the stream when there is no more */
} Stream;

/* DONE when the handler ended it (or the server did, with close_is_end); INTERRUPTED after Ctrl-C; otherwise an exit code after the error
 * was reported. */
int stream_run(const Cli *cli, const Stream *s);
