/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "certificates/dns_check.h"

#define NAME "shop.example.com"
#define LINES(address) address "  STREAM " NAME "\n" address "  DGRAM  \n" address "  RAW    \n"

static void verdicts(void **state) {
        static const struct {
                const char *answer, *own;
                DnsVerdict verdict;
                const char *sentence;
        } rows[] = {
                { LINES("8.8.8.8"), "8.8.8.8", DNS_HERE, "" },
                { LINES("8.8.8.8"), "10.0.0.1 8.8.8.8", DNS_HERE, "" },
                { LINES("10.0.0.1"), "10.0.0.1", DNS_HERE, "" },
                { LINES("2600::1") LINES("8.8.8.8"), "8.8.8.8 2600::1", DNS_HERE, "" },
                { LINES("2600:0:0::1"), "2600::1", DNS_HERE, "" },
                { "", "8.8.8.8", DNS_ABSENT, NAME " has no address yet; set A 8.8.8.8 in its DNS." },
                { "", "8.8.8.8 2600::1", DNS_ABSENT, NAME " has no address yet; set A 8.8.8.8 or AAAA 2600::1 in its DNS." },
                { "", "", DNS_ABSENT, NAME " has no address yet; set an A record to this server." },
                { "nonsense\n\n \n", "8.8.8.8", DNS_ABSENT, NAME " has no address yet; set A 8.8.8.8 in its DNS." },
                { LINES("9.9.9.9"), "8.8.8.8", DNS_ELSEWHERE, NAME " points to 9.9.9.9, wanted is A 8.8.8.8." },
                { LINES("8.8.8.80"), "8.8.8.8", DNS_ELSEWHERE, NAME " points to 8.8.8.80, wanted is A 8.8.8.8." },
                /* An authority prefers IPv6. */
                { LINES("8.8.8.8") LINES("2600::2"), "8.8.8.8", DNS_ELSEWHERE, NAME " also points to 2600::2, wanted is A 8.8.8.8." },
                /* Behind a router that translates addresses. */
                { LINES("9.9.9.9"), "10.0.0.1 192.168.1.2", DNS_UNKNOWN, "" },
                { LINES("10.0.0.2"), "10.0.0.1", DNS_ELSEWHERE, NAME " points to 10.0.0.2, wanted is A 10.0.0.1." },
                { LINES("127.0.1.1"), "10.0.0.1", DNS_ELSEWHERE, NAME " points to 127.0.1.1, wanted is A 10.0.0.1." },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(rows); i++) {
                char sentence[512];

                assert_int_equal(dns_judge(NAME, rows[i].answer, rows[i].own, sentence, sizeof sentence), rows[i].verdict);
                assert_string_equal(sentence, rows[i].sentence);
        }
}

static void own_addresses_are_addresses(void **state) {
        auto_free char *own = NULL, *set = NULL;

        (void) state;
        assert_int_equal(dns_own_addresses(NULL, &own), 0);
        assert_null(strstr(own, "127.0.0.1"));
        assert_null(strstr(own, "fe80:"));
        assert_int_equal(strspn(own, "0123456789abcdef:. "), strlen(own));
        assert_int_equal(dns_own_addresses("203.0.113.7", &set), 0);
        assert_string_equal(set, "203.0.113.7");
}

typedef struct {
        Loop *loop;
        DnsVerdict verdict;
        char sentence[512];
} Heard;

static void hear(void *owner, DnsVerdict verdict, const char *sentence) {
        Heard *h = owner;

        h->verdict = verdict;
        (void) snprintf(h->sentence, sizeof h->sentence, "%s", sentence);
        loop_exit(h->loop, 0);
}

/* The real resolver: a name that is never there (RFC 6761). */
static void invalid_names_are_absent(void **state) {
        Heard h = { 0 };
        DnsCheck *check = NULL;

        (void) state;
        assert_int_equal(loop_new(&h.loop), 0);
        assert_int_equal(dns_check(h.loop, "-x", NULL, hear, &h, &check), -EINVAL);
        assert_int_equal(dns_check(h.loop, "shop.nanoscale.invalid", "203.0.113.7", hear, &h, &check), 0);
        assert_int_equal(loop_run(h.loop), 0);
        assert_int_equal(h.verdict, DNS_ABSENT);
        assert_string_equal(h.sentence, "shop.nanoscale.invalid has no address yet; set A 203.0.113.7 in its DNS.");
        dns_check_drop(check);
        loop_free(h.loop);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(verdicts), cmocka_unit_test(own_addresses_are_addresses),
                                            cmocka_unit_test(invalid_names_are_absent) };

        return cmocka_run_group_tests_name("dns_check", tests, NULL, NULL);
}
