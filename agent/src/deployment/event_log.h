/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What happened in a deployment, event by event, in one file per deployment: DIRECTORY/{deployment}.log, a line each:
 *
 *     SEQUENCE TAB TYPE TAB JSON
 *
 * The file is the truth: a stream to a client is a reader of it, so one that comes back after a break, or after the agent was restarted,
 * goes on after the last event that it has. Types are deployment, step, log and end; `end` is the last one. */
#pragma once

#include "event/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct EventLogs EventLogs; /* all of them: the directory and who reads along */
typedef struct EventLog EventLog;   /* one that is written */
typedef struct EventReader EventReader;

int event_logs_new(Loop *l, const char *directory, EventLogs **ret_logs);
EventLogs *event_logs_free(EventLogs *logs);

/* Opens the log of a deployment for writing, after what it has; a last line that a crash cut off is taken away. */
int event_log_open(EventLogs *logs, const char *deployment, EventLog **ret_log);
EventLog *event_log_close(EventLog *log); /* NULL-safe, returns NULL */
/* json is one line. `log` events stop, with one that says so, when the file is EVENT_LOG_MAX bytes long; the others do not. */
int event_log_append(EventLog *log, const char *type, const char *json);
enum { EVENT_LOG_MAX = 16 * 1024 * 1024 };

/* Hands out the events with a sequence number above after, from the file, then those that come, until the one of type `end`. ready(owner)
 * is asked before each: false pauses the reader for a moment (a slow client). ended(owner) runs after `end`, or at once when there is no
 * such log. */
typedef struct {
        bool (*ready)(void *owner);
        void (*event)(void *owner, uint64_t sequence, const char *type, const char *json);
        void (*ended)(void *owner);
} EventReaderOps;

int event_reader_new(EventLogs *logs, const char *deployment, uint64_t after, const EventReaderOps *ops, void *owner,
                     EventReader **ret_reader);
EventReader *event_reader_drop(EventReader *r); /* NULL-safe, returns NULL; allowed inside its own callbacks */

/* Calls line(owner, type, json) for each event that is in the file now; with last_bytes > 0 only for those in about so many bytes at its
 * end, for who wants the last lines of a log that may be long. */
int event_log_read(const EventLogs *logs, const char *deployment, size_t last_bytes,
                   void (*line)(void *owner, const char *type, const char *json), void *owner);
int event_log_delete(const EventLogs *logs, const char *deployment);
