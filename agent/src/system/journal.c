/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A follow is one sd_journal with a position. It is read in slices from a timer, and the journal's descriptor (inotify) starts the next
 * slice when the journal grows. Where the namespace does not exist yet, the same descriptor tells when it appears.
 *
 * What cannot be read is passed over: an entry that is damaged or has no message, a file that is damaged (libsystemd drops it by itself).
 * When the journal as a whole fails it is opened again, and goes on behind the last line that was handed out. */
#include "system/journal_internal.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "system/journal_text.h"

#define SLICE 100u
#define FLUSH_MAX 1000u
/* An entry that is passed over costs nothing to the owner, but time: so many are as much as a slice. */
#define ENTRIES_MAX 1000u
#define AGAIN_US USEC_PER_SEC
#define MESSAGE_MAX ((size_t) 64 << 10)

struct JournalFollow {
        Loop *loop;
        sd_journal *journal; /* NULL: to be opened */
        Watch *watch;
        Timer *turn;
        char **units; /* NULL: what the selection says */
        const JournalSelection *selection;
        char unit[256]; /* of the line, with a selection */
        char *cursor;   /* behind which to go on; NULL: as n_before says */
        unsigned n_before;
        uint64_t start_us;
        bool absent;    /* there was no directory of the namespace when it was opened */
        bool from_head; /* and so every line in it is of after the start */
        bool at_entry;  /* the position is an entry that was not handed out yet */
        bool caught;
        bool reading;
        bool resting; /* the next slice is not to come sooner than it does */
        bool *gone;   /* set when the owner drops it in a callback */
        JournalLineDone line;
        void (*caught_up)(void *owner);
        void *owner;
};

static void on_turn(void *owner);

/* --- position --- */

static int seek_cursor(JournalFollow *f) {
        int r = sd_journal_seek_cursor(f->journal, f->cursor);

        if (r >= 0)
                r = sd_journal_next(f->journal);
        /* The entry may be gone (rotated away): then this is the next one after it. */
        f->at_entry = r > 0 && sd_journal_test_cursor(f->journal, f->cursor) <= 0;
        return r;
}

/* Nothing there to stand on: the first entry that comes is the next one from the head. */
static int seek_last(JournalFollow *f) {
        uint64_t skip = f->n_before > 0 ? f->n_before : 1;
        int r = sd_journal_seek_tail(f->journal);

        if (r >= 0)
                r = sd_journal_previous_skip(f->journal, skip);
        f->at_entry = r > 0 && f->n_before > 0;
        return r == 0 ? sd_journal_seek_head(f->journal) : r;
}

static bool namespace_exists(void) {
        static const char *const roots[] = { "/var/log/journal", "/run/log/journal" };
        sd_id128_t machine;

        if (sd_id128_get_machine(&machine) < 0)
                return false;
        for (size_t i = 0; i < ELEMENTS(roots); i++) {
                char path[128];

                (void) snprintf(path, sizeof(path), "%s/" SD_ID128_FORMAT_STR "." NS_JOURNAL_NAMESPACE, roots[i],
                                SD_ID128_FORMAT_VAL(machine));
                if (access(path, F_OK) == 0)
                        return true;
        }
        return false;
}

static void close_journal(JournalFollow *f) {
        f->watch = watch_drop(f->watch);
        sd_journal_close(f->journal);
        f->journal = NULL;
        f->at_entry = false;
}

static void on_readable(void *owner, uint32_t revents) {
        JournalFollow *f = owner;

        (void) revents;
        (void) sd_journal_process(f->journal);
        if (!f->resting)
                (void) timer_rearm(f->turn, 0);
}

static int open_journal(JournalFollow *f) {
        int r;

        /* Looked for before it is opened: one that appears in between is opened once more, and not missed. */
        f->absent = !namespace_exists();
        f->from_head |= f->absent;
        r = sd_journal_open_namespace(&f->journal, NS_JOURNAL_NAMESPACE, SD_JOURNAL_LOCAL_ONLY);

        if (r >= 0 && f->selection)
                r = sd_journal_add_match(f->journal, f->selection->match, 0);
        for (size_t i = 0; r >= 0 && f->units && f->units[i]; i++) {
                char match[300];

                (void) snprintf(match, sizeof(match), "_SYSTEMD_UNIT=%.256s", f->units[i]);
                r = sd_journal_add_match(f->journal, match, 0);
        }
        if (r >= 0)
                r = sd_journal_set_data_threshold(f->journal, f->selection ? f->selection->message_max : MESSAGE_MAX);
        /* From here on it watches the directories, also for those that are still to come. */
        if (r >= 0)
                r = sd_journal_get_fd(f->journal);
        if (r >= 0)
                r = watch_start(f->loop, r, EPOLLIN, on_readable, f, &f->watch);
        if (r >= 0)
                r = f->cursor ? seek_cursor(f) : f->from_head ? sd_journal_seek_head(f->journal) : seek_last(f);
        if (r < 0)
                close_journal(f);
        return r;
}

