/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Does a name point to this server? An authority that is asked too early refuses, and counts that. */
#pragma once

#include "event/loop.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct DnsCheck DnsCheck;

typedef enum {
        DNS_HERE,
        DNS_UNKNOWN,   /* this server does not know its own address to the world, or could not ask: the authority has to find out */
        DNS_ABSENT,    /* the name does not resolve */
        DNS_ELSEWHERE, /* all or some of it points elsewhere */
} DnsVerdict;

/* sentence: what is there and what to set; "" for the first two; valid during the call. */
typedef void (*DnsDone)(void *owner, DnsVerdict verdict, const char *sentence);

/* answer: what `getent ahosts` prints; own: this server's addresses, separated by blanks, the one to recommend first. */
DnsVerdict dns_judge(const char *name, const char *answer, const char *own, char *ret_sentence, size_t size);
/* This server's addresses, without loopback and link-local ones. configured (may be NULL) stands for those of the interfaces. To be freed.
 */
int dns_own_addresses(const char *configured, char **ret_addresses);

/* The resolver may take long, and has locks: it runs in a program of its own. done() is never called from inside. */
int dns_check(Loop *l, const char *name, const char *configured, DnsDone done, void *owner, DnsCheck **ret_check);
DnsCheck *dns_check_drop(DnsCheck *c); /* NULL-safe, returns NULL; allowed inside done() */
