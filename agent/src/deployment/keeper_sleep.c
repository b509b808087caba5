/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Idle is who has no connection and none that waits, for as long as the project says. One sweep over the kernel's sockets tells it of all
 * apps. nginx keeps a connection to an app open for 2 s after its last request (agent/helper/templates/site.conf), so that a sweep each
 * second sees every visitor, however short the visit; an app that closes each connection itself is seen only while it answers. */
#include "deployment/keeper_internal.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/paths.h"
#include "deployment/describe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>

enum {
        SWEEP_US = 1000 * 1000,
        SLOW_SWEEP_US = 60 * 1000 * 1000, /* only armed ones: has one been awake unheard, has one been armed for long enough? */
        KNOCK_SECONDS = 60,
        LOW_MEMORY_PERCENT = 6,
};

/* --- the sweep --- */

static bool can_idle(const Life *l) {
        return (l->kind == LIFE_AWAKE && (l->idle_seconds > 0 || (l->dozes && l->k->c->doze_seconds > 0))) ||
               (l->kind == LIFE_DOZING && !l->plan);
}

void keeper_set_sweep(Keeper *k) {
        bool some_idle = false, some_armed = false;

        for (size_t i = 0; i < k->n; i++) {
                some_idle = some_idle || can_idle(k->lives[i]);
                some_armed = some_armed || k->lives[i]->kind == LIFE_ARMED;
        }
        if (some_idle)
                (void) timer_rearm(k->sweep, SWEEP_US);
        else if (some_armed)
                (void) timer_rearm(k->sweep, SLOW_SWEEP_US);
        else
                timer_stop(k->sweep);
}

static void seen(void *owner, const SlotConnections *s) {
        Life *l = life_find(owner, s->project);

        if (!l || strcmp(l->slot, s->slot) != 0 || s->connections + s->queued == 0)
                return;
        l->busy_us = clock_monotonic_us();
        if (l->kind == LIFE_DOZING)
                life_set(l, LIFE_AWAKE); /* its pages come back as it touches them */
}

static bool memory_is_low(void) {
        auto_free char *text = NULL;
        unsigned long total = 0, available = 0;
        const char *at;

        if (fs_read_file(AT_FDCWD, "/proc/meminfo", 16384, &text, NULL) < 0)
                return false;
        if ((at = strstr(text, "MemTotal:")))
                total = strtoul(at + 9, NULL, 10);
        if ((at = strstr(text, "MemAvailable:")))
                available = strtoul(at + 13, NULL, 10);
        return total > 0 && available * 100 / total < LOW_MEMORY_PERCENT;
}

static void look_at_armed(Life *l, bool is_low) {
        uint64_t anon = 0, swap = 0;

        if (slot_memory(l->id, l->slot, &anon, &swap) == 0 && anon + swap > ARMED_MOST_BYTES)
                life_set(l, LIFE_AWAKE); /* its word was lost, or it lied */
        else if (is_low || clock_now_ms() - l->since_ms >= (int64_t) l->k->c->deep_seconds * 1000)
                life_begin_sleep(l, true);
}

/* Paging out is for nothing where there is no place to page to. */
static bool has_swap(void) {
        struct sysinfo info;
        return sysinfo(&info) == 0 && info.totalswap > 0;
}

static void begin_doze(Life *l);

static void look_at_idle(Life *l, uint64_t now) {
        uint64_t idle_us = now - l->busy_us, doze_us = l->k->c->doze_seconds * USEC_PER_SEC;

        if (l->idle_seconds > 0 && idle_us >= (uint64_t) l->idle_seconds * USEC_PER_SEC)
                life_begin_sleep(l, false);
        else if (l->kind == LIFE_AWAKE && l->dozes && doze_us > 0 && idle_us >= doze_us && has_swap())
                begin_doze(l);
}

void keeper_sweep(void *owner) {
        Keeper *k = owner;
        bool blind = connections_sweep(seen, k) < 0;
        uint64_t now = clock_monotonic_us(); /* after it: who was seen was seen before now */
        bool slow = now - k->slow_sweep_us >= SLOW_SWEEP_US, is_low = slow && memory_is_low();

        if (slow)
                k->slow_sweep_us = now;
        for (size_t i = 0; i < k->n; i++) {
                Life *l = k->lives[i];
                if (l->kind == LIFE_ARMED && slow)
                        look_at_armed(l, is_low);
                else if ((l->kind == LIFE_AWAKE || l->kind == LIFE_DOZING) && !blind)
                        look_at_idle(l, now);
        }
        keeper_set_sweep(k);
}

