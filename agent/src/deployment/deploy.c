/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "deployment/deploy_internal.h"

#include "base/cleanup.h"
#include "deployment/describe.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- the end --- */

static void on_gone(void *owner) {
        Deploy *d = owner;
        d->ops.gone(d->owner, d);
}

void deploy_gone_soon(Deploy *d) {
        d->timer = timer_drop(d->timer);
        if (timer_start(d->c->loop, 0, on_gone, d, &d->timer) < 0)
                d->ops.gone(d->owner, d);
}

void deploy_cleaned_up(void *owner, bool ok, const char *verb, const char *word, const char *sentence) {
        Deploy *d = owner;
        (void) ok;
        (void) verb;
        (void) word;
        (void) sentence;
        deploy_gone_soon(d);
}

/* Stops what this deployment had started, and only that. */
static void clean_up(Deploy *d) {
        int r;

        if (d->sw && (d->switch_failed || switch_cancel(d->sw)))
                return; /* the switch stops its slot, and says when it is over */
        claim_drop(d->c->claims, d->project.id, d);
        r = plan_new(d->c->helper, &d->plan);
        if (r == 0 && d->build_started && !d->build_ended) {
                plan_add(d->plan, "build-stop", d->project.id, NULL, NULL);
                r = plan_run(d->plan, deploy_cleaned_up, d);
        } else
                deploy_gone_soon(d);
        if (r < 0)
                deploy_gone_soon(d);
}

void deploy_finish(Deploy *d, DeployState state) {
        const char *result = state == D_LIVE ? "ok" : "failed";

        if (state == D_FAILED && d->step.name && !d->row.failed_step)
                (void) deploy_set_text(&d->row.failed_step, d->step.name);
        deploy_end_step(d, result);
        d->row.finished_at_ms = clock_now_ms();
        deploy_enter(d, state);
        deploy_emit(d, "end", describe_deployment(d->c, &d->project, &d->row, true));
        d->ops.ended(d->owner, d);
}

static void deploy_end_badly(Deploy *d, DeployState state) {
        deploy_drop_pending(d);
        deploy_finish(d, state);
        clean_up(d);
}

void deploy_fail(Deploy *d, const char *format, ...) {
        char *sentence = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&sentence, format, ap) < 0)
                sentence = NULL;
        va_end(ap);
        free(d->row.failure);
        d->row.failure = sentence ? sentence : strdup("out of memory in the agent");
        d->row.exit_code = d->exit_code;
        deploy_end_badly(d, D_FAILED);
}

void deploy_cancel(Deploy *d, const char *sentence) {
        if (d->state == D_LIVE || d->state == D_FAILED || d->state == D_CANCELED || d->state == D_SWITCH)
                return;
        deploy_say(d, sentence);
        deploy_end_badly(d, D_CANCELED);
}

/* --- making and dropping --- */

int deploy_new(const DeployContext *c, const char *deployment_id, const DeployOps *ops, void *owner, Deploy **ret_deploy) {
        Deploy *d = calloc(1, sizeof *d);
        int r;

        if (!d)
                return -ENOMEM;
        d->c = c;
        d->ops = *ops;
        d->owner = owner;
        d->state = D_QUEUED;
        d->exit_code = -1;
        r = store_deployment_get(c->store, deployment_id, &d->row);
        if (r == STORE_OK)
                r = store_project_get(c->store, d->row.project_id, &d->project);
        if (r == STORE_OK)
                r = event_log_open(c->logs, deployment_id, &d->log);
        if (r != 0) {
                deploy_drop(d);
                return r < 0 ? r : -ENOENT;
        }
        deploy_emit(d, "deployment", describe_deployment(c, &d->project, &d->row, false));
        *ret_deploy = d;
        return 0;
}

Deploy *deploy_drop(Deploy *d) {
        if (!d)
                return NULL;
        deploy_drop_pending(d);
        event_log_close(d->log);
        step_row_done(&d->step);
        deployment_row_done(&d->row);
        switch_drop(d->sw);
        release_row_done(&d->release);
        claim_drop(d->c->claims, d->project.id, d);
        project_row_done(&d->project);
        free(d->node);
        free(d->bun);
        free(d->address);
        free(d->start_command);
        free(d->root);
        free(d->failure);
        free(d);
        return NULL;
}

const char *deploy_id(const Deploy *d) {
        return d->row.id;
}

bool deploy_builds(const Deploy *d) {
        return strcmp(d->row.kind, "deploy") == 0 && d->state < D_START;
}

const char *deploy_project_id(const Deploy *d) {
        return d->row.project_id;
}

/* --- one that nobody finished --- */

int deploy_mark_interrupted(const DeployContext *c, const DeploymentRow *row, const ProjectRow *project, bool is_live) {
        DeploymentRow after = *row;
        EventLog *log = NULL;
        char *text;
        json_t *event;
        StepRow *steps = NULL;
        size_t n = 0;
        int r;

        after.state = (char *) (uintptr_t) (is_live ? "live" : "failed");
        after.failed_step = is_live ? NULL : row->state;
        after.failure = (char *) (uintptr_t) (is_live ? NULL : "The agent was stopped during this deployment. Deploy again.");
        after.finished_at_ms = clock_now_ms();
        if (store_step_list(c->store, row->id, &steps, &n) == STORE_OK)
                for (size_t i = 0; i < n; i++) {
                        if (steps[i].finished_at_ms == 0) {
                                (void) deploy_set_text(&steps[i].result, is_live ? "ok" : "failed");
                                steps[i].finished_at_ms = after.finished_at_ms;
                                (void) store_step_put(c->store, &steps[i]);
                        }
                        step_row_done(&steps[i]);
                }
        free(steps);
        r = store_deployment_update(c->store, &after);
        if (r != STORE_OK)
                return r < 0 ? r : -ENOENT;
        r = event_log_open(c->logs, row->id, &log);
        if (r < 0)
                return r;
        event = describe_deployment(c, project, &after, true);
        text = event ? json_dumps(event, JSON_COMPACT) : NULL;
        r = text ? event_log_append(log, "end", text) : -ENOMEM;
        free(text);
        json_decref(event);
        event_log_close(log);
        return r;
}
