/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Finds out whether what was started in a slot works: asks the app on the slot's own socket until it answers with a status below 500, and
 * sees to it that its unit lives meanwhile. Of an armed runner it waits for the word. */
#pragma once

#include "deployment/context.h"

typedef struct Health Health;

/* After healthy(), ill() or refuses_socket() it does nothing more. */
typedef struct {
        void (*said)(void *owner, const char *line); /* what the app prints, and each try */
        void (*healthy)(void *owner, unsigned tries);
        void (*ill)(void *owner, const char *sentence, int exit_code); /* exit_code: -1 when it has none */
        /* The app listens on its TCP port itself: a static binary, which cannot be given the socket. */
        void (*refuses_socket)(void *owner);
} HealthOps;

/* Begins to watch the slot's unit and its lines; call it before the unit is started, so that nothing is missed. project is borrowed. No
 * callback runs from inside. */
int health_watch(const DeployContext *c, const ProjectRow *project, const char *slot, const HealthOps *ops, void *owner,
                 Health **ret_health);
/* The unit has been started. */
void health_ask(Health *h, uint64_t within_us);
void health_await_armed(Health *h, uint64_t within_us);
Health *health_drop(Health *h); /* NULL-safe, returns NULL; allowed inside its own callbacks */