/* --- dozing --- */

static void dozed(void *owner, bool ok, const char *verb, const char *word, const char *sentence) {
        Life *l = owner;
        bool still_idle = clock_monotonic_us() - l->busy_us >= l->k->c->doze_seconds * USEC_PER_SEC;

        (void) verb;
        (void) word;
        (void) sentence;
        if (ok && still_idle && l->kind == LIFE_AWAKE)
                life_set(l, LIFE_DOZING);
        else if (!ok)
                l->dozes = false; /* until the agent or the project starts anew: this machine cannot */
        life_release(l);
}

static void note_awake_bytes(const Life *l) {
        uint64_t anon = 0, swap = 0;

        if (l->kind == LIFE_AWAKE && slot_memory(l->id, l->slot, &anon, &swap) == 0)
                (void) store_project_set_awake_bytes(l->k->c->store, l->id, (int64_t) (anon + swap));
}

static void begin_doze(Life *l) {
        if (!life_claim(l))
                return;
        note_awake_bytes(l);
        if (plan_new(l->k->c->helper, &l->plan) == 0) {
                plan_add(l->plan, "slot-doze", l->id, l->slot, NULL);
                if (plan_run(l->plan, dozed, l) == 0)
                        return;
        }
        l->dozes = false;
        life_release(l);
}

/* --- falling asleep --- */

static void asleep(void *owner) {
        Life *l = owner;

        (void) snprintf(l->slot, sizeof l->slot, "%s", switch_slot(l->sw));
        l->woke_from = LIFE_NONE;
        life_set(l, l->to == SWITCH_ARM ? LIFE_ARMED : LIFE_ASLEEP);
        /* A visitor may have come already. */
        if (l->to == SWITCH_ARM ? service_of(l, l->slot)->is_woken : service_of(l, l->slot)->is_active) {
                l->woke_from = l->kind;
                l->started_us = clock_monotonic_us();
                life_set(l, LIFE_AWAKE);
        }
        if (!l->wants_sleep) /* deeper, next */
                life_answer(l, WAIT_SLEEP, NULL, NULL);
}

static void not_asleep(void *owner, const char *sentence, int exit_code) {
        Life *l = owner;

        (void) exit_code;
        l->busy_us = clock_monotonic_us(); /* not again at once */
        (void) fprintf(stderr, "<4>project %s does not fall asleep: %s\n", l->row.name, sentence);
        life_answer(l, WAIT_SLEEP, "sleep-failed", sentence);
}

static void sleep_over(void *owner) {
        life_release(owner);
}

static const SwitchOps sleep_ops = { .live = asleep, .failed = not_asleep, .over = sleep_over };

void life_begin_sleep(Life *l, bool deep) {
        if (!life_claim(l))
                return;
        l->wants_sleep = false;
        note_awake_bytes(l);
        service_of(l, switch_other_slot(l->slot))->is_woken = false;
        l->to = deep ? SWITCH_SLEEP : SWITCH_ARM;
        if (switch_begin(l->k->c, &l->row, &l->release, l->to, &sleep_ops, l, &l->sw) < 0) {
                not_asleep(l, "out of memory in the agent", -1);
                life_release(l);
        }
}

/* --- on request --- */

static void waited(void *owner) {
        KeeperWait *w = owner;

        if (w->life)
                for (KeeperWait **p = &w->life->waits; *p; p = &(*p)->next)
                        if (*p == w) {
                                *p = w->next;
                                break;
                        }
        w->life = NULL;
        w->timer = timer_drop(w->timer);
        w->done(w->owner, w->type[0] ? w->type : NULL, w->sentence);
}

static int wait_new(Life *l, int what, KeeperDone done, void *owner, KeeperWait **ret_wait) {
        KeeperWait *w = calloc(1, sizeof *w);
        int r;

        if (!w)
                return -ENOMEM;
        r = timer_start(l->k->c->loop, 0, waited, w, &w->timer);
        if (r < 0) {
                free(w);
                return r;
        }
        timer_stop(w->timer);
        w->what = what == WAIT_SLEEP ? WAIT_SLEEP : WAIT_WAKE;
        w->life = l;
        w->done = done;
        w->owner = owner;
        w->next = l->waits;
        l->waits = w;
        *ret_wait = w;
        return 0;
}

