/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Shows what slots.h, notices.h and connections.h say, a line each, for tests/system/test_slots.py.
 *
 * probe-slots slots                ID SLOT ACTIVE RESULT INVOCATION CODE STATUS, at each change
 * probe-slots notices              ID SLOT armed|woken|awake N|stopped REASON, with the invocation in front
 * probe-slots drop                 drops both in their first callback
 * probe-slots sweep                `ID SLOT CONNECTIONS QUEUED` of each slot, once
 * probe-slots of ID SLOT           CONNECTIONS QUEUED
 * probe-slots listeners UID        the ports
 * probe-slots memory ID SLOT       ANON SWAP */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "system/connections.h"
#include "system/notices.h"
#include "system/slots.h"

static const char *or_dash(const char *s) {
        return *s ? s : "-";
}

static void on_slot(void *owner, const char *project, const char *slot, const UnitState *s) {
        (void) owner;
        (void) printf("%s %s %s %s %s %d %d\n", project, slot, s->active, or_dash(s->result), or_dash(s->invocation), s->exec_code,
                      s->exec_status);
}

static int follow_slots(Loop *l, char **arguments) {
        SlotFollow *follow = NULL;
        Units *units = NULL;
        int r = units_new(l, &units);

        (void) arguments;
        if (r == 0)
                r = units_follow_slots(units, on_slot, NULL, &follow);
        if (r == 0)
                r = loop_run(l);
        units = units_free(units);
        follow = slot_follow_drop(follow);
        return r;
}

static void on_notice(void *owner, const Notice *n) {
        static const char *const kinds[] = {
                [NOTICE_ARMED] = "armed", [NOTICE_WOKEN] = "woken", [NOTICE_AWAKE] = "awake", [NOTICE_STOPPED] = "stopped"
        };

        (void) owner;
        (void) printf("%s %s %s %s", or_dash(n->invocation), n->project, n->slot, kinds[n->kind]);
        if (n->kind == NOTICE_AWAKE)
                (void) printf(" %u", n->awake_ms);
        (void) printf("%s%s\n", n->text ? " " : "", n->text ? n->text : "");
}

static int follow_notices(Loop *l, char **arguments) {
        NoticeFollow *follow = NULL;
        int r = notices_follow(l, on_notice, NULL, &follow);

        (void) arguments;
        (void) puts("follows");
        if (r == 0)
                r = loop_run(l);
        follow = notice_follow_drop(follow);
        return r;
}

typedef struct {
        Units *units;
        SlotFollow *slots;
        NoticeFollow *notices;
} Dropping;

static void drop_slots(void *owner, const char *project, const char *slot, const UnitState *s) {
        Dropping *d = owner;

        on_slot(NULL, project, slot, s);
        d->slots = slot_follow_drop(d->slots);
}

static void drop_notices(void *owner, const Notice *n) {
        Dropping *d = owner;

        on_notice(NULL, n);
        d->notices = notice_follow_drop(d->notices);
}

static int drop_all(Loop *l, char **arguments) {
        Dropping d = { 0 };
        int r = units_new(l, &d.units);

        (void) arguments;
        if (r == 0)
                r = units_follow_slots(d.units, drop_slots, &d, &d.slots);
        if (r == 0)
                r = notices_follow(l, drop_notices, &d, &d.notices);
        (void) puts("follows");
        if (r == 0)
                r = loop_run(l);
        d.slots = slot_follow_drop(d.slots);
        d.notices = notice_follow_drop(d.notices);
        d.units = units_free(d.units);
        return r;
}

static void on_connections(void *owner, const SlotConnections *s) {
        (void) owner;
        (void) printf("%s %s %u %u\n", s->project, s->slot, s->connections, s->queued);
}

static int sweep(Loop *l, char **arguments) {
        (void) l;
        (void) arguments;
        return connections_sweep(on_connections, NULL);
}

static int of(Loop *l, char **arguments) {
        unsigned connections, queued;
        int r = connections_of(arguments[0], arguments[1], &connections, &queued);

        (void) l;
        if (r == 0)
                (void) printf("%u %u\n", connections, queued);
        return r;
}

static int listeners(Loop *l, char **arguments) {
        uint16_t ports[16];
        int n = tcp_listeners((uid_t) strtoul(arguments[0], NULL, 10), ports, ELEMENTS(ports));

        (void) l;
        for (int i = 0; i < n; i++)
                (void) printf("%u\n", ports[i]);
        return n < 0 ? n : 0;
}

static int memory(Loop *l, char **arguments) {
        uint64_t anon, swap;
        int r = slot_memory(arguments[0], arguments[1], &anon, &swap);

        (void) l;
        if (r == 0)
                (void) printf("%llu %llu\n", (unsigned long long) anon, (unsigned long long) swap);
        return r;
}

int main(int argc, char **argv) {
        static const struct {
                const char *verb;
                int arguments;
                int (*run)(Loop *l, char **arguments);
        } verbs[] = {
                { "slots", 0, follow_slots },
                { "notices", 0, follow_notices },
                { "drop", 0, drop_all },
                { "sweep", 0, sweep },
                { "of", 2, of },
                { "listeners", 1, listeners },
                { "memory", 2, memory },
        };
        Loop *l = NULL;
        int r = loop_new(&l);

        (void) setvbuf(stdout, NULL, _IOLBF, 0);
        for (size_t i = 0; r == 0 && i < ELEMENTS(verbs); i++)
                if (argc == verbs[i].arguments + 2 && strcmp(argv[1], verbs[i].verb) == 0)
                        r = verbs[i].run(l, argv + 2);
        if (r < 0)
                (void) printf("error %s\n", strerror(-r));
        l = loop_free(l);
        return r == 0 ? 0 : 1;
}
