/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Follows the domains of this node's projects: asks an authority for certificates, one at a time, renews them, and looks after those that
 * users bring. Everything that it has to remember is in the table `domains`, so it can be stopped at any time.
 *
 *   waiting → (DNS points here) → issuing → valid → … → valid
 *      ↑ DNS elsewhere                ↓ refused: failed, again in 1 h · 2ⁿ, a day at most
 *
 * A domain that has a certificate stays valid while the certificate is, whatever a renewal comes to: `problem` says that. */
#pragma once

#include "certificates/pem.h"
#include "event/loop.h"
#include "store/store.h"

#include <stdbool.h>

typedef struct Certificates Certificates;

/* Borrowed, all of it, until certificates_free(). */
typedef struct {
        Loop *loop;
        Store *store;
        const char *server_id;   /* of this node */
        const char *directory;   /* of NAME.pem */
        const char *acme;        /* certbot's --config-dir */
        const char *socket;      /* of nanoscale-acme.socket */
        const char *email;       /* NULL: none */
        const char *authority;   /* URL of its directory */
        const char *ca;          /* NULL: the system's */
        const char *hook;        /* for dns-01; NULL: http-01 */
        bool hook_for_all;       /* not for the wildcard alone */
        const char *addresses;   /* of this node as the world sees it, separated by blanks; NULL: those of its interfaces */
        bool check_dns;          /* wait until a name points here */
        const char *base_domain; /* with a hook, a certificate for every name below it */
        const char *dashboard;   /* its domain; NULL: none */
        /* The project has a domain more or less that can be served by https: its site is to be written anew. NULL: all of them. From the
         * loop. */
        void (*changed)(void *owner, const char *project_id);
        void *owner;
} CertificatesConfig;

int certificates_new(const CertificatesConfig *config, Certificates **ret_certificates);
Certificates *certificates_free(Certificates *c); /* NULL-safe, returns NULL */

/* Rows have changed (added, deleted, another source): looks again, soon. */
void certificates_look(Certificates *c);
/* Does what is next for the domain now, whatever it waits for; force: another certificate, even if the present one is good for longer. */
int certificates_try_now(Certificates *c, const char *name, bool force);
/* Takes a certificate that a user brings: a code of pem_check(), and on PEM_OK the row is stored with source own. Negative errno. */
int certificates_put_own(Certificates *c, const DomainRow *row, const char *chain, size_t chain_length, const char *key, size_t key_length);
