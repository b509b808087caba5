/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the files of one deployment share: deploy.c (making, ending, dropping), deploy_state.c (states, steps, events), deploy_prepare.c,
 * deploy_build.c and deploy_start.c (the states in their order). Nobody else includes this. */
#pragma once

#include "deployment/build_log.h"
#include "deployment/claim.h"
#include "deployment/deploy.h"
#include "deployment/plan.h"
#include "deployment/resolve.h"
#include "deployment/switch.h"
#include "deployment/unit_life.h"
#include "system/journal.h"

#include <jansson.h>
#include <stdbool.h>

typedef enum {
        D_QUEUED,
        D_PREPARE, /* runtimes, address of the repository, user, units, env: shown as the beginning of `fetch` */
        D_FETCH,
        D_INSTALL,
        D_BUILD,
        D_RELEASE,
        D_START,
        D_CHECK,
        D_SWITCH,
        D_LIVE,
        D_FAILED,
        D_CANCELED,
} DeployState;

enum { UNIT_POLL_US = 2 * 1000 * 1000 /* should a signal be missed */ };

struct Deploy {
        const DeployContext *c;
        DeployOps ops;
        void *owner;
        ProjectRow project;
        DeploymentRow row;
        DeployState state;
        EventLog *log;
        StepRow step; /* the one that runs; name NULL: none */

        /* pending things, at most one of each */
        RuntimeWait *node_wait, *bun_wait;
        Resolve *resolve;
        Plan *plan;
        UnitWatch *unit;
        JournalFollow *journal;
        Switch *sw;
        Timer *timer;
        Timer *disk; /* looks at the free space while a build runs */

        /* what was found out on the way */
        char *node, *bun, *address;
        char *start_command, *root;
        UnitLife life;
        UnitState unit_state; /* of the unit that ended */
        bool build_started, build_done, build_ended, switch_failed, is_static;
        char *failure;
        int64_t exit_code;
        ReleaseRow release; /* that is to go live */
};

/* deploy_state.c. The one door to another state: ends the step that ran, begins the new state's, stores and tells. */
void deploy_enter(Deploy *d, DeployState state);
const char *deploy_state_shown(DeployState state);
bool deploy_may_enter(const Deploy *d, DeployState state);
void deploy_end_step(Deploy *d, const char *result);
/* Stores the row and tells those who follow. */
void deploy_save(Deploy *d);
/* One event; takes the reference. */
void deploy_emit(Deploy *d, const char *type, json_t *event);
/* A line of the log, under the step that runs. */
void deploy_say(Deploy *d, const char *line);
void deploy_sayf(Deploy *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Replaces *to by a copy; 0 or -ENOMEM. */
int deploy_set_text(char **to, const char *text);
/* Cancels everything that is being waited for. */
void deploy_drop_pending(Deploy *d);

/* deploy.c. The end: stores, tells, and cleans up what had been started. */
void deploy_finish(Deploy *d, DeployState state);
void deploy_fail(Deploy *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
void deploy_gone_soon(Deploy *d);
void deploy_cleaned_up(void *owner, bool ok, const char *verb, const char *word, const char *sentence); /* a PlanDone */

/* deploy_build.c: runtimes and address are known; writes the spec and starts the build unit. */
void deploy_build(Deploy *d);
/* Free space of the file system that holds the projects in MiB, and what must stay free. */
void deploy_disk_space(uint64_t *ret_free_mib, uint64_t *ret_reserve_mib);
/* Adds the requests that put user, units and variables in place. */
int deploy_plan_settings(Deploy *d, Plan *plan);
/* deploy_start.c: the release is there; switches to it. */
void deploy_start(Deploy *d);
