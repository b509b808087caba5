/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "deployment/deploy_internal.h"

#include "base/cleanup.h"
#include "base/paths.h"
#include "base/text.h"
#include "deployment/defaults.h"
#include "deployment/environment.h"
#include "deployment/spec.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

enum {
        BUILD_WORDS_US = 3 * 1000 * 1000, /* the journal may deliver the last lines after the unit's end */
        DISK_LOOK_US = 1000 * 1000,
};

/* --- fetch, install, build, release: the build unit speaks --- */

/* A build may write as much as it likes, and no quota holds it on an ordinary file system: so it is stopped before the disk is full, since
 * a full one takes the database, the journal and the other apps along. */
void deploy_disk_space(uint64_t *ret_free_mib, uint64_t *ret_reserve_mib) {
        struct statvfs fs;
        uint64_t total_mib;

        *ret_free_mib = UINT64_MAX;
        *ret_reserve_mib = 0;
        if (statvfs(NS_SITES, &fs) < 0)
                return;
        total_mib = (uint64_t) fs.f_blocks * fs.f_frsize >> 20;
        *ret_free_mib = (uint64_t) fs.f_bavail * fs.f_frsize >> 20;
        *ret_reserve_mib = total_mib / 33;
        if (*ret_reserve_mib > 1024)
                *ret_reserve_mib = 1024;
}

static void disk_looked_at(void *owner) {
        Deploy *d = owner;
        uint64_t free_mib, reserve_mib;

        deploy_disk_space(&free_mib, &reserve_mib);
        if (free_mib < reserve_mib) {
                d->disk = timer_drop(d->disk);
                deploy_fail(d,
                            "The disk of this server is nearly full: %llu MiB are free, and %llu MiB must stay free. Remove projects or "
                            "files, or deploy on a larger server.",
                            (unsigned long long) free_mib, (unsigned long long) reserve_mib);
                return;
        }
        (void) timer_rearm(d->disk, DISK_LOOK_US);
}

static void build_succeeded(Deploy *d) {
        ReleaseRow release = {
                .project_id = d->project.id,
                .number = d->row.release,
                .kind = (char *) (uintptr_t) (d->is_static ? "static" : "app"),
                .deployment_id = d->row.id,
                .commit = d->row.commit,
                .start_command = d->start_command ? d->start_command : (char *) (uintptr_t) "",
                .root_directory = d->root ? d->root : d->project.root_directory,
                .node_version = d->node,
                .bun_version = d->bun,
                .created_at_ms = clock_now_ms(),
        };
        int r;

        deploy_drop_pending(d);
        if (d->state != D_RELEASE) {
                deploy_fail(d, "The build ended before it had made a release.");
                return;
        }
        r = store_release_put(d->c->store, &release);
        if (r != STORE_OK) {
                deploy_fail(d, "The release could not be recorded: %s.", r < 0 ? strerror(-r) : "it exists already");
                return;
        }
        deploy_start(d);
}

static void build_failed(Deploy *d) {
        const UnitState *u = &d->unit_state;

        /* What systemd ended says more than the runner can, which only sees the signal. */
        if (strcmp(u->result, "oom-kill") == 0)
                deploy_fail(d, "Out of memory at %lld MiB: raise the project's build_memory_mib.", (long long) d->project.build_memory_mib);
        else if (strcmp(u->result, "timeout") == 0)
                deploy_fail(d, "The build took longer than its limit of %lld s: raise the project's build_seconds.",
                            (long long) d->project.build_seconds);
        else if (d->failure)
                deploy_fail(d, "%s", d->failure);
        else if (u->exec_code == CLD_EXITED)
                deploy_fail(d, "The build ended without a word, with exit code %d.", u->exec_status);
        else
                deploy_fail(d, "The build ended without a word (%s, signal %d).", u->result, u->exec_status);
}

