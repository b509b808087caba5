/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "deployment/deploy_internal.h"

#include "base/cleanup.h"
#include "deployment/describe.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TO(s) (1u << (s))
#define ENDS (TO(D_FAILED) | TO(D_CANCELED))

static const struct {
        const char *shown; /* deployments.state */
        unsigned next;
        int step; /* which step runs in it, -1: none */
} states[] = {
        [D_QUEUED] = { "queued", TO(D_PREPARE) | TO(D_START) | ENDS, -1 },
        [D_PREPARE] = { "fetch", TO(D_FETCH) | ENDS, 0 },
        [D_FETCH] = { "fetch", TO(D_INSTALL) | TO(D_BUILD) | TO(D_RELEASE) | ENDS, 0 },
        [D_INSTALL] = { "install", TO(D_BUILD) | TO(D_RELEASE) | ENDS, 1 },
        [D_BUILD] = { "build", TO(D_RELEASE) | ENDS, 2 },
        [D_RELEASE] = { "release", TO(D_START) | ENDS, 3 },
        [D_START] = { "start", TO(D_CHECK) | ENDS, 4 },
        [D_CHECK] = { "check", TO(D_SWITCH) | ENDS, 5 },
        [D_SWITCH] = { "check", TO(D_LIVE) | ENDS, 5 },
        [D_LIVE] = { "live", 0, -1 },
        [D_FAILED] = { "failed", 0, -1 },
        [D_CANCELED] = { "canceled", 0, -1 },
};

static const char *const step_names[] = { "fetch", "install", "build", "release", "start", "check" };

const char *deploy_state_shown(DeployState state) {
        return states[state].shown;
}

bool deploy_may_enter(const Deploy *d, DeployState state) {
        return (states[d->state].next & TO(state)) != 0;
}

/* --- saying what happens --- */

void deploy_emit(Deploy *d, const char *type, json_t *event) {
        char *text = event ? json_dumps(event, JSON_COMPACT) : NULL;
        if (text)
                (void) event_log_append(d->log, type, text);
        free(text);
        json_decref(event);
}

void deploy_say(Deploy *d, const char *line) {
        deploy_emit(d, "log",
                    json_pack("{s:o, s:s, s:s}", "at", describe_time(clock_now_ms()), "step",
                              d->step.name ? d->step.name : deploy_state_shown(d->state), "line", line));
}

void deploy_sayf(Deploy *d, const char *format, ...) {
        auto_free char *line = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&line, format, ap) < 0)
                line = NULL;
        va_end(ap);
        if (line)
                deploy_say(d, line);
}

void deploy_save(Deploy *d) {
        (void) store_deployment_update(d->c->store, &d->row);
        deploy_emit(d, "deployment", describe_deployment(d->c, &d->project, &d->row, false));
}

int deploy_set_text(char **to, const char *text) {
        char *copy = text ? strdup(text) : NULL;
        if (text && !copy)
                return -ENOMEM;
        free(*to);
        *to = copy;
        return 0;
}

void deploy_end_step(Deploy *d, const char *result) {
        if (!d->step.name)
                return;
        (void) deploy_set_text(&d->step.result, result);
        d->step.finished_at_ms = clock_now_ms();
        (void) store_step_put(d->c->store, &d->step);
        deploy_emit(d, "step", describe_step(&d->step));
        step_row_done(&d->step);
        d->step = (StepRow){ 0 };
}

static void begin_step(Deploy *d, int position) {
        if (d->step.name && d->step.position == position)
                return;
        deploy_end_step(d, "ok");
        d->step = (StepRow){
                .deployment_id = strdup(d->row.id),
                .position = position,
                .name = strdup(step_names[position]),
                .result = strdup("running"),
                .started_at_ms = clock_now_ms(),
        };
        (void) store_step_put(d->c->store, &d->step);
        deploy_emit(d, "step", describe_step(&d->step));
}

/* The one door. */
void deploy_enter(Deploy *d, DeployState state) {
        assert(states[d->state].next & TO(state));
        d->state = state;
        if (states[state].step >= 0)
                begin_step(d, states[state].step);
        if (strcmp(d->row.state, states[state].shown) == 0)
                return;
        (void) deploy_set_text(&d->row.state, states[state].shown);
        deploy_save(d);
}

void deploy_drop_pending(Deploy *d) {
        d->node_wait = runtime_wait_drop(d->node_wait);
        d->bun_wait = runtime_wait_drop(d->bun_wait);
        d->resolve = resolve_drop(d->resolve);
        d->plan = plan_drop(d->plan);
        d->unit = unit_watch_drop(d->unit);
        d->journal = journal_follow_drop(d->journal);
        d->timer = timer_drop(d->timer);
        d->disk = timer_drop(d->disk);
}
