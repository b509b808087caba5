/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Shows what units.h and journal.h say, a line each, for tests/system/test_units_journal.py: these two are worth nothing without systemd.
 *
 * probe units POLL_MS UNIT…               UNIT ACTIVE RESULT INVOCATION CODE STATUS
 * probe journal CURSOR|- N_BEFORE UNIT…   `line UNIT PRIORITY CURSOR MESSAGE`, `caught-up`
 * probe flush UNIT…                       flushes at each newline on standard input: the lines, then `flushed N`
 * probe drop UNIT                         drops everything inside its own callback, at its first line and its first state */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "system/journal.h"
#include "system/units.h"

static JournalFollow *follow;

static void on_state(void *owner, const UnitState *s) {
        (void) printf("%s %s %s %s %d %d\n", (const char *) owner, s->active, *s->result ? s->result : "-",
                      *s->invocation ? s->invocation : "-", s->exec_code, s->exec_status);
}

static int watch_units(Loop *l, char **arguments) {
        static UnitWatch *watches[16];
        static Units *units;
        uint64_t poll_us = strtoul(arguments[0], NULL, 10) * USEC_PER_MSEC;
        int r = units_new(l, &units);

        for (size_t i = 0; r == 0 && i < ELEMENTS(watches) && arguments[1 + i]; i++)
                r = units_watch(units, arguments[1 + i], poll_us, on_state, arguments[1 + i], &watches[i]);
        if (r == 0)
                r = loop_run(l);
        /* Now in this order, now in the other, so that both are tried. */
        if (arguments[2])
                units = units_free(units);
        for (size_t i = 0; i < ELEMENTS(watches); i++)
                watches[i] = unit_watch_drop(watches[i]);
        units = units_free(units);
        return r;
}

static void on_line(void *owner, const JournalLine *line) {
        (void) owner;
        (void) printf("line %s %d %s %s\n", line->unit, line->priority, line->cursor, line->message);
}

static void on_caught_up(void *owner) {
        (void) owner;
        (void) puts("caught-up");
}

static int follow_journal(Loop *l, char **arguments) {
        const char *cursor = strcmp(arguments[0], "-") == 0 ? NULL : arguments[0];
        int r = journal_follow(l, (const char *const *) (arguments + 2), cursor, (unsigned) strtoul(arguments[1], NULL, 10), on_line,
                               on_caught_up, NULL, &follow);

        if (r == 0)
                r = loop_run(l);
        follow = journal_follow_drop(follow);
        return r;
}

static void on_input(void *owner, uint32_t revents) {
        char byte;

        (void) revents;
        if (read(STDIN_FILENO, &byte, 1) != 1)
                loop_exit(owner, 0);
        else
                (void) printf("flushed %d\n", journal_follow_flush(follow));
}

static int flush_journal(Loop *l, char **arguments) {
        Watch *input = NULL;
        int r = watch_start(l, STDIN_FILENO, EPOLLIN, on_input, l, &input);

        if (r == 0)
                r = journal_follow(l, (const char *const *) arguments, NULL, 0, on_line, on_caught_up, NULL, &follow);
        if (r == 0)
                r = loop_run(l);
        follow = journal_follow_drop(follow);
        input = watch_drop(input);
        return r;
}

typedef struct Dropper {
        JournalFollow *follow;
        UnitWatch *watch, *second;
        Units *units;
        const char *unit;
        Timer *timer;
        int dropped;
        bool is_over;
        struct Dropper *other;
} Dropper;

static void drop_line(void *owner, const JournalLine *line) {
        Dropper *d = owner;

        (void) printf("line %s\n", line->unit);
        d->follow = journal_follow_drop(d->follow);
        d->dropped++;
}

static void drop_state(void *owner, const UnitState *s) {
        Dropper *d = owner;

        (void) printf("state %s\n", *s->active ? d->unit : "?");
        d->watch = unit_watch_drop(d->watch);
        d->units = units_free(d->units);
        d->second = unit_watch_drop(d->second);
        d->dropped++;
}

static void drop_late(void *owner) {
        Dropper *d = owner;

        /* Not before all that can be dropped is; then a while more, in which nothing may come. */
        if (d->dropped + d->other->dropped < 3 || !d->is_over) {
                d->is_over = d->dropped + d->other->dropped >= 3;
                (void) timer_rearm(d->timer, 2 * USEC_PER_SEC);
                return;
        }
        (void) printf("dropped %d\n", d->dropped + d->other->dropped);
}

static void drop_caught_up(void *owner) {
        (void) owner;
        (void) puts("never: its follow is gone");
}

static void drop_when_caught_up(void *owner) {
        Dropper *d = owner;

        d->follow = journal_follow_drop(d->follow);
        d->dropped++;
}

static int drop_all(Loop *l, char **arguments) {
        static Dropper d, e;
        int r;

        d = (Dropper){ .unit = arguments[0], .other = &e };
        r = journal_follow(l, (const char *const *) arguments, NULL, 10, drop_line, drop_caught_up, &d, &d.follow);
        if (r == 0)
                r = journal_follow(l, (const char *const[]){ "nothing.service", NULL }, NULL, 10, drop_line, drop_when_caught_up, &e,
                                   &e.follow);
        if (r == 0)
                r = units_new(l, &d.units);
        if (r == 0)
                r = units_watch(d.units, d.unit, USEC_PER_SEC, drop_state, &d, &d.watch);
        if (r == 0)
                r = units_watch(d.units, d.unit, 0, drop_state, &d, &d.second);
        if (r == 0)
                r = timer_start(l, 2 * USEC_PER_SEC, drop_late, &d, &d.timer);
        if (r == 0)
                r = loop_run(l);
        d.timer = timer_drop(d.timer);
        return r;
}

int main(int argc, char **argv) {
        static const struct {
                const char *verb;
                int least;
                int (*run)(Loop *l, char **arguments);
        } verbs[] = {
                { "units", 4, watch_units }, { "journal", 5, follow_journal }, { "flush", 3, flush_journal }, { "drop", 3, drop_all }
        };
        Loop *l = NULL;
        int r = loop_new(&l);

        (void) setvbuf(stdout, NULL, _IOLBF, 0);
        for (size_t i = 0; r == 0 && i < ELEMENTS(verbs); i++)
                if (argc >= verbs[i].least && strcmp(argv[1], verbs[i].verb) == 0) {
                        r = verbs[i].run(l, argv + 2);
                        if (r < 0)
                                (void) fprintf(stderr, "%s\n", strerror(-r));
                }
        l = loop_free(l);
        return r == 0 ? 0 : 1;
}
