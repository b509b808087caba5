/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "deployment/switch.h"

#include "base/cleanup.h"
#include "base/paths.h"
#include "deployment/defaults.h"
#include "deployment/describe.h"
#include "deployment/drain.h"
#include "deployment/health.h"
#include "deployment/plan.h"
#include "deployment/site.h"
#include "deployment/spec.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
        ARMED_SECONDS = 30,
        EXCLUSIVE_DRAIN_SECONDS = 10, /* at most: new visitors wait meanwhile */
};

struct Switch {
        const DeployContext *c;
        const ProjectRow *project;
        const ReleaseRow *release;
        SwitchTo to;
        SwitchOps ops;
        void *owner;
        char slot[2], old[2];
        bool is_proxy; /* found out on the way */
        bool is_moved; /* `live` points to the new slot */
        bool is_over_soon;
        ReleaseRow old_release; /* of an exclusive project that goes back */
        bool goes_back;
        SwitchReceipt receipt;

        Plan *plan;
        Health *health;
        Drain *drain;
        Timer *timer;
};

/* --- small things --- */

void switch_read_live(const char *project_id, char ret_slot[static 2]) {
        char path[128], target[64];
        ssize_t n;

        (void) snprintf(path, sizeof path, NS_APPS "/%s/live", project_id);
        n = readlink(path, target, sizeof target - 1);
        ret_slot[0] = n == 6 && (memcmp(target, "a.sock", 6) == 0 || memcmp(target, "b.sock", 6) == 0) ? target[0] : '\0';
        ret_slot[1] = '\0';
}

const char *switch_other_slot(const char *slot) {
        return strcmp(slot, "a") == 0 ? "b" : "a";
}

const char *switch_slot(const Switch *s) {
        return s->slot;
}

const SwitchReceipt *switch_receipt(const Switch *s) {
        return &s->receipt;
}

static json_t *duration(int64_t from_ms, int64_t to_ms) {
        return from_ms && to_ms ? json_integer(to_ms - from_ms) : json_null();
}

json_t *switch_receipt_describe(const SwitchReceipt *r) {
        return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i}", "started_at", describe_time(r->started_at_ms), "healthy_at",
                         describe_time(r->healthy_at_ms), "switched_at", describe_time(r->switched_at_ms), "drained_at",
                         describe_time(r->drained_at_ms), "healthy_ms", duration(r->started_at_ms, r->healthy_at_ms), "drain_ms",
                         duration(r->switched_at_ms, r->drained_at_ms), "connections_drained", (int) (r->drained - r->cut),
                         "connections_cut", (int) r->cut);
}

__attribute__((format(printf, 2, 3))) static void say(Switch *s, const char *format, ...) {
        char line[512];
        va_list ap;

        if (!s->ops.said)
                return;
        va_start(ap, format);
        (void) vsnprintf(line, sizeof line, format, ap);
        va_end(ap);
        s->ops.said(s->owner, line);
}

static void enter(Switch *s, SwitchPhase phase) {
        if (s->ops.phase)
                s->ops.phase(s->owner, phase);
}

/* An exclusive app that has something to hand over: see the header. */
static bool moves_first(const Switch *s) {
        return s->to == SWITCH_RUN && s->project->exclusive && s->old[0] && !s->project->crash;
}

static unsigned proxy_port(const Switch *s) {
        char user[32];
        const struct passwd *p;

        (void) snprintf(user, sizeof user, NS_USER "-%s", s->project->id);
        p = getpwnam(user);
        return p && p->pw_uid >= NS_APP_UID_FIRST && p->pw_uid <= NS_APP_UID_LAST
                               ? NS_PROXY_PORT_FIRST + 2 * (p->pw_uid - NS_APP_UID_FIRST) + (s->slot[0] == 'b')
                               : 0;
}

static int write_spec(const Switch *s, const ReleaseRow *release, bool armed) {
        SlotSpec spec = { .armed = armed, .ca = s->c->ca };

        if (s->is_proxy || strcmp(release->kind, "proxy") == 0)
                spec.proxy = proxy_port(s);
        return spec_write_slot(NS_SPECS, s->project, s->slot, release, &spec);
}

/* Runs one plan after another; each of them is built by the caller. */
static int run_plan(Switch *s, Plan *plan, PlanDone done) {
        plan_drop(s->plan);
        s->plan = plan;
        return plan_run(plan, done, s);
}

/* --- the end --- */

static void over(void *owner) {
        Switch *s = owner;
        s->timer = timer_drop(s->timer);
        s->ops.over(s->owner);
}

