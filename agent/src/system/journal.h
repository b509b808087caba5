/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Lines of our units from the journal namespace `nanoscale` (sd-journal). Matches on the trusted _SYSTEMD_UNIT only. */
#pragma once

#include "event/loop.h"

#include <stddef.h>

typedef struct JournalFollow JournalFollow;

typedef struct {
        const char *message; /* NUL-terminated, valid UTF-8, without control characters but tab; valid during the call */
        size_t length;
        const char *coloured; /* the same with the sequences that set colour and weight (text_style()): for people */
        int64_t at_ms;        /* wall clock */
        const char *cursor;   /* continue after this one */
        const char *unit;     /* which of the units */
        int priority;         /* 0 … 7 */
} JournalLine;

typedef void (*JournalLineDone)(void *owner, const JournalLine *line);

/* Follows the lines of the units (NULL-terminated list; the strings are copied). Begins after cursor when it is given, else with the last
 * n_before lines that are there. Never blocks: a backlog is handed out in slices over several turns of the loop. caught_up(owner) (may be
 * NULL) runs once, when the lines that were there at the start have all been handed out. Where the namespace does not exist yet, its first
 * lines come when it does. -EINVAL for an empty list of units or a malformed cursor. No callback runs from inside. */
int journal_follow(Loop *l, const char *const *units, const char *cursor, unsigned n_before, JournalLineDone line,
                   void (*caught_up)(void *owner), void *owner, JournalFollow **ret_follow);
/* Reads what is there right now, up to a bound of lines, without waiting for the loop: for the last words of a unit that has ended. Returns
 * the number of lines, or negative errno (-EBUSY from inside a callback of the same follow). journald writes a moment after the process
 * did: where a line tells the end, wait for that one. */
int journal_follow_flush(JournalFollow *f);
JournalFollow *journal_follow_drop(JournalFollow *f); /* NULL-safe, returns NULL; allowed inside its own callback */
