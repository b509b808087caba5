/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* After a death of the agent or of the machine, at whatever point of a switch: `live` is the truth, the slot that it names gets its socket
 * back, and the other one is drained and stopped. */
#include "deployment/keeper_internal.h"

#include "base/paths.h"
#include "deployment/spec.h"

#include <errno.h>
#include <stdio.h>

enum { REPAIR_AGAIN_US = 300 * 1000 * 1000 };

int keeper_follow_link(Keeper *k, ProjectRow *row) {
        char slot[2];
        int64_t release;

        switch_read_live(row->id, slot);
        if (!slot[0])
                return 0;
        /* The spec of the live slot tells its release: of an exclusive project, also one that went back. */
        release = spec_release_of_slot(NS_SPECS, row->id, slot);
        if (release == 0)
                release = row->live_release;
        if (strcmp(slot, row->live_slot) == 0 && release == row->live_release)
                return 0;
        (void) snprintf(row->live_slot, sizeof row->live_slot, "%s", slot);
        row->live_release = release;
        return store_project_set_live(k->c->store, row->id, slot, release) == STORE_OK ? 0 : -EIO;
}

/* --- a slot that is left over --- */

static void tidied(void *owner) {
        life_release(owner);
}

static void nothing(void *owner) {
        (void) owner;
}

static void not_tidied(void *owner, const char *sentence, int exit_code) {
        Life *l = owner;

        (void) exit_code;
        (void) fprintf(stderr, "<4>project %s: what is left of an earlier switch cannot be stopped: %s\n", l->row.name, sentence);
}

static const SwitchOps tidy_ops = { .live = nothing, .failed = not_tidied, .over = tidied };

void life_tidy(Life *l) {
        if (!life_claim(l))
                return;
        l->to = SWITCH_TIDY;
        if (switch_begin(l->k->c, &l->row, NULL, SWITCH_TIDY, &tidy_ops, l, &l->sw) < 0)
                life_release(l);
}

/* --- a socket that is not there --- */

static void reopened(void *owner, bool ok, const char *verb, const char *word, const char *sentence) {
        Life *l = owner;

        if (!ok)
                (void) fprintf(stderr, "<3>project %s: its socket cannot be opened again (%s, %s): %s\n", l->row.name, verb, word,
                               sentence);
        life_release(l);
}

void life_reopen(Life *l) {
        int r;

        if (!life_claim(l))
                return;
        r = plan_new(l->k->c->helper, &l->plan);
        if (r == 0) {
                /* The last one also puts in order what the next boot does. */
                plan_add(l->plan, l->idle_seconds ? "socket-start" : "unit-start", l->id, l->slot, NULL);
                plan_add(l->plan, "live-switch", l->id, l->slot, NULL);
                r = plan_run(l->plan, reopened, l);
        }
        if (r < 0)
                life_release(l);
}

/* --- awake or armed? --- */

/* A runner that waits says nothing after its word. */
static void last_line(void *owner, const JournalLine *line) {
        Life *l = owner;

        if (strcmp(line->message, "nanoscale: armed") == 0 && l->kind == LIFE_AWAKE && !claim_is_taken(l->k->c->claims, l->id))
                life_set(l, LIFE_ARMED);
}

static void have_last_line(void *owner) {
        Life *l = owner;
        l->words = journal_follow_drop(l->words);
}

static void ask_journal(Life *l) {
        char unit[64];
        const char *units[] = { unit, NULL };

        (void) snprintf(unit, sizeof unit, "nanoscale-%s@%s.service", l->id, l->slot);
        l->words = journal_follow_drop(l->words);
        (void) journal_follow(l->k->c->loop, units, NULL, 1, last_line, have_last_line, l, &l->words);
}

/* --- the look --- */

static void socket_seen(void *owner, const SlotConnections *s) {
        Life *l = life_find(owner, s->project);

        if (!l)
                return;
        if (strcmp(l->slot, s->slot) == 0)
                l->has_socket = true;
        else if (l->slot[0])
                l->has_stray = true;
}

void keeper_repair(void *owner) {
        Keeper *k = owner;

        (void) timer_rearm(k->repair, REPAIR_AGAIN_US);
        for (size_t i = 0; i < k->n; i++)
                k->lives[i]->has_socket = k->lives[i]->has_stray = false;
        if (connections_sweep(socket_seen, k) < 0)
                return;
        for (size_t i = 0; i < k->n; i++) {
                Life *l = k->lives[i];

                if (claim_is_taken(k->c->claims, l->id) || !l->slot[0])
                        continue;
                if (l->is_guessed && l->kind == LIFE_AWAKE)
                        ask_journal(l);
                l->is_guessed = false;
                if (l->has_stray)
                        life_tidy(l);
                else if (!l->has_socket && l->kind != LIFE_CRASHED && l->kind != LIFE_STATIC)
                        life_reopen(l);
        }
}
