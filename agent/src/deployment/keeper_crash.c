/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* An app that ends by itself is started again: by systemd, when somebody waits in its socket; by us, when it is one that never sleeps. One
 * that ends soon after its start, again and again, is given up for a while: its socket is closed, so that nothing starts it any more, and
 * nginx, which finds no socket, shows its page for that with status 503. Attempts follow, each later than the one before: a switch as any
 * other, so that visitors come only to an app that has been found healthy. */
#include "deployment/keeper_internal.h"

#include "base/cleanup.h"
#include "deployment/describe.h"

#include <stdio.h>
#include <stdlib.h>

enum {
        FIRST_ATTEMPT_S = 5,
        LAST_ATTEMPT_S = 300,
        CLAIM_AGAIN_US = 500 * 1000,
        START_AGAIN_US = 1000 * 1000,
};

static void give_up(void *owner);

static void later(Life *l, uint64_t after_us, void (*then)(void *owner)) {
        l->again = timer_drop(l->again);
        (void) timer_start(l->k->c->loop, after_us, then, l, &l->again);
}

/* --- what is told of it --- */

json_t *life_describe_crash(const Life *l) {
        return json_pack("{s:s, s:o, s:i, s:o, s:o}", "sentence", l->reason[0] ? l->reason : "The app ended.", "since",
                         describe_time(l->crashed_ms), "attempts", (int) l->attempts, "next_attempt", describe_time(l->attempt_ms),
                         "last_lines", l->lines ? json_incref(l->lines) : json_array());
}

/* Times as numbers: the row is for us. */
static void store_crash(const Life *l) {
        json_t *o = json_pack("{s:s, s:I, s:i, s:I, s:o}", "sentence", l->reason, "since_ms", (json_int_t) l->crashed_ms, "attempts",
                              (int) l->attempts, "attempt_ms", (json_int_t) l->attempt_ms, "last_lines",
                              l->lines ? json_incref(l->lines) : json_array());
        auto_free char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

        if (text)
                (void) store_project_set_crash(l->k->c->store, l->id, text);
        json_decref(o);
}

void life_read_crash(Life *l, const char *crash) {
        json_t *o = json_loads(crash, 0, NULL);
        const char *sentence = json_string_value(json_object_get(o, "sentence"));

        (void) snprintf(l->reason, sizeof l->reason, "%s", sentence ? sentence : "");
        l->crashed_ms = json_integer_value(json_object_get(o, "since_ms"));
        l->attempts = (unsigned) json_integer_value(json_object_get(o, "attempts"));
        json_decref(l->lines);
        l->lines = json_incref(json_object_get(o, "last_lines"));
        json_decref(o);
        l->crashes = CRASHES_MOST;
        life_set(l, LIFE_CRASHED);
        l->attempt_ms = clock_now_ms() + FIRST_ATTEMPT_S * 1000;
        later(l, FIRST_ATTEMPT_S * USEC_PER_SEC, life_try_again);
}

void life_recovered(Life *l) {
        if (l->kind == LIFE_CRASHED)
                (void) store_project_set_crash(l->k->c->store, l->id, NULL);
        l->again = timer_drop(l->again);
        l->reason[0] = '\0';
}

static void keep_line(void *owner, const JournalLine *line) {
        Life *l = owner;

        if (!l->lines)
                l->lines = json_array();
        (void) json_array_append_new(l->lines, json_stringn(line->message, line->length));
        if (json_array_size(l->lines) > LAST_LINES)
                (void) json_array_remove(l->lines, 0);
}

static void have_lines(void *owner) {
        Life *l = owner;

        l->words = journal_follow_drop(l->words);
        if (l->kind == LIFE_CRASHED)
                store_crash(l);
}

static void fetch_lines(Life *l, const char *slot) {
        char unit[64];
        const char *units[] = { unit, NULL };

        json_decref(l->lines);
        l->lines = NULL;
        (void) snprintf(unit, sizeof unit, "nanoscale-%s@%s.service", l->id, slot);
        l->words = journal_follow_drop(l->words);
        (void) journal_follow(l->k->c->loop, units, NULL, LAST_LINES, keep_line, have_lines, l, &l->words);
}

/* --- attempts --- */

static void schedule(Life *l) {
        unsigned shift = l->attempts > 7 ? 6 : l->attempts ? l->attempts - 1 : 0;
        int64_t seconds = (int64_t) FIRST_ATTEMPT_S << shift;

        if (seconds > LAST_ATTEMPT_S)
                seconds = LAST_ATTEMPT_S;
        l->attempt_ms = clock_now_ms() + seconds * 1000;
        store_crash(l);
        later(l, (uint64_t) seconds * USEC_PER_SEC, life_try_again);
}