static void over_soon(Switch *s) {
        s->health = health_drop(s->health);
        s->drain = drain_drop(s->drain);
        s->plan = plan_drop(s->plan);
        s->timer = timer_drop(s->timer);
        s->is_over_soon = true;
        if (timer_start(s->c->loop, 0, over, s, &s->timer) < 0)
                s->ops.over(s->owner);
}

static void stopped(void *owner, bool ok, const char *verb, const char *word, const char *sentence) {
        (void) ok; /* the sweep of the keeper finds a slot that is left over */
        (void) verb;
        (void) word;
        (void) sentence;
        over_soon(owner);
}

static void stop_slot(Switch *s, const char *slot, PlanDone then) {
        Plan *plan = NULL;
        int r = plan_new(s->c->helper, &plan);

        if (r == 0) {
                plan_add(plan, "unit-stop", s->project->id, slot, NULL);
                r = run_plan(s, plan, then);
        }
        if (r < 0)
                over_soon(s);
}

static void begin_back(Switch *s);

__attribute__((format(printf, 3, 4))) static void fail(Switch *s, int exit_code, const char *format, ...) {
        char sentence[1024];
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(sentence, sizeof sentence, format, ap);
        va_end(ap);
        s->health = health_drop(s->health);
        s->ops.failed(s->owner, sentence, exit_code);
        if (s->is_moved)
                begin_back(s);
        else if (s->slot[0])
                stop_slot(s, s->slot, stopped);
        else
                over_soon(s);
}

/* --- the old slot --- */

static void begin_check(Switch *s);

static void old_stopped(void *owner, bool ok, const char *verb, const char *word, const char *sentence) {
        Switch *s = owner;

        if (moves_first(s) && !s->receipt.healthy_at_ms) {
                s->plan = plan_drop(s->plan);
                begin_check(s); /* the lock is free now */
                return;
        }
        stopped(owner, ok, verb, word, sentence);
}

static void drained(void *owner, unsigned drained, unsigned cut) {
        Switch *s = owner;

        s->drain = drain_drop(s->drain);
        s->receipt.drained_at_ms = clock_now_ms();
        s->receipt.drained = drained;
        s->receipt.cut = cut;
        if (cut)
                say(s, "%u of %u connections were still open after %lld s and are cut", cut, drained,
                    (long long) s->project->drain_seconds);
        stop_slot(s, s->old, old_stopped);
}

static void begin_drain(Switch *s) {
        int64_t seconds = s->project->drain_seconds;

        if (!s->old[0]) {
                s->receipt.drained_at_ms = clock_now_ms();
                old_stopped(s, true, NULL, NULL, NULL);
                return;
        }
        if (moves_first(s) && seconds > EXCLUSIVE_DRAIN_SECONDS)
                seconds = EXCLUSIVE_DRAIN_SECONDS;
        if (drain_slot(s->c, s->project->id, s->old, (uint64_t) seconds * USEC_PER_SEC, drained, s, &s->drain) < 0)
                drained(s, 0, 0);
}

/* --- `live` moves --- */

static void moved(void *owner, bool ok, const char *verb, const char *word, const char *sentence) {
        Switch *s = owner;
        char live[2];

        /* Its last part may have failed when the link was moved already: what the link says counts. */
        switch_read_live(s->project->id, live);
        if (!ok && (!s->slot[0] || strcmp(live, s->slot) != 0 || strcmp(verb, "live-switch") != 0)) {
                fail(s, -1, "The web server could not be pointed at the new release (%s, %s): %s", verb, word, sentence);
                return;
        }
        s->plan = plan_drop(s->plan);
        s->is_moved = true;
        s->receipt.switched_at_ms = clock_now_ms();
        (void) store_project_set_live(s->c->store, s->project->id, s->slot, s->release->number);
        /* Whoever wrote the site meanwhile took it for what was live before. */
        if (s->to == SWITCH_STATIC || !s->old[0])
                sites_update(s->c->sites, s->project->id);
        if (!moves_first(s))
                s->ops.live(s->owner);
        begin_drain(s);
}