KeeperWait *keeper_wait_drop(KeeperWait *w) {
        if (!w)
                return NULL;
        if (w->life)
                for (KeeperWait **p = &w->life->waits; *p; p = &(*p)->next)
                        if (*p == w) {
                                *p = w->next;
                                break;
                        }
        timer_drop(w->timer);
        free(w);
        return NULL;
}

int keeper_sleep(Keeper *k, const char *project_id, bool deep, KeeperDone done, void *owner, KeeperWait **ret_wait) {
        Life *l = life_find(k, project_id);
        int r;

        if (!l)
                return -ENOENT;
        r = wait_new(l, WAIT_SLEEP, done, owner, ret_wait);
        if (r < 0)
                return r;
        if (l->kind == LIFE_STATIC)
                life_answer(l, WAIT_SLEEP, "static-site", "A static site has no process that could sleep.");
        else if (l->kind == LIFE_NONE)
                life_answer(l, WAIT_SLEEP, "never-deployed", "Nothing is live yet. Deploy the project first.");
        else if (l->kind == LIFE_CRASHED)
                life_answer(l, WAIT_SLEEP, "crashed", "The app has crashed and does not run.");
        else if (l->kind == LIFE_ASLEEP || (l->kind == LIFE_ARMED && !deep))
                life_answer(l, WAIT_SLEEP, NULL, NULL);
        else {
                /* When another switch is under way: after it. */
                l->wants_sleep = true;
                l->wants_deep = deep;
                life_look(l);
        }
        return 0;
}

static void knocked(void *owner, const FetchResult *result) {
        Life *l = owner;

        if (result->error < 0)
                life_answer(l, WAIT_WAKE, "wake-failed", result->sentence);
        else
                life_answer(l, WAIT_WAKE, NULL, NULL);
        l->knock = fetch_drop(l->knock);
}

/* A wake on request is a visit. */
void life_knock(Life *l) {
        ProjectRow row = { 0 };
        char socket[128], url[640], host[512], host_header[560];
        const char *headers[] = { host_header, "User-Agent: NanoScale-Wake/1", "Connection: close", NULL };
        int r;

        if (l->knock)
                return;
        r = store_project_get(l->k->c->store, l->id, &row);
        if (r == STORE_OK) {
                project_host(l->k->c, &row, host, sizeof host);
                (void) snprintf(host_header, sizeof host_header, "Host: %s", host);
                (void) snprintf(socket, sizeof socket, NS_APPS "/%s/%s.sock", l->id, l->slot);
                (void) snprintf(url, sizeof url, "http://localhost%s", row.health_path);
                r = fetch_start(l->k->c->fetch,
                                &(FetchSpec){ .url = url,
                                              .unix_socket = socket,
                                              .headers = headers,
                                              .timeout_us = KNOCK_SECONDS * USEC_PER_SEC,
                                              .max_bytes = 8 * 1024 * 1024,
                                              .to_fd = -1 },
                                knocked, l, &l->knock);
        }
        if (r != 0)
                life_answer(l, WAIT_WAKE, "wake-failed", "The app could not be asked.");
        project_row_done(&row);
}

int keeper_wake(Keeper *k, const char *project_id, KeeperDone done, void *owner, KeeperWait **ret_wait) {
        Life *l = life_find(k, project_id);
        int r;

        if (!l)
                return -ENOENT;
        r = wait_new(l, WAIT_WAKE, done, owner, ret_wait);
        if (r < 0)
                return r;
        switch (l->kind) {
        case LIFE_NONE:
                life_answer(l, WAIT_WAKE, "never-deployed", "Nothing is live yet. Deploy the project first.");
                break;
        case LIFE_STATIC:
                life_answer(l, WAIT_WAKE, NULL, NULL);
                break;
        case LIFE_CRASHED:
                if (!l->sw)
                        (void) life_try_again(l);
                break;
        case LIFE_AWAKE:
        case LIFE_DOZING:
        case LIFE_ARMED:
        case LIFE_ASLEEP:
                life_knock(l);
                break;
        }
        return 0;
}