static void attempt_live(void *owner) {
        Life *l = owner;

        (void) snprintf(l->slot, sizeof l->slot, "%s", switch_slot(l->sw));
        life_recovered(l); /* what it has crashed before is kept in mind until it has run for a while */
        l->started_us = clock_monotonic_us();
        life_set(l, LIFE_AWAKE);
        life_answer(l, WAIT_WAKE, NULL, NULL);
}

static void attempt_failed(void *owner, const char *sentence, int exit_code) {
        Life *l = owner;

        (void) exit_code;
        (void) snprintf(l->reason, sizeof l->reason, "%s", sentence);
        life_answer(l, WAIT_WAKE, "crashed", sentence);
        fetch_lines(l, switch_slot(l->sw));
}

static void attempt_over(void *owner) {
        Life *l = owner;

        if (l->kind == LIFE_CRASHED)
                schedule(l);
        life_release(l);
}

static const SwitchOps attempt_ops = { .live = attempt_live, .failed = attempt_failed, .over = attempt_over };

void life_try_again(void *owner) {
        Life *l = owner;

        if (!life_claim(l)) {
                if (l->kind == LIFE_CRASHED)
                        later(l, CLAIM_AGAIN_US, life_try_again);
                return;
        }
        l->again = timer_drop(l->again);
        l->attempts++;
        l->attempt_ms = 0;
        l->to = SWITCH_RUN;
        if (switch_begin(l->k->c, &l->row, &l->release, SWITCH_RUN, &attempt_ops, l, &l->sw) < 0) {
                schedule(l);
                life_release(l);
        }
}

/* --- giving up --- */

static void slot_closed(void *owner, bool ok, const char *verb, const char *word, const char *sentence) {
        Life *l = owner;

        (void) verb;
        if (!ok)
                (void) fprintf(stderr, "<4>project %s crashes, and its slot cannot be closed (%s): %s\n", l->row.name, word, sentence);
        else
                (void) fprintf(stderr, "<4>project %s crashes and is given up for a while: %s\n", l->row.name, l->reason);
        life_release(l);
}

static void give_up(void *owner) {
        Life *l = owner;
        int r;

        if (!life_claim(l)) {
                later(l, CLAIM_AGAIN_US, give_up);
                return;
        }
        l->again = timer_drop(l->again);
        l->crashed_ms = clock_now_ms();
        life_set(l, LIFE_CRASHED);
        l->attempts = l->attempts ? l->attempts : 1;
        schedule(l);
        fetch_lines(l, l->slot);
        r = plan_new(l->k->c->helper, &l->plan);
        if (r == 0) {
                plan_add(l->plan, "unit-stop", l->id, l->slot, NULL);
                r = plan_run(l->plan, slot_closed, l);
        }
        if (r < 0)
                life_release(l);
}

static void started_again(void *owner, bool ok, const char *verb, const char *word, const char *sentence) {
        Life *l = owner;

        (void) ok;
        (void) verb;
        (void) word;
        (void) sentence;
        l->started_us = clock_monotonic_us();
        if (ok)
                life_set(l, LIFE_AWAKE);
        life_release(l);
}

/* One that never sleeps is started without a visitor. */
static void start_again(void *owner) {
        Life *l = owner;
        int r;

        l->again = timer_drop(l->again);
        if (l->kind != LIFE_ASLEEP || !life_claim(l))
                return;
        r = plan_new(l->k->c->helper, &l->plan);
        if (r == 0) {
                plan_add(l->plan, "unit-start", l->id, l->slot, NULL);
                r = plan_run(l->plan, started_again, l);
        }
        if (r < 0)
                life_release(l);
}

void life_crashed(Life *l) {
        uint64_t now = clock_monotonic_us();

        if (now - l->started_us >= STEADY_US) {
                l->crashes = 0;
                l->attempts = 0;
        }
        l->crashes++;
        l->started_us = now;
        l->woke_from = LIFE_NONE;
        if (l->crashes >= CRASHES_MOST) {
                give_up(l);
                return;
        }
        if (!service_of(l, l->slot)->is_active) {
                life_set(l, LIFE_ASLEEP);
                if (l->idle_seconds == 0)
                        later(l, l->crashes * START_AGAIN_US, start_again);
        }
}