/* --- lines --- */

/* The text of a field, behind its `NAME=`; NULL when it is not there or cannot be read. */
static const char *field(JournalFollow *f, const char *name, size_t *ret_length) {
        size_t length = 0, prefix = strlen(name) + 1;
        const void *data = NULL;

        if (sd_journal_get_data(f->journal, name, &data, &length) < 0 || length < prefix)
                return NULL;
        *ret_length = length - prefix;
        return (const char *) data + prefix;
}

static const char *unit_of(JournalFollow *f) {
        size_t length = 0;
        const char *unit = field(f, "_SYSTEMD_UNIT", &length);

        if (f->selection && unit && length < sizeof(f->unit) && !memchr(unit, '\0', length)) {
                memcpy(f->unit, unit, length);
                f->unit[length] = '\0';
                return f->unit;
        }
        for (size_t i = 0; unit && f->units && f->units[i]; i++)
                if (strlen(f->units[i]) == length && memcmp(f->units[i], unit, length) == 0)
                        return f->units[i];
        return NULL;
}

static int priority_of(JournalFollow *f) {
        size_t length = 0;
        const char *text = field(f, "PRIORITY", &length);

        return text && length == 1 && *text >= '0' && *text <= '7' ? *text - '0' : 6;
}

/* The owner may drop the follow in there: false then. */
static bool call_out(JournalFollow *f, const JournalLine *line) {
        bool gone = false;

        f->gone = &gone;
        if (line)
                f->line(f->owner, line);
        else
                f->caught_up(f->owner);
        if (gone)
                return false;
        f->gone = NULL;
        return true;
}

static bool tell_caught_up(JournalFollow *f) {
        if (f->caught)
                return true;
        f->caught = true;
        return !f->caught_up || call_out(f, NULL);
}

/* Of what is not wanted nothing but this is read. */
static bool is_wanted(JournalFollow *f) {
        size_t length = 0, begin = f->selection ? strlen(f->selection->begin) : 0;
        const char *message = f->selection ? field(f, "MESSAGE", &length) : NULL;

        return !f->selection || (message && length >= begin && memcmp(message, f->selection->begin, begin) == 0);
}

/* Hands the entry out. 1, 0 for one that is passed over, -ECANCELED when the follow has been dropped meanwhile. */
static int hand_out(JournalFollow *f) {
        auto_call(text_cleanup) Text text = { 0 };
        auto_free char *cursor = NULL, *bare = NULL;
        const char *message, *unit;
        uint64_t at_us = 0;
        size_t length = 0;

        if (!is_wanted(f))
                return 0;
        unit = unit_of(f);
        if (!unit || sd_journal_get_realtime_usec(f->journal, &at_us) < 0 || sd_journal_get_cursor(f->journal, &cursor) < 0)
                return 0;
        message = field(f, "MESSAGE", &length);
        if (!message)
                return 0;
        if (f->selection && length > f->selection->message_max)
                length = f->selection->message_max;
        journal_text_put(&text, message, length);
        if (text.error < 0)
                return text.error;
        bare = text_without_styles(text.data);
        if (!bare)
                return -ENOMEM;
        free(f->cursor);
        f->cursor = strdup(cursor);
        if (at_us > f->start_us && !tell_caught_up(f))
                return -ECANCELED;
        return call_out(f, &(JournalLine){ .message = bare,
                                           .length = strlen(bare),
                                           .coloured = text.data,
                                           .at_ms = (int64_t) (at_us / 1000),
                                           .cursor = cursor,
                                           .unit = unit,
                                           .priority = priority_of(f) })
                               ? 1
                               : -ECANCELED;
}

/* At most so many lines. Their number, or negative errno; *ret_end says that there were no more. */
static int read_lines(JournalFollow *f, unsigned limit, bool *ret_end) {
        unsigned lines = 0, entries_max = f->selection ? f->selection->entries_max : ENTRIES_MAX;

        *ret_end = false;
        for (unsigned entries = 0; lines < limit && entries < entries_max; entries++) {
                int r = f->at_entry ? 1 : sd_journal_next(f->journal);

                f->at_entry = false;
                if (r == 0) {
                        *ret_end = true;
                        break;
                }
                if (r > 0)
                        r = hand_out(f);
                if (r < 0)
                        return r;
                lines += (unsigned) r;
        }
        return (int) lines;
}

