/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A request that waits for a password to be hashed, and what it is answered with. */
#pragma once

#include "api/actor.h"
#include "api/handlers.h"

/* For what came well; result is valid during the call. */
typedef void (*SignedWell)(Api *a, HttpRequest *rq, const SignResult *result);

typedef struct Signing Signing;

/* Between begin and await the task is started with signing_done and the Signing as its owner. NULL: no memory, and rq is answered. */
Signing *signing_begin(Api *a, HttpRequest *rq, SignedWell well);
void signing_done(void *owner, const SignResult *result);
/* r: what starting the task returned. */
void signing_await(Signing *s, int r, SignTask *task);

/* A text member of a body: answers 422 itself and returns NULL when it is absent, no text, or longer than max bytes. */
const char *take_text(HttpRequest *rq, const json_t *body, const char *name, size_t max);
/* 200 or 201 with Me, and the session's cookie when there is one. */
void reply_me(Api *a, HttpRequest *rq, unsigned status, const SignedIn *who, const char *cookie);
