/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Whatever a hostile app prints with priority 5 comes by here: an entry that is no notice costs a look at two fields, a slice is followed
 * by a rest, and a slot is heard a bounded number of times. */
#include "system/notices_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "system/journal_internal.h"
#include "system/slot_name.h"

#define BEGIN "nanoscale: "
/* A prime: keys end in the same bit for all slots `a`. Slots that meet in one share it. */
enum { METERS = 1021 };

static const JournalSelection selection = {
        .match = "PRIORITY=5",
        .begin = BEGIN,
        .message_max = sizeof("MESSAGE=" BEGIN "app stopped: ") + NOTICE_TEXT_MAX,
        .entries_max = 500,
        .rest_us = 20 * USEC_PER_MSEC,
};

typedef struct {
        uint64_t until_ms;
        unsigned heard;
} Meter;

struct NoticeFollow {
        JournalFollow *follow;
        void (*notice)(void *owner, const Notice *n);
        void *owner;
        char reason[NOTICE_TEXT_MAX + 1];
        Meter meters[METERS];
};

/* --- what a line says --- */

static bool read_nothing(const char *rest, Notice *n) {
        (void) n;
        return *rest == '\0';
}

/* `N ms` */
static bool read_duration(const char *rest, Notice *n) {
        char digits[sizeof("600000")];
        const char *space = strchr(rest, ' ');
        size_t length = space ? (size_t) (space - rest) : sizeof(digits);
        unsigned long ms;

        if (length >= sizeof(digits) || strcmp(space, " ms") != 0)
                return false;
        memcpy(digits, rest, length);
        digits[length] = '\0';
        if (!text_to_number(digits, 0, NOTICE_AWAKE_MAX_MS, &ms))
                return false;
        n->awake_ms = (uint32_t) ms;
        return true;
}

static bool read_reason(const char *rest, Notice *n) {
        n->text = rest;
        return *rest != '\0';
}

static const struct {
        const char *begin;
        NoticeKind kind;
        bool (*read)(const char *rest, Notice *n);
} kinds[] = {
        { BEGIN "armed", NOTICE_ARMED, read_nothing },
        { BEGIN "woken", NOTICE_WOKEN, read_nothing },
        { BEGIN "awake after ", NOTICE_AWAKE, read_duration },
        /* An app that ended by itself: `app exited with code 1`, `app killed by signal SEGV`. The first that fits counts. */
        { BEGIN "app stopped: ", NOTICE_STOPPED, read_reason },
        { BEGIN "app ", NOTICE_STOPPED, read_reason },
};

bool notice_read(const char *unit, const char *message, Notice *ret) {
        Notice n = { 0 };
        SlotName name;

        if (!slot_name_from_unit(unit, strlen(unit), &name))
                return false;
        memcpy(n.project, name.project, sizeof(n.project));
        memcpy(n.slot, name.slot, sizeof(n.slot));
        for (size_t i = 0; i < ELEMENTS(kinds); i++)
                if (text_starts(message, kinds[i].begin)) {
                        if (!kinds[i].read(message + strlen(kinds[i].begin), &n))
                                return false;
                        n.kind = kinds[i].kind;
                        *ret = n;
                        return true;
                }
        return false;
}

/* --- following --- */

static bool is_heard(NoticeFollow *f, const Notice *n) {
        SlotName name;
        uint64_t now_ms = clock_monotonic_us() / USEC_PER_MSEC;
        Meter *m;

        if (!slot_name_make(n->project, n->slot, &name))
                return false;
        m = &f->meters[slot_key(&name) % METERS];
        if (now_ms >= m->until_ms)
                *m = (Meter){ .until_ms = now_ms + NOTICES_MS };
        return m->heard++ < NOTICES_MAX;
}

/* Not inside a character. */
static const char *cut(NoticeFollow *f, const char *text) {
        size_t length = strnlen(text, sizeof(f->reason));

        if (length == sizeof(f->reason))
                for (length--; length > 0 && ((unsigned char) text[length] & 0xc0) == 0x80;)
                        length--;
        memcpy(f->reason, text, length);
        f->reason[length] = '\0';
        return f->reason;
}

/* The owner may drop the follow in its callback. */
static void on_line(void *owner, const JournalLine *line) {
        NoticeFollow *f = owner;
        Notice n;

        if (!notice_read(line->unit, line->message, &n) || !is_heard(f, &n))
                return;
        if (n.text)
                n.text = cut(f, n.text);
        n.at_ms = line->at_ms;
        journal_line_invocation(f->follow, n.invocation);
        f->notice(f->owner, &n);
}

NoticeFollow *notice_follow_drop(NoticeFollow *f) {
        if (!f)
                return NULL;
        f->follow = journal_follow_drop(f->follow);
        free(f);
        return NULL;
}

int notices_follow(Loop *l, void (*notice)(void *owner, const Notice *n), void *owner, NoticeFollow **ret_follow) {
        auto_free NoticeFollow *f = calloc(1, sizeof(*f));
        int r;

        if (!f)
                return -ENOMEM;
        f->notice = notice;
        f->owner = owner;
        r = journal_follow_selection(l, &selection, on_line, f, &f->follow);
        if (r < 0)
                return r;
        *ret_follow = handover(f);
        return 0;
}