static void again(JournalFollow *f, uint64_t after_us) {
        (void) timer_rearm(f->turn, after_us);
}

static void on_turn(void *owner) {
        JournalFollow *f = owner;
        uint64_t wake_us = UINT64_MAX;
        bool end = false;
        int r;

        f->resting = false;
        if (f->absent && namespace_exists())
                close_journal(f);
        r = f->journal ? 0 : open_journal(f);
        if (r >= 0) {
                f->reading = true;
                r = read_lines(f, SLICE, &end);
                if (r == -ECANCELED)
                        return;
                f->reading = false;
        }
        if (r < 0) {
                close_journal(f);
                again(f, AGAIN_US);
                return;
        }
        if (!end) {
                f->resting = f->selection;
                again(f, f->selection ? f->selection->rest_us : 0);
                return;
        }
        /* On file systems that inotify says nothing of, libsystemd wants to look by itself. */
        if (f->absent || (sd_journal_get_timeout(f->journal, &wake_us) >= 0 && wake_us != UINT64_MAX))
                again(f, AGAIN_US);
        (void) tell_caught_up(f);
}

int journal_follow_flush(JournalFollow *f) {
        bool end;
        int r = 0;

        if (f->reading)
                return -EBUSY;
        if (!f->journal)
                r = open_journal(f);
        if (r >= 0)
                r = sd_journal_process(f->journal);
        if (r < 0)
                return r;
        f->reading = true;
        r = read_lines(f, FLUSH_MAX, &end);
        if (r == -ECANCELED)
                return 0;
        f->reading = false;
        /* What is left, or what inotify has told that was read here, comes with the next turn. */
        again(f, 0);
        return r;
}

/* --- all --- */

JournalFollow *journal_follow_drop(JournalFollow *f) {
        if (!f)
                return NULL;
        if (f->gone)
                *f->gone = true;
        close_journal(f);
        (void) timer_drop(f->turn);
        for (size_t i = 0; f->units && f->units[i]; i++)
                free(f->units[i]);
        free(f->units);
        free(f->cursor);
        free(f);
        return NULL;
}

DEFINE_CLEANUP(JournalFollow, journal_follow_drop)

static int copy_units(JournalFollow *f, const char *const *units) {
        size_t n = 0;

        while (units[n])
                n++;
        if (n == 0)
                return -EINVAL; /* without a match it would be everybody's lines */
        f->units = calloc(n + 1, sizeof(*f->units));
        if (!f->units)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                if (strlen(units[i]) > 255)
                        return -EINVAL;
                f->units[i] = strdup(units[i]);
                if (!f->units[i])
                        return -ENOMEM;
        }
        return 0;
}

/* As *draft says, with copies of units and cursor. */
static int follow(Loop *l, const JournalFollow *draft, const char *const *units, const char *cursor, JournalFollow **ret_follow) {
        auto_call(journal_follow_drop_cleanup) JournalFollow *f = calloc(1, sizeof(*f));
        int r;

        if (!f)
                return -ENOMEM;
        *f = *draft;
        f->loop = l;
        f->start_us = (uint64_t) clock_now_ms() * 1000;
        r = units ? copy_units(f, units) : 0;
        if (r == 0 && cursor) {
                f->cursor = strdup(cursor);
                r = f->cursor ? 0 : -ENOMEM;
        }
        if (r == 0)
                r = timer_start(l, 0, on_turn, f, &f->turn);
        if (r < 0)
                return r;
        /* At once, so that the position is that of the call. A failure is repeated from the loop, but for a cursor that is none. */
        if (open_journal(f) == -EINVAL)
                return -EINVAL;
        *ret_follow = handover(f);
        return 0;
}

int journal_follow(Loop *l, const char *const *units, const char *cursor, unsigned n_before, JournalLineDone line,
                   void (*caught_up)(void *owner), void *owner, JournalFollow **ret_follow) {
        return follow(l, &(JournalFollow){ .n_before = n_before, .line = line, .caught_up = caught_up, .owner = owner }, units, cursor,
                      ret_follow);
}

int journal_follow_selection(Loop *l, const JournalSelection *selection, JournalLineDone line, void *owner, JournalFollow **ret_follow) {
        return follow(l, &(JournalFollow){ .selection = selection, .line = line, .owner = owner }, NULL, NULL, ret_follow);
}

void journal_line_invocation(JournalFollow *f, char ret[static 33]) {
        size_t length = 0;
        const char *text = field(f, "_SYSTEMD_INVOCATION_ID", &length);

        *ret = '\0';
        if (!text || length != 32 || strspn(text, "0123456789abcdef") < length)
                return;
        memcpy(ret, text, length);
        ret[length] = '\0';
}
