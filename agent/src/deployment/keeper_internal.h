/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the files of the keeper share: keeper.c (the lives and what is told of them), keeper_sleep.c (idle, doze, sleep, wake),
 * keeper_crash.c (giving up and trying again), keeper_repair.c (what a dead agent or machine left). Nobody else includes this. */
#pragma once

#include "deployment/claim.h"
#include "deployment/keeper.h"
#include "deployment/plan.h"
#include "deployment/switch.h"
#include "system/connections.h"
#include "system/journal.h"
#include "system/notices.h"
#include "system/slots.h"

#include <string.h>

enum {
        ARMED_MOST_BYTES = 4 * 1024 * 1024, /* an armed runner has a small part of this, a server of any kind more */
        STEADY_US = 60 * 1000 * 1000,       /* an app that ran so long has not crashed at its start */
        CRASHES_MOST = 3,                   /* in a row, each within STEADY_US; then it is given up for a while */
        LAST_LINES = 20,
};

/* What is known of one slot's service. */
typedef struct {
        bool is_known, is_active;
        bool is_woken; /* it has said so */
        char invocation[33];
} SlotService;

/* What serves one project, and what is being done about it. */
typedef struct Life Life;
struct Life {
        Keeper *k;
        char id[13], slot[2];
        LifeKind kind;
        int64_t since_ms;       /* it is of that kind */
        SlotService service[2]; /* a, b */

        int64_t idle_seconds; /* 0: never sleeps */
        bool dozes;
        uint64_t busy_us;    /* seen in use last */
        uint64_t started_us; /* it became awake */
        LifeKind woke_from;  /* LIFE_NONE: not waking */
        uint64_t wakes;      /* seen by this agent */

        /* one operation at a time, under the project's claim */
        Switch *sw;
        SwitchTo to;
        ProjectRow row;
        ReleaseRow release;
        Plan *plan;
        Timer *again;               /* the claim was taken, or it is not time yet */
        bool has_socket, has_stray; /* while sockets are looked at: the live slot's, the other's */

        bool is_guessed;              /* awake, when the agent started: the process was perhaps not yet what it is */
        bool wants_sleep, wants_deep; /* asked for, while something else was under way */
        Fetch *knock;                 /* a wake on request */
        KeeperWait *waits;

        unsigned crashes, attempts;
        int64_t crashed_ms, attempt_ms; /* given up; next attempt */
        char reason[320];
        JournalFollow *words;
        json_t *lines; /* its last ones */
};

struct Keeper {
        const DeployContext *c;
        Life **lives; /* ordered by id */
        size_t n, size;
        SlotFollow *slots;
        NoticeFollow *notices;
        Timer *sweep, *repair;
        uint64_t changes;       /* of kinds */
        uint64_t slow_sweep_us; /* armed ones were looked at last */
};

struct KeeperWait {
        KeeperWait *next;
        Life *life; /* NULL: answered */
        Timer *timer;
        enum { WAIT_SLEEP, WAIT_WAKE } what;
        bool deep;
        char type[32], sentence[512];
        KeeperDone done;
        void *owner;
};

static inline SlotService *service_of(Life *l, const char *slot) {
        return &l->service[slot[0] == 'b'];
}

/* keeper.c */
Life *life_find(const Keeper *k, const char *project_id);
void life_set(Life *l, LifeKind kind);
/* Takes the claim and reads the rows. False: not now; look again later. */
bool life_claim(Life *l);
/* The operation is over: gives the claim back and looks at what there is now. */
void life_release(Life *l);
/* What there is now, against what there should be. */
void life_look(Life *l);
/* Answers all who wait for `what`. type NULL: done. */
void life_answer(Life *l, int what, const char *type, const char *sentence);

/* keeper_sleep.c */
void life_begin_sleep(Life *l, bool deep);
void keeper_sweep(void *owner);
/* The sweep is needed again, or no more. */
void keeper_set_sweep(Keeper *k);
void life_knock(Life *l);

/* keeper_crash.c */
void life_crashed(Life *l);
void life_try_again(void *owner);
void life_recovered(Life *l);
json_t *life_describe_crash(const Life *l);
/* From the row, after a restart of the agent. */
void life_read_crash(Life *l, const char *crash);

/* keeper_repair.c */
/* The database follows the `live` link. */
int keeper_follow_link(Keeper *k, ProjectRow *row);
/* Looks for sockets that are open and should not be, or should be and are not. */
void keeper_repair(void *owner);
/* Drains and stops what is in the slot that is not live. */
void life_tidy(Life *l);
/* Opens the live slot's socket, which is not there. */
void life_reopen(Life *l);
