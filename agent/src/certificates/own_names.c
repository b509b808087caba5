/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "certificates/own_names.h"

#include "certificates/files.h"
#include "certificates/self_signed.h"
#include "security/certificate_name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_listed(const DomainRow *rows, size_t n, const char *name) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(rows[i].name, name) == 0)
                        return true;
        return false;
}

static void want(const CertificatesConfig *c, const DomainRow *rows, size_t n, const char *name) {
        const DomainRow row = { .name = (char *) (uintptr_t) name,
                                .source = (char *) (uintptr_t) "acme",
                                .state = (char *) (uintptr_t) "waiting",
                                .created_at_ms = clock_now_ms() };

        if (*name && !is_listed(rows, n, name) && store_domain_add(c->store, &row) != STORE_OK)
                (void) fprintf(stderr, "<4>%s: it gets no certificate as a name of this server: %s\n", name, store_error(c->store));
}

static void try_again(const CertificatesConfig *c, const DomainRow *row) {
        DomainRow changed = *row; /* borrows */

        changed.state = (char *) (uintptr_t) "waiting";
        changed.next_try_ms = 0;
        (void) store_domain_set_state(c->store, &changed);
}

void own_names_follow(const CertificatesConfig *c) {
        char wildcard[256] = "";
        const char *dashboard = c->dashboard ? c->dashboard : "";
        DomainRow *rows = NULL;
        size_t n = 0;

        if (c->hook && c->base_domain)
                wildcard_name_below(c->base_domain, wildcard, sizeof wildcard);
        if (store_domain_list_own(c->store, &rows, &n) != STORE_OK)
                return;
        for (size_t i = 0; i < n; i++)
                if (strcmp(rows[i].name, wildcard) != 0 && strcmp(rows[i].name, dashboard) != 0)
                        (void) store_domain_delete(c->store, rows[i].name);
                else if (!rows[i].issued_at_ms)
                        try_again(c, &rows[i]);
        want(c, rows, n, wildcard);
        want(c, rows, n, dashboard);
        domain_rows_free(rows, n);
}

void own_names_begin(const CertificatesConfig *c, const DomainRow *row, int64_t now_ms) {
        PemInfo info = { 0 };
        char *pem = NULL;
        size_t length = 0;
        int r = files_check(c->directory, row->name, now_ms, &info) == -ENOENT ? self_signed_new(row->name, &pem, &length) : 0;

        if (r == 0 && pem)
                r = files_put(c->directory, row->name, pem, length);
        pem_free(pem, length);
        if (r < 0)
                (void) fprintf(stderr, "<3>%s: no certificate to begin with could be written: %s\n", row->name, strerror(-r));
}