static void build_verdict(void *owner) {
        Deploy *d = owner;

        d->timer = timer_drop(d->timer);
        if (d->journal)
                (void) journal_follow_flush(d->journal);
        /* The flush may have ended it. */
        if (!d->build_ended || d->state > D_RELEASE)
                return;
        if (d->build_done && strcmp(d->unit_state.result, "success") == 0)
                build_succeeded(d);
        else
                build_failed(d);
}

/* Both the unit's end and its last line are waited for: either may come first. */
static void build_may_be_over(Deploy *d) {
        if (!d->build_ended)
                return;
        d->timer = timer_drop(d->timer);
        if (timer_start(d->c->loop, d->build_done || d->failure ? 0 : BUILD_WORDS_US, build_verdict, d, &d->timer) < 0)
                build_verdict(d);
}

static void build_unit_changed(void *owner, const UnitState *state) {
        Deploy *d = owner;
        bool ended = unit_life_has_ended(&d->life, state, clock_monotonic_us());

        /* An inactive unit is soon forgotten by systemd, its invocation with it; the runner's own last word counts as well. */
        if (!ended && !((d->build_done || d->failure) && unit_is_over(state)))
                return;
        d->build_ended = true;
        d->unit_state = *state;
        build_may_be_over(d);
}

static void step_ended(Deploy *d, const BuildLine *line) {
        const char *step = build_step_name(line->step);
        char *sentence = NULL;
        int n = 0;

        if (line->end == BUILD_END_OK || d->failure)
                return;
        switch (line->end) {
        case BUILD_END_EXIT:
                d->exit_code = line->number;
                n = asprintf(&sentence, "%s failed with exit code %u.", step, line->number);
                break;
        case BUILD_END_SIGNAL:
                n = asprintf(&sentence, "%s was ended by signal %s.", step, line->text);
                break;
        case BUILD_END_OOM:
                n = asprintf(&sentence, "Out of memory at %u MiB: raise the project's build_memory_mib.", line->number);
                break;
        case BUILD_END_ERROR:
                n = asprintf(&sentence, "%s", line->text);
                break;
        case BUILD_END_OK:
                break;
        }
        d->failure = n < 0 ? NULL : sentence;
        (void) deploy_set_text(&d->row.failed_step, step);
}

static void enter_build_step(Deploy *d, BuildStep step) {
        DeployState to = (DeployState) (D_FETCH + (int) step);

        if (to == d->state || !deploy_may_enter(d, to))
                return;
        deploy_enter(d, to);
}

static void build_said(void *owner, const JournalLine *line) {
        Deploy *d = owner;
        BuildLine b;

        /* What the program prints keeps its colours; what is said of it (a commit's subject) has none. */
        build_line_parse(text_starts(line->message, "out ") ? line->coloured : line->message, &b);
        switch (b.says) {
        case BUILD_SAYS_BEGIN:
                enter_build_step(d, b.step);
                break;
        case BUILD_SAYS_END:
                step_ended(d, &b);
                break;
        case BUILD_SAYS_OUT:
        case BUILD_SAYS_NOTE:
                deploy_say(d, b.text);
                break;
        case BUILD_SAYS_COMMIT:
                (void) deploy_set_text(&d->row.commit, b.text);
                break;
        case BUILD_SAYS_AUTHOR:
                (void) deploy_set_text(&d->row.author, b.text);
                break;
        case BUILD_SAYS_SUBJECT:
                (void) deploy_set_text(&d->row.subject, b.text);
                deploy_save(d);
                break;
        case BUILD_SAYS_START:
                (void) deploy_set_text(&d->start_command, b.text);
                break;
        case BUILD_SAYS_ROOT:
                (void) deploy_set_text(&d->root, b.text);
                break;
        case BUILD_SAYS_STATIC:
                d->is_static = true;
                deploy_sayf(d, "nothing to start, and an index.html in %s: this is a static site", b.text);
                break;
        case BUILD_SAYS_DONE:
                d->build_done = true;
                break;
        case BUILD_SAYS_DEPLOYMENT:
        case BUILD_SAYS_UNKNOWN:
                break;
        }
        if (d->build_done || d->failure)
                build_may_be_over(d);
}

