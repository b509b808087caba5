/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who asks: known for each request that reaches a handler through the administrators' socket or the web door. */
#pragma once

#include "auth/accounts.h"
#include "event/http_server.h"

typedef enum {
        ACTOR_NOBODY, /* not signed in */
        ACTOR_ROOT,   /* at the administrators' socket: root, … */
        ACTOR_ADMIN,  /* … another user of the machine, or … */
        ACTOR_SYSTEM, /* … the agent itself */
        ACTOR_USER,   /* at the web door */
        ACTOR_TOKEN,
} ActorKind;

typedef struct {
        ActorKind kind;
        char name[65];    /* of the user, the token, or the machine's user; may be empty */
        char address[48]; /* whence, at the web door; else empty */
        SignedIn who;     /* of ACTOR_USER and ACTOR_TOKEN */
} Actor;

/* Never NULL. */
const Actor *api_actor(const HttpRequest *rq);
/* Word for the kind in the audit log: root, user, system, token. Who is not signed in is a user whose name is not known. */
const char *actor_kind_word(ActorKind kind);
/* Of a request at the administrators' socket. Negative errno: no memory. */
int actor_attach_admin(HttpRequest *rq);
/* Takes a copy. */
int actor_attach(HttpRequest *rq, const Actor *actor);
