/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Keeps the projects of this node as they should be: puts idle ones to sleep, notices who wakes, starts again what crashed, and after a
 * restart of the agent puts right what it finds. It is not needed for a wake: that is done by the armed runner or by systemd alone. */
#pragma once

#include "deployment/context.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum {
        LIFE_NONE, /* nothing was ever live */
        LIFE_AWAKE,
        LIFE_DOZING,
        LIFE_ARMED,
        LIFE_ASLEEP,
        LIFE_CRASHED, /* given up for a while: neither app nor socket */
        LIFE_STATIC,
} LifeKind;

int keeper_new(const DeployContext *c, Keeper **ret_keeper);
Keeper *keeper_free(Keeper *k); /* NULL-safe, returns NULL */

/* Reads where the `live` links point, which is the truth, into the database; then begins to follow. Before deployer_recover(). */
int keeper_start(Keeper *k);

/* The project's row has changed, or whoever had claimed it is done: looks again. Also for one that is new or gone. */
void keeper_look(Keeper *k, const char *project_id);
/* A deployment has made a release live and found it healthy. */
void keeper_went_live(Keeper *k, const char *project_id);

/* Grows when a project becomes another kind: two equal numbers mean that none has between. */
uint64_t keeper_changes(const Keeper *k);
LifeKind keeper_kind(const Keeper *k, const char *project_id);
/* How often it was woken since the agent was started. */
uint64_t keeper_wakes(const Keeper *k, const char *project_id);
/* Every project of this node, in the order of their ids. slot is empty when nothing was ever live. */
void keeper_each(const Keeper *k, void (*each)(void *owner, const char *project_id, const char *slot, LifeKind kind), void *owner);
/* Sets `sleep`, `crash` and `memory_bytes` of a project's JSON. */
void keeper_describe(const Keeper *k, const ProjectRow *row, json_t *object);

/* --- on request --- */

typedef struct KeeperWait KeeperWait;
/* type NULL: done. Else a stable word and a sentence. */
typedef void (*KeeperDone)(void *owner, const char *type, const char *sentence);

/* Sleep is done when `live` points to the sleeping slot; wake when the app has answered. done() is never called from inside. */
int keeper_sleep(Keeper *k, const char *project_id, bool deep, KeeperDone done, void *owner, KeeperWait **ret_wait);
int keeper_wake(Keeper *k, const char *project_id, KeeperDone done, void *owner, KeeperWait **ret_wait);
KeeperWait *keeper_wait_drop(KeeperWait *w); /* NULL-safe, returns NULL; what was asked for still happens */