/* --- the start of it --- */

static void build_running(void *owner, bool ok, const char *verb, const char *word, const char *sentence) {
        Deploy *d = owner;

        d->plan = plan_drop(d->plan);
        if (!ok)
                deploy_fail(d, "The server could not be prepared for the build (%s, %s): %s", verb, word, sentence);
}

static void put_units(const Deploy *d, FieldWriter *w) {
        const ProjectRow *p = &d->project;
        const struct {
                const char *key;
                int64_t value;
        } numbers[] = {
                { "memory_mib", p->memory_mib },
                { "cpu_percent", p->cpu_percent },
                { "tasks", p->tasks_max },
                { "build_memory_mib", p->build_memory_mib },
                { "build_cpu_percent", p->build_cpu_percent },
                { "build_tasks", BUILD_TASKS },
                { "build_seconds", p->build_seconds },
                { "start_on_boot", p->scale_to_zero && p->idle_seconds ? 0 : 1 },
                { "stop_seconds", STOP_SECONDS },
        };
        for (size_t i = 0; i < ELEMENTS(numbers); i++)
                fields_put_number(w, numbers[i].key, (unsigned long) numbers[i].value);
}

int deploy_plan_settings(Deploy *d, Plan *plan) {
        FieldWriter units = { 0 }, env = { 0 };
        json_t *variables = NULL;
        int r = environment_unseal(d->c->sealer, d->project.id, d->project.env_vars, &variables);

        if (r < 0)
                return r;
        put_units(d, &units);
        environment_put(&env, variables);
        json_decref(variables);
        plan_add(plan, "user-add", d->project.id, NULL, NULL);
        plan_add(plan, "unit-install", d->project.id, NULL, &units);
        plan_add(plan, "env-install", d->project.id, NULL, &env);
        return 0;
}

static int plan_build(Deploy *d) {
        int r = plan_new(d->c->helper, &d->plan);

        if (r == 0)
                r = deploy_plan_settings(d, d->plan);
        if (r < 0)
                return r;
        plan_add(d->plan, "build-start", d->project.id, NULL, NULL);
        return plan_run(d->plan, build_running, d);
}

void deploy_build(Deploy *d) {
        char unit[64];
        const char *units[] = { unit, NULL };
        BuildSpec spec = {
                .deployment = d->row.id,
                .commit = d->row.commit[0] ? d->row.commit : NULL,
                .resolve = d->address,
                .node = d->node,
                .bun = d->bun,
                .registry = d->c->registry,
                .ca = d->c->ca,
        };
        int r;

        r = store_project_take_release(d->c->store, d->project.id, &d->row.release);
        if (r != STORE_OK) {
                deploy_fail(d, "No release number could be taken: %s.", r < 0 ? strerror(-r) : "the project is gone");
                return;
        }
        spec.release = (long) d->row.release;
        deploy_save(d);
        (void) snprintf(unit, sizeof unit, "nanoscale-build-%s.service", d->project.id);
        r = spec_write_build(NS_SPECS, &d->project, d->row.branch, &spec);
        if (r == 0)
                r = journal_follow(d->c->loop, units, NULL, 0, build_said, NULL, d, &d->journal);
        d->build_started = true;
        if (r == 0)
                r = units_watch(d->c->units, unit, UNIT_POLL_US, build_unit_changed, d, &d->unit);
        if (r == 0)
                r = timer_start(d->c->loop, 0, disk_looked_at, d, &d->disk);
        if (r == 0)
                r = plan_build(d);
        if (r == -EBADMSG)
                deploy_fail(d, "The project's environment variables cannot be read: the stored text or the sealing key has been changed.");
        else if (r < 0)
                deploy_fail(d, "The build could not be prepared: %s.", strerror(-r));
}