static void begin_move(Switch *s) {
        Plan *plan = NULL;
        char number[24];
        int r;

        enter(s, SWITCH_MOVES);
        r = plan_new(s->c->helper, &plan);
        if (r == 0) {
                /* The site first: a refused configuration leaves the old release in place. The helper leaves nginx alone when the site has
                 * not changed. */
                if (s->to == SWITCH_RUN || s->to == SWITCH_STATIC)
                        r = site_plan(s->c, s->project->id, s->to == SWITCH_STATIC, plan);
        }
        if (r == 0) {
                (void) snprintf(number, sizeof number, "%lld", (long long) s->release->number);
                if (s->to == SWITCH_STATIC)
                        plan_add(plan, "live-static", s->project->id, number, NULL);
                else
                        plan_add(plan, "live-switch", s->project->id, s->slot, NULL);
                r = run_plan(s, plan, moved);
        }
        if (r < 0) {
                if (plan != s->plan)
                        plan_drop(plan);
                fail(s, -1, "The switch could not be asked for: %s.", strerror(-r));
        }
}

/* --- does it work? --- */

static void on_said(void *owner, const char *line) {
        say(owner, "%s", line);
}

static void note_kind(const Switch *s) {
        ReleaseRow row = *s->release; /* borrows the texts */

        if (!s->is_proxy || strcmp(row.kind, "proxy") == 0)
                return;
        row.kind = (char *) (uintptr_t) "proxy";
        (void) store_release_put(s->c->store, &row);
}

static void on_healthy(void *owner, unsigned tries) {
        Switch *s = owner;

        s->health = health_drop(s->health);
        s->receipt.tries = tries;
        if (s->goes_back) {
                over_soon(s);
                return;
        }
        s->receipt.healthy_at_ms = clock_now_ms();
        note_kind(s);
        if (!s->is_moved) {
                begin_move(s);
                return;
        }
        s->ops.live(s->owner);
        over_soon(s);
}

static void on_ill(void *owner, const char *sentence, int exit_code) {
        Switch *s = owner;

        if (s->goes_back)
                over_soon(s); /* the keeper deals with an app that does not run */
        else
                fail(s, exit_code, "%s", sentence);
}

static void begin_start(Switch *s);

static void stopped_for_proxy(void *owner, bool ok, const char *verb, const char *word, const char *sentence) {
        Switch *s = owner;

        if (ok)
                begin_start(s);
        else
                fail(s, -1, "The slot could not be started again behind a proxy (%s, %s): %s", verb, word, sentence);
}

static void restarted(void *owner, bool ok, const char *verb, const char *word, const char *sentence);

static void restart_service(Switch *s) {
        Plan *plan = NULL;
        int r = plan_new(s->c->helper, &plan);

        if (r == 0) {
                plan_add(plan, "service-restart", s->project->id, s->slot, NULL);
                r = run_plan(s, plan, restarted);
        }
        if (r < 0)
                on_ill(s, strerror(-r), -1);
}

static void on_refuses_socket(void *owner) {
        Switch *s = owner;

        s->health = health_drop(s->health);
        if (s->is_proxy) {
                fail(s, -1, "The app listens on port %lld behind a proxy that gives it another one. It must listen on the port in PORT.",
                     (long long) s->project->port);
                return;
        }
        s->is_proxy = true;
        say(s, "the app opened TCP port %lld itself (a static binary?): it is served through a proxy, which costs some speed",
            (long long) s->project->port);
        if (!s->is_moved) {
                stop_slot(s, s->slot, stopped_for_proxy);
                return;
        }
        if (write_spec(s, s->release, false) < 0)
                on_ill(s, "The slot's description could not be written.", -1);
        else
                restart_service(s);
}

static const HealthOps health_ops = { .said = on_said, .healthy = on_healthy, .ill = on_ill, .refuses_socket = on_refuses_socket };

static int watch_slot(Switch *s) {
        s->health = health_drop(s->health);
        return health_watch(s->c, s->project, s->slot, &health_ops, s, &s->health);
}

static void begin_check(Switch *s) {
        enter(s, SWITCH_CHECKS);
        if (s->to == SWITCH_ARM)
                health_await_armed(s->health, ARMED_SECONDS * USEC_PER_SEC);
        else
                health_ask(s->health, HEALTH_SECONDS * USEC_PER_SEC);
}

/* The service, not the socket: those who wait in it stay. */
static void restarted(void *owner, bool ok, const char *verb, const char *word, const char *sentence) {
        Switch *s = owner;
        int r;

        s->plan = plan_drop(s->plan);
        (void) verb;
        if (!ok) {
                char text[640];
                (void) snprintf(text, sizeof text, "The app could not be started again (%s): %s", word, sentence);
                on_ill(s, text, -1);
                return;
        }
        r = watch_slot(s);
        if (r < 0)
                on_ill(s, strerror(-r), -1);
        else
                health_ask(s->health, HEALTH_SECONDS * USEC_PER_SEC);
}

