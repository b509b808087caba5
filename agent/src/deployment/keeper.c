/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "deployment/keeper_internal.h"

#include "base/cleanup.h"
#include "base/paths.h"
#include "deployment/describe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { REPAIR_FIRST_US = 3 * 1000 * 1000 }; /* systemd has told of all slots by then */

/* --- the lives --- */

static size_t position(const Keeper *k, const char *id) {
        size_t low = 0, high = k->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (strcmp(k->lives[middle]->id, id) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

Life *life_find(const Keeper *k, const char *project_id) {
        size_t at = position(k, project_id);
        return at < k->n && strcmp(k->lives[at]->id, project_id) == 0 ? k->lives[at] : NULL;
}

static Life *life_add(Keeper *k, const char *id) {
        size_t at = position(k, id);
        Life *l, **lives;

        if (k->n == k->size) {
                size_t size = k->size ? 2 * k->size : 16;
                lives = reallocarray(k->lives, size, sizeof(*lives));
                if (!lives)
                        return NULL;
                k->lives = lives;
                k->size = size;
        }
        l = calloc(1, sizeof *l);
        if (!l)
                return NULL;
        l->k = k;
        (void) snprintf(l->id, sizeof l->id, "%s", id);
        memmove(&k->lives[at + 1], &k->lives[at], (k->n - at) * sizeof(*k->lives));
        k->lives[at] = l;
        k->n++;
        return l;
}

static void end_operation(Life *l) {
        l->sw = switch_drop(l->sw);
        l->plan = plan_drop(l->plan);
        project_row_done(&l->row);
        release_row_done(&l->release);
}

static void life_free(Life *l) {
        while (l->waits) {
                KeeperWait *w = l->waits;
                l->waits = w->next;
                w->life = NULL;
        }
        end_operation(l);
        claim_drop(l->k->c->claims, l->id, l);
        timer_drop(l->again);
        fetch_drop(l->knock);
        journal_follow_drop(l->words);
        json_decref(l->lines);
        free(l);
}

static void life_remove(Keeper *k, Life *l) {
        size_t at = position(k, l->id);

        life_answer(l, WAIT_SLEEP, "project-absent", "The project has been removed.");
        life_answer(l, WAIT_WAKE, "project-absent", "The project has been removed.");
        memmove(&k->lives[at], &k->lives[at + 1], (k->n - at - 1) * sizeof(*k->lives));
        k->n--;
        life_free(l);
}

void life_set(Life *l, LifeKind kind) {
        if (l->kind == kind)
                return;
        l->kind = kind;
        l->k->changes++;
        l->since_ms = clock_now_ms();
        if (kind == LIFE_AWAKE)
                l->busy_us = clock_monotonic_us();
        keeper_set_sweep(l->k);
        store_tell(l->k->c->store, STORE_PROJECT, l->id);
}

bool life_claim(Life *l) {
        const DeployContext *c = l->k->c;
        int r;

        if (l->sw || l->plan || claim_is_taken(c->claims, l->id) || claim_take(c->claims, l->id, l) <= 0)
                return false;
        r = store_project_get(c->store, l->id, &l->row);
        if (r == STORE_OK && l->row.live_release)
                r = store_release_get(c->store, l->id, l->row.live_release, &l->release);
        if (r == STORE_OK)
                return true;
        end_operation(l);
        claim_drop(c->claims, l->id, l);
        return false;
}

void life_release(Life *l) {
        end_operation(l);
        claim_drop(l->k->c->claims, l->id, l);
        life_look(l);
}

void life_answer(Life *l, int what, const char *type, const char *sentence) {
        for (KeeperWait *w = l->waits; w; w = w->next) {
                if ((int) w->what != what || !w->life)
                        continue;
                (void) snprintf(w->type, sizeof w->type, "%s", type ? type : "");
                (void) snprintf(w->sentence, sizeof w->sentence, "%s", sentence ? sentence : "");
                (void) timer_rearm(w->timer, 0);
        }
}

/* --- what systemd tells --- */

/* Of a live slot whose service runs: the app, or a runner that waits for it? A first guess, by its memory. */
static LifeKind kind_of_running(const Life *l) {
        uint64_t anon = 0, swap = 0;

        if (slot_memory(l->id, l->slot, &anon, &swap) < 0)
                return LIFE_AWAKE;
        return anon + swap < ARMED_MOST_BYTES / 4 ? LIFE_ARMED : LIFE_AWAKE;
}

static void look_at_wish(Life *l) {
        bool is_there = l->kind == LIFE_ASLEEP || (l->kind == LIFE_ARMED && !l->wants_deep);

        if (l->kind == LIFE_CRASHED || is_there) {
                l->wants_sleep = false;
                life_answer(l, WAIT_SLEEP, is_there ? NULL : "crashed", "The app has crashed and does not run.");
        } else
                life_begin_sleep(l, l->wants_deep);
}

void life_look(Life *l) {
        const SlotService *live = service_of(l, l->slot), *other = service_of(l, switch_other_slot(l->slot));

        if (l->sw || l->plan || claim_is_taken(l->k->c->claims, l->id) || l->kind == LIFE_STATIC || !l->slot[0])
                return;
        if (other->is_active) {
                life_tidy(l);
                return;
        }
        if (l->wants_sleep) {
                look_at_wish(l);
                return;
        }
        if (l->kind == LIFE_CRASHED || !live->is_known)
                return;
        if (!live->is_active && (l->kind == LIFE_AWAKE || l->kind == LIFE_DOZING))
                life_crashed(l);
        else if (!live->is_active)
                life_set(l, LIFE_ASLEEP);
        else if (l->kind == LIFE_NONE) {
                l->is_guessed = true;
                life_set(l, kind_of_running(l));
        } else if (l->kind == LIFE_ASLEEP) {
                /* systemd has started it for a visitor. Should it be a runner that waits, it will say so. */
                l->woke_from = LIFE_ASLEEP;
                l->started_us = clock_monotonic_us();
                life_set(l, LIFE_AWAKE);
        }
}

/* One that is on its way up or down has a process, too. systemd tells of an inactive unit with the invocation of the run that it is about
 * to begin, which is no end: a real one has an exit code of a kind. */
static bool is_running(const UnitState *state, const char *last_invocation) {
        if (strcmp(state->active, "inactive") != 0 && strcmp(state->active, "failed") != 0)
                return true;
        return state->exec_code == 0 && state->invocation[0] && strcmp(state->invocation, last_invocation) != 0;
}

static void slot_changed(void *owner, const char *project, const char *slot, const UnitState *state) {
        Keeper *k = owner;
        Life *l = life_find(k, project);
        SlotService *service, before;

        if (!l)
                return;
        service = service_of(l, slot);
        before = *service;
        service->is_known = true;
        service->is_active = is_running(state, before.invocation);
        (void) snprintf(service->invocation, sizeof service->invocation, "%s", state->invocation);
        if (strcmp(slot, l->slot) != 0) {
                life_look(l);
                return;
        }
        /* Ended and started again between two looks: systemd did that for those who wait in its socket. */
        if (before.is_active && service->is_active && before.invocation[0] && strcmp(before.invocation, service->invocation) != 0 &&
            (l->kind == LIFE_AWAKE || l->kind == LIFE_DOZING) && !claim_is_taken(k->c->claims, l->id)) {
                life_crashed(l);
                return;
        }
        life_look(l);
}

static void noticed(void *owner, const Notice *n) {
        Keeper *k = owner;
        Life *l = life_find(k, n->project);
        WakeRow wake;

        if (!l)
                return;
        /* Also of a slot that is only becoming live: its first visitor may be quicker than we. */
        if (n->kind == NOTICE_ARMED || n->kind == NOTICE_WOKEN)
                service_of(l, n->slot)->is_woken = n->kind == NOTICE_WOKEN;
        if (strcmp(n->slot, l->slot) != 0)
                return;
        switch (n->kind) {
        case NOTICE_ARMED:
                if (l->kind == LIFE_ASLEEP || l->kind == LIFE_NONE || (l->kind == LIFE_AWAKE && l->woke_from == LIFE_ASLEEP)) {
                        l->woke_from = LIFE_NONE;
                        life_set(l, LIFE_ARMED);
                }
                break;
        case NOTICE_WOKEN:
                if (l->kind == LIFE_CRASHED)
                        break;
                if (l->kind != LIFE_AWAKE) {
                        l->woke_from = l->kind == LIFE_ARMED ? LIFE_ARMED : LIFE_ASLEEP;
                        l->started_us = clock_monotonic_us();
                }
                life_set(l, LIFE_AWAKE);
                l->busy_us = clock_monotonic_us();
                break;
        case NOTICE_AWAKE:
                if (l->woke_from == LIFE_NONE)
                        break;
                wake = (WakeRow){ .project_id = l->id,
                                  .at_ms = n->at_ms,
                                  .kind = (char *) (uintptr_t) (l->woke_from == LIFE_ARMED ? "armed" : "asleep"),
                                  .duration_ms = n->awake_ms };
                (void) store_wake_put(k->c->store, &wake);
                l->wakes++;
                l->woke_from = LIFE_NONE;
                l->busy_us = clock_monotonic_us();
                break;
        case NOTICE_STOPPED:
                (void) snprintf(l->reason, sizeof l->reason, "%s", n->text);
                break;
        }
}

/* --- what the agent tells --- */

void keeper_look(Keeper *k, const char *project_id) {
        Life *l = k ? life_find(k, project_id) : NULL;
        ProjectRow row = { 0 };
        ReleaseRow release = { 0 };
        bool is_static = false;

        if (!k)
                return;
        if (store_project_get(k->c->store, project_id, &row) != STORE_OK) {
                if (l)
                        life_remove(k, l);
                return;
        }
        if (!l && strcmp(row.server_id, k->c->server_id) == 0)
                l = life_add(k, project_id);
        if (l) {
                if (row.live_release && store_release_get(k->c->store, row.id, row.live_release, &release) == STORE_OK) {
                        is_static = strcmp(release.kind, "static") == 0;
                        release_row_done(&release);
                }
                l->idle_seconds = row.scale_to_zero ? row.idle_seconds : 0;
                l->dozes = row.doze;
                (void) snprintf(l->slot, sizeof l->slot, "%s", row.live_slot);
                if (is_static)
                        life_set(l, LIFE_STATIC);
                else if (l->kind == LIFE_STATIC)
                        life_set(l, LIFE_NONE);
                keeper_set_sweep(k);
                life_look(l);
        }
        project_row_done(&row);
}

void keeper_went_live(Keeper *k, const char *project_id) {
        Life *l;

        keeper_look(k, project_id);
        l = k ? life_find(k, project_id) : NULL;
        if (!l || l->kind == LIFE_STATIC)
                return;
        l->crashes = 0;
        l->attempts = 0;
        l->woke_from = LIFE_NONE;
        l->started_us = clock_monotonic_us();
        life_recovered(l);
        life_set(l, LIFE_AWAKE);
        l->busy_us = clock_monotonic_us();
}

/* --- what others ask --- */

uint64_t keeper_changes(const Keeper *k) {
        return k->changes;
}

LifeKind keeper_kind(const Keeper *k, const char *project_id) {
        const Life *l = k ? life_find(k, project_id) : NULL;
        return l ? l->kind : LIFE_NONE;
}

uint64_t keeper_wakes(const Keeper *k, const char *project_id) {
        const Life *l = k ? life_find(k, project_id) : NULL;
        return l ? l->wakes : 0;
}

void keeper_each(const Keeper *k, void (*each)(void *owner, const char *project_id, const char *slot, LifeKind kind), void *owner) {
        for (size_t i = 0; i < k->n; i++)
                each(owner, k->lives[i]->id, k->lives[i]->slot, k->lives[i]->kind);
}

static int by_duration(const void *a, const void *b) {
        const WakeRow *x = a, *y = b;
        return (x->duration_ms > y->duration_ms) - (x->duration_ms < y->duration_ms);
}

static json_t *describe_wakes(const Keeper *k, const char *id) {
        WakeRow *rows = NULL;
        size_t n = 0;
        json_t *o = NULL;

        if (store_wake_list(k->c->store, id, 200, &rows, &n) == STORE_OK && n > 0) {
                json_int_t last = rows[0].duration_ms;
                json_t *at = describe_time(rows[0].at_ms);

                qsort(rows, n, sizeof *rows, by_duration);
                o = json_pack("{s:I, s:I, s:I, s:I, s:o}", "count", (json_int_t) n, "p50_ms", (json_int_t) rows[(n - 1) / 2].duration_ms,
                              "p99_ms", (json_int_t) rows[(n * 99 + 99) / 100 - 1].duration_ms, "last_ms", last, "last_at", at);
        } else
                o = json_pack("{s:i, s:n, s:n, s:n, s:n}", "count", 0, "p50_ms", "p99_ms", "last_ms", "last_at");
        for (size_t i = 0; i < n; i++)
                wake_row_done(&rows[i]);
        free(rows);
        return o;
}

void keeper_describe(const Keeper *k, const ProjectRow *row, json_t *object) {
        static const char *const kinds[] = { [LIFE_DOZING] = "dozing", [LIFE_ARMED] = "armed", [LIFE_ASLEEP] = "asleep" };
        const Life *l = k ? life_find(k, row->id) : NULL;
        bool sleeps = l && (l->kind == LIFE_DOZING || l->kind == LIFE_ARMED || l->kind == LIFE_ASLEEP);
        uint64_t anon = 0, swap = 0, used;
        json_t *saved = json_null();

        if (l && l->slot[0])
                (void) slot_memory(l->id, l->slot, &anon, &swap);
        used = anon + swap / 3; /* in zram a page takes about a third of its size */
        if (sleeps && row->awake_bytes > 0)
                saved = json_integer(row->awake_bytes > (int64_t) used ? row->awake_bytes - (int64_t) used : 0);
        (void) json_object_set_new(object, "sleep",
                                   json_pack("{s:o, s:o, s:o, s:o}", "kind", sleeps ? json_string(kinds[l->kind]) : json_null(), "since",
                                             sleeps ? describe_time(l->since_ms) : json_null(), "wakes",
                                             k ? describe_wakes(k, row->id) : json_null(), "ram_saved_bytes", saved));
        (void) json_object_set_new(object, "crash", l && l->kind == LIFE_CRASHED ? life_describe_crash(l) : json_null());
        (void) json_object_set_new(object, "memory_bytes", anon ? json_integer((json_int_t) anon) : json_null());
}

/* --- making and dropping --- */

int keeper_new(const DeployContext *c, Keeper **ret_keeper) {
        Keeper *k = calloc(1, sizeof *k);
        int r;

        if (!k)
                return -ENOMEM;
        k->c = c;
        r = timer_start(c->loop, 0, keeper_sweep, k, &k->sweep);
        if (r == 0)
                r = timer_start(c->loop, REPAIR_FIRST_US, keeper_repair, k, &k->repair);
        if (r < 0) {
                keeper_free(k);
                return r;
        }
        *ret_keeper = k;
        return 0;
}

int keeper_start(Keeper *k) {
        ProjectRow *rows = NULL;
        size_t n = 0;
        int r = store_project_list(k->c->store, NULL, 1000000, &rows, &n);

        if (r != STORE_OK)
                return r < 0 ? r : -EIO;
        for (size_t i = 0; i < n; i++) {
                Life *l;

                if (strcmp(rows[i].server_id, k->c->server_id) == 0) {
                        if (r == 0)
                                r = keeper_follow_link(k, &rows[i]);
                        keeper_look(k, rows[i].id);
                        l = life_find(k, rows[i].id);
                        if (l && rows[i].crash)
                                life_read_crash(l, rows[i].crash);
                }
                project_row_done(&rows[i]);
        }
        free(rows);
        if (r == 0)
                r = units_follow_slots(k->c->units, slot_changed, k, &k->slots);
        if (r == 0)
                r = notices_follow(k->c->loop, noticed, k, &k->notices);
        return r;
}

Keeper *keeper_free(Keeper *k) {
        if (!k)
                return NULL;
        for (size_t i = 0; i < k->n; i++)
                life_free(k->lives[i]);
        free(k->lives);
        slot_follow_drop(k->slots);
        notice_follow_drop(k->notices);
        timer_drop(k->sweep);
        timer_drop(k->repair);
        free(k);
        return NULL;
}
