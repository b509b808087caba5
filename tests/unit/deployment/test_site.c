/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deployment/site.h"

#include <stdlib.h>

#define T(s) ((char *) (uintptr_t) (s))

static const DeployContext context = { .base_domain = "apps.example" };

static void expect(const ProjectRow *row, const DomainRow *domains, size_t n, bool is_static, const char *wanted) {
        FieldWriter w = { 0 };
        char *text = NULL;
        size_t length;

        site_fields(&context, row, domains, n, is_static, false, &w);
        assert_int_equal(fields_finish(&w, &text, &length), 0);
        assert_string_equal(text, wanted);
        free(text);
}

static void plain_sites_say_no_more_than_before(void **state) {
        const ProjectRow row = { .id = T("aaaaaaaaaaaa"), .name = T("shop"), .allowed = T("") };

        (void) state;
        expect(&row, NULL, 0, false, "host shop.apps.example\nbody_mib 100\nend\n");
        expect(&row, NULL, 0, true, "host shop.apps.example\nbody_mib 100\nstatic 1\nend\n");
}

static void domains_are_plain_until_they_have_a_certificate(void **state) {
        const ProjectRow row = { .id = T("aaaaaaaaaaaa"), .name = T("shop") };
        DomainRow domains[] = { { .name = T("a.example") },
                                { .name = T("b.example"), .issued_at_ms = 1 },
                                { .name = T("www.b.example"), .redirect_to = T("b.example") } };

        (void) state;
        expect(&row, domains, 3, false,
               "host shop.apps.example\nhost a.example\nsecure_host b.example\nredirect_host www.b.example b.example\nbody_mib 100\nend\n");
}

static void the_own_name_is_served_by_https_with_the_wildcards_certificate(void **state) {
        const ProjectRow row = { .id = T("aaaaaaaaaaaa"), .name = T("shop") };
        FieldWriter w = { 0 };
        char *text = NULL;
        size_t length;

        (void) state;
        site_fields(&context, &row, NULL, 0, false, true, &w);
        assert_int_equal(fields_finish(&w, &text, &length), 0);
        assert_string_equal(text, "secure_host shop.apps.example\nbody_mib 100\nend\n");
        free(text);
}

/* Its own name may be a domain with a certificate, and is not there twice then. */
static void the_own_name_comes_once(void **state) {
        const ProjectRow row = { .id = T("aaaaaaaaaaaa"), .name = T("shop") };
        const DomainRow domains[] = { { .name = T("shop.apps.example"), .issued_at_ms = 1 } };

        (void) state;
        expect(&row, domains, 1, false, "secure_host shop.apps.example\nbody_mib 100\nend\n");
}

/* The header is one for the site: a domain that is not to have it must not get it with another. */
static void hsts_needs_all(void **state) {
        const ProjectRow row = { .id = T("aaaaaaaaaaaa"), .name = T("shop") };
        DomainRow domains[] = { { .name = T("a.example"), .issued_at_ms = 1, .hsts = true },
                                { .name = T("b.example"), .issued_at_ms = 1 },
                                { .name = T("c.example"), .redirect_to = T("a.example"), .issued_at_ms = 1 } };

        (void) state;
        expect(&row, domains, 3, false,
               "host shop.apps.example\nsecure_host a.example\nsecure_host b.example\nredirect_host c.example a.example\nbody_mib "
               "100\nend\n");
        domains[1].hsts = true;
        expect(&row, domains, 3, false,
               "host shop.apps.example\nsecure_host a.example\nsecure_host b.example\nredirect_host c.example a.example\nbody_mib 100\n"
               "hsts 1\nend\n");
        domains[0].issued_at_ms = domains[1].issued_at_ms = 0; /* over http it means nothing */
        expect(&row, domains, 2, false, "host shop.apps.example\nhost a.example\nhost b.example\nbody_mib 100\nend\n");
}

static void protections(void **state) {
        const ProjectRow row = { .id = T("aaaaaaaaaaaa"),
                                 .name = T("shop"),
                                 .gate_user = T("ada"),
                                 .gate_hash = T("$6$secret"),
                                 .allowed = T("10.0.0.0/8 2001:db8::/32"),
                                 .rate = 7,
                                 .maintenance = true,
                                 .security_headers = true };

        (void) state;
        /* The password goes to a file for nginx, not to root. */
        expect(&row, NULL, 0, false,
               "host shop.apps.example\nbody_mib 100\nheaders 1\nallow 10.0.0.0/8\nallow 2001:db8::/32\nrate 7\ngate 1\nmaintenance "
               "1\nend\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(plain_sites_say_no_more_than_before),
                cmocka_unit_test(domains_are_plain_until_they_have_a_certificate),
                cmocka_unit_test(the_own_name_is_served_by_https_with_the_wildcards_certificate),
                cmocka_unit_test(the_own_name_comes_once),
                cmocka_unit_test(hsts_needs_all),
                cmocka_unit_test(protections),
        };

        return cmocka_run_group_tests_name("site", tests, NULL, NULL);
}
