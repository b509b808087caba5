/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Asks nanoscale-acme@.service, which runs certbot, for a certificate (docs/design/interfaces.md). The pair is then in certbot's live
 * directory. */
#pragma once

#include "event/loop.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct AcmeCall AcmeCall;

typedef struct {
        const char *name;
        const char *email;  /* NULL: none */
        const char *server; /* URL of the authority's directory */
        const char *ca;     /* file with whom to trust as the authority's server; NULL: the system's */
        const char *hook;   /* program that puts the record of dns-01; NULL: http-01 through the webroot */
        bool force;         /* even when certbot has one that is good for longer */
} AcmeRequest;

typedef struct {
        bool ok;
        const char *word; /* when not ok: challenge, rate-limit, unreachable, refused, disk, timeout, other */
        const char *text; /* a sentence; never NULL; valid during the call */
        bool is_busy;     /* no answer at all: it may still work for an agent of before, and serves one at a time */
} AcmeAnswer;

typedef void (*AcmeDone)(void *owner, const AcmeAnswer *answer);

/* One answer line, with its newline, in place. What is no such line is "other". */
void acme_answer_parse(char *text, size_t length, AcmeAnswer *ret);

/* done() is never called from inside, and comes within eleven minutes. */
int acme_call(Loop *l, const char *socket, const AcmeRequest *request, AcmeDone done, void *owner, AcmeCall **ret_call);
AcmeCall *acme_call_drop(AcmeCall *c); /* NULL-safe, returns NULL; what was asked for may still happen; allowed inside done() */
