/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A release that is there goes live: one just built, an older one (rollback), the same once more (restart). */
#include "deployment/deploy_internal.h"

#include "base/cleanup.h"
#include "deployment/defaults.h"
#include "deployment/keeper.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { CLAIM_AGAIN_US = 100 * 1000 };

/* --- after it --- */

static void old_releases_removed(void *owner, bool ok, const char *verb, const char *word, const char *sentence) {
        (void) ok; /* what is left goes with the next deployment's */
        (void) verb;
        (void) word;
        (void) sentence;
        deploy_gone_soon(owner);
}

/* The newest ones stay, and the one that is live, however old a rollback made it. */
static void remove_old_releases(Deploy *d) {
        ReleaseRow *releases = NULL;
        ProjectRow project = { 0 };
        size_t n = 0, kept = 0, removed = 0;
        char number[24];
        int r = plan_new(d->c->helper, &d->plan);

        if (r == 0 && store_project_get(d->c->store, d->project.id, &project) == STORE_OK &&
            store_release_list(d->c->store, d->project.id, &releases, &n) == STORE_OK)
                for (size_t i = 0; i < n; i++) {
                        /* A plan has room for a few. */
                        if (releases[i].number != project.live_release && ++kept >= KEPT_RELEASES && removed < 8) {
                                (void) snprintf(number, sizeof number, "%lld", (long long) releases[i].number);
                                plan_add(d->plan, "release-remove", d->project.id, number, NULL);
                                (void) store_release_delete(d->c->store, d->project.id, releases[i].number);
                                removed++;
                        }
                        release_row_done(&releases[i]);
                }
        free(releases);
        project_row_done(&project);
        if (r < 0 || removed == 0 || plan_run(d->plan, old_releases_removed, d) < 0)
                deploy_gone_soon(d);
}

static void on_over(void *owner) {
        Deploy *d = owner;
        const SwitchReceipt *receipt = switch_receipt(d->sw);

        if (d->state == D_LIVE) {
                json_t *json = switch_receipt_describe(receipt);
                free(d->row.receipt);
                d->row.receipt = json ? json_dumps(json, JSON_COMPACT) : NULL;
                json_decref(json);
                (void) store_deployment_update(d->c->store, &d->row);
        }
        d->sw = switch_drop(d->sw);
        claim_drop(d->c->claims, d->project.id, d);
        keeper_look(d->c->keeper, d->project.id);
        remove_old_releases(d);
}

/* --- during it --- */

static void on_said(void *owner, const char *line) {
        deploy_say(owner, line);
}

static void on_phase(void *owner, SwitchPhase phase) {
        Deploy *d = owner;

        /* An exclusive app is checked after `live` has moved. */
        if (phase != SWITCH_STARTS && d->state == D_START)
                deploy_enter(d, D_CHECK);
        if (phase == SWITCH_MOVES)
                deploy_enter(d, D_SWITCH);
}

static void on_live(void *owner) {
        Deploy *d = owner;

        (void) snprintf(d->project.live_slot, sizeof d->project.live_slot, "%s", switch_slot(d->sw));
        d->project.live_release = d->row.release;
        deploy_drop_pending(d);
        keeper_went_live(d->c->keeper, d->project.id);
        deploy_finish(d, D_LIVE);
}

static void on_failed(void *owner, const char *sentence, int exit_code) {
        Deploy *d = owner;

        d->switch_failed = true;
        d->exit_code = exit_code;
        deploy_fail(d, "%s", sentence);
}

static const SwitchOps switch_ops = { .said = on_said, .phase = on_phase, .live = on_live, .failed = on_failed, .over = on_over };

/* --- before it --- */

static void begin_switch(Deploy *d) {
        SwitchTo to = strcmp(d->release.kind, "static") == 0 ? SWITCH_STATIC : SWITCH_RUN;
        int r = switch_begin(d->c, &d->project, &d->release, to, &switch_ops, d, &d->sw);

        if (r < 0)
                deploy_fail(d, "The new release could not be started: %s.", strerror(-r));
}

static void refreshed(void *owner, bool ok, const char *verb, const char *word, const char *sentence) {
        Deploy *d = owner;

        d->plan = plan_drop(d->plan);
        if (ok)
                begin_switch(d);
        else
                deploy_fail(d, "The project's settings could not be put in place (%s, %s): %s", verb, word, sentence);
}

/* Settings may have changed since the release was built: limits and variables are taken as they are now. */
static void refresh(Deploy *d) {
        int r = plan_new(d->c->helper, &d->plan);

        if (r == 0)
                r = deploy_plan_settings(d, d->plan);
        if (r == 0)
                r = plan_run(d->plan, refreshed, d);
        if (r < 0)
                deploy_fail(d, "The project's settings could not be put in place: %s.", strerror(-r));
}

static void claim(void *owner) {
        Deploy *d = owner;
        ProjectRow now = { 0 };
        int r = claim_take(d->c->claims, d->project.id, d);

        d->timer = timer_drop(d->timer);
        if (r == 0)
                r = timer_start(d->c->loop, CLAIM_AGAIN_US, claim, d, &d->timer); /* it is falling asleep, or being restarted */
        else if (r > 0) {
                r = store_project_get(d->c->store, d->project.id, &now);
                if (r == STORE_OK) {
                        project_row_done(&d->project);
                        d->project = now;
                        r = store_release_get(d->c->store, d->project.id, d->row.release, &d->release);
                }
                if (r == STORE_E_ABSENT)
                        deploy_fail(d, "Release %lld is not kept any more.", (long long) d->row.release);
                else if (r == STORE_OK && strcmp(d->row.kind, "deploy") == 0)
                        begin_switch(d);
                else if (r == STORE_OK)
                        refresh(d);
        }
        if (r < 0)
                deploy_fail(d, "The new release could not be started: %s.", strerror(-r));
}

void deploy_start(Deploy *d) {
        deploy_enter(d, D_START);
        d->ops.built(d->owner, d);
        claim(d);
}