/* An exclusive project's new release is ill: the old one, in the slot that is live now. */
static void begin_back(Switch *s) {
        s->goes_back = true;
        s->is_proxy = false;
        if (store_release_get(s->c->store, s->project->id, s->project->live_release, &s->old_release) != STORE_OK ||
            write_spec(s, &s->old_release, false) < 0) {
                over_soon(s);
                return;
        }
        (void) store_project_set_live(s->c->store, s->project->id, s->slot, s->old_release.number);
        say(s, "release %lld is started again", (long long) s->old_release.number);
        restart_service(s);
}

/* --- the new slot --- */

static void started(void *owner, bool ok, const char *verb, const char *word, const char *sentence) {
        Switch *s = owner;

        s->plan = plan_drop(s->plan);
        (void) verb;
        if (!ok)
                fail(s, -1, "The slot could not be started (%s): %s", word, sentence);
        else if (s->to == SWITCH_SLEEP || moves_first(s))
                begin_move(s);
        else
                begin_check(s);
}

static void freed(void *owner, bool ok, const char *verb, const char *word, const char *sentence) {
        Switch *s = owner;
        Plan *plan = NULL;
        int r;

        if (!ok) {
                fail(s, -1, "Slot %s could not be freed (%s, %s): %s", s->slot, verb, word, sentence);
                return;
        }
        r = s->to == SWITCH_SLEEP ? 0 : watch_slot(s);
        if (r == 0)
                r = plan_new(s->c->helper, &plan);
        if (r == 0) {
                plan_add(plan, s->to == SWITCH_SLEEP ? "socket-start" : "unit-start", s->project->id, s->slot, NULL);
                r = run_plan(s, plan, started);
        }
        if (r < 0)
                fail(s, -1, "The slot could not be started: %s.", strerror(-r));
}

static void begin_start(Switch *s) {
        Plan *plan = NULL;
        int r = write_spec(s, s->release, s->to != SWITCH_RUN);

        if (r == 0)
                r = plan_new(s->c->helper, &plan);
        if (r == 0) {
                /* A slot that something left running would serve an older release. */
                plan_add(plan, "unit-stop", s->project->id, s->slot, NULL);
                r = run_plan(s, plan, freed);
        }
        if (r < 0)
                fail(s, -1, "The slot could not be started: %s.", strerror(-r));
}

/* --- making and dropping --- */

static void begin(void *owner) {
        Switch *s = owner;

        s->timer = timer_drop(s->timer);
        switch (s->to) {
        case SWITCH_RUN:
        case SWITCH_ARM:
        case SWITCH_SLEEP:
                enter(s, SWITCH_STARTS);
                say(s, "release %lld starts in slot %s", (long long) s->release->number, s->slot);
                begin_start(s);
                break;
        case SWITCH_STATIC:
                begin_move(s);
                break;
        case SWITCH_TIDY:
                begin_drain(s);
                break;
        }
}

int switch_begin(const DeployContext *c, const ProjectRow *project, const ReleaseRow *release, SwitchTo to, const SwitchOps *ops,
                 void *owner, Switch **ret_switch) {
        Switch *s = calloc(1, sizeof *s);
        const char *live = project->live_slot;
        int r;

        if (!s)
                return -ENOMEM;
        s->c = c;
        s->project = project;
        s->release = release;
        s->to = to;
        s->ops = *ops;
        s->owner = owner;
        if (to != SWITCH_STATIC && to != SWITCH_TIDY)
                (void) snprintf(s->slot, sizeof s->slot, "%s", switch_other_slot(live));
        (void) snprintf(s->old, sizeof s->old, "%s", to == SWITCH_TIDY ? switch_other_slot(live) : live);
        s->is_proxy = release && strcmp(release->kind, "proxy") == 0;
        s->receipt.started_at_ms = clock_now_ms();
        r = timer_start(c->loop, 0, begin, s, &s->timer);
        if (r < 0) {
                free(s);
                return r;
        }
        *ret_switch = s;
        return 0;
}

bool switch_cancel(Switch *s) {
        if (s->is_moved || s->is_over_soon || s->to == SWITCH_TIDY)
                return false;
        s->health = health_drop(s->health);
        s->timer = timer_drop(s->timer);
        if (s->slot[0])
                stop_slot(s, s->slot, stopped);
        else
                over_soon(s);
        return true;
}

Switch *switch_drop(Switch *s) {
        if (!s)
                return NULL;
        plan_drop(s->plan);
        health_drop(s->health);
        drain_drop(s->drain);
        timer_drop(s->timer);
        release_row_done(&s->old_release);
        free(s);
        return NULL;
}
