/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who asks: known for each request that reaches a handler through the administrators' socket or the web door. */
#pragma once

#include "auth/accounts.h"
#include "event/http_server.h"

typedef enum {
        ACTOR_NOBODY, /* not signed in, at the web door */
        ACTOR_ROOT,   /* root, or an administrator of the machine, at the administrators' socket */
        ACTOR_USER,
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
/* Word for the kind, for people and the audit log: root, user, token; "" for nobody. */
const char *actor_kind_word(ActorKind kind);
/* Of a request at the administrators' socket. Negative errno: no memory. */
int actor_attach_admin(HttpRequest *rq);
/* Takes a copy. */
int actor_attach(HttpRequest *rq, const Actor *actor);
