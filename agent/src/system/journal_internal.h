/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* For notices.c: a follow of lines that are told by other fields than their unit. */
#pragma once

#include "system/journal.h"

#include <stdint.h>

typedef struct {
        const char *match;    /* FIELD=value */
        const char *begin;    /* what the message begins with: others are passed over before anything is copied */
        size_t message_max;   /* bytes of a message that are read */
        unsigned entries_max; /* in one slice */
        uint64_t rest_us;     /* between two slices: bounds what a flood can cost */
} JournalSelection;

/* From now on. Everything of the selection must be static. JournalLine's unit is what the journal says, and may be any. */
int journal_follow_selection(Loop *l, const JournalSelection *selection, JournalLineDone line, void *owner, JournalFollow **ret_follow);
/* For the line that is being handed out: the invocation of its unit as hex, or empty. */
void journal_line_invocation(JournalFollow *f, char ret[static 33]);
