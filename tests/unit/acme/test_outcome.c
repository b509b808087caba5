/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is made of certbot's output: of its version 2.1, shortened where it repeats itself. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "acme/outcome.h"
#include "base/cleanup.h"
#include "base/text.h"

#define HEAD "Saving debug log to /opt/nanoscale/data/acme/logs/letsencrypt.log\nRequesting a certificate for shop.test\n"
#define ERROR HEAD "An unexpected error occurred:\n"
#define TAIL                                                                                                                        \
        "Ask for help or search for solutions at https://community.letsencrypt.org. See the logfile /opt/nanoscale/data/acme/logs/" \
        "letsencrypt.log or re-run Certbot with -v for more details.\n"
#define CHALLENGE(type, detail)                                                                                                       \
        HEAD "\nCertbot failed to authenticate some domains (authenticator: webroot). The Certificate Authority reported these "      \
             "problems:\n  Domain: shop.test\n  Type:   " type "\n  Detail: " detail "\n\nHint: The Certificate Authority failed to " \
             "download the temporary challenge files created by Certbot.\n\nSome challenges have failed.\n" TAIL

#define TRACE(type, detail)                                                                                                         \
        HEAD "Exiting abnormally:\nTraceback (most recent call last):\n  File \"/usr/lib/python3.11/contextlib.py\", line 155, in " \
             "__exit__\n    self.gen.throw(typ, value, traceback)\nacme.messages.Error: urn:ietf:params:acme:error:" type           \
             " :: There was a problem :: " detail "\n\nDuring handling of the above exception, another exception occurred:\n\n"     \
             "Traceback (most recent call last):\n    raise AttributeError(\"can't set attribute\")\n"                              \
             "AttributeError: can't set attribute\n" TAIL

static void expect(int code, const char *text, const char *word, const char *sentence) {
        Output o = { .length = strlen(text) };
        Outcome outcome;

        assert_true(o.length < sizeof(o.text));
        memcpy(o.text, text, o.length);
        outcome_read(code, &o, &outcome);
        if (word)
                assert_string_equal(outcome.word, word);
        else
                assert_null(outcome.word);
        assert_string_equal(outcome.sentence, sentence);
}

static void test_words(void **state) {
        (void) state;
        expect(0, HEAD "\nSuccessfully received certificate.\ntoo many\n", NULL, "");
        expect(1, CHALLENGE("connection", "203.0.113.7: Fetching http://shop.test/.well-known/acme-challenge/x: Connection refused"),
               "challenge", "shop.test: 203.0.113.7: Fetching http://shop.test/.well-known/acme-challenge/x: Connection refused");
        expect(1, CHALLENGE("dns", "DNS problem: NXDOMAIN looking up A for shop.test"), "challenge",
               "shop.test: DNS problem: NXDOMAIN looking up A for shop.test");
        expect(1, CHALLENGE("unauthorized", "Invalid response: \"too many, No space left on device\""), "challenge",
               "shop.test: Invalid response: \"too many, No space left on device\"");
        expect(1, CHALLENGE("caa", "CAA record for shop.test prevents issuance"), "refused",
               "shop.test: CAA record for shop.test prevents issuance");
        expect(1, CHALLENGE("rateLimited", "too many failed authorizations recently"), "rate-limit",
               "shop.test: too many failed authorizations recently");
        expect(1,
               ERROR "There were too many requests of a given type :: Error creating new order :: too many certificates (5) already "
                     "issued\n" TAIL,
               "rate-limit",
               "There were too many requests of a given type :: Error creating new order :: too many certificates (5) already issued");
        /* With --debug, from Debian 12's certbot under Python 3.11. */
        expect(1, TRACE("rateLimited", "too many certificates (5) already issued: see https://acme.test/docs"), "rate-limit",
               "There was a problem :: too many certificates (5) already issued: see https://acme.test/docs");
        expect(1, TRACE("externalAccountRequired", "an account is needed"), "refused", "There was a problem :: an account is needed");
        expect(1, ERROR "ValueError: Requesting acme.test/dir: Connection refused\n" TAIL, "unreachable",
               "Requesting acme.test/dir: Connection refused");
        expect(1,
               ERROR "requests.exceptions.SSLError: HTTPSConnectionPool(host='acme.test', port=443): Max retries exceeded with url: /dir "
                     "(Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "
                     "self-signed certificate (_ssl.c:992)')))\n" TAIL,
               "unreachable", "certificate verify failed: self-signed certificate (_ssl.c:992)");
        expect(1,
               ERROR
               "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='no.test', port=443): Max retries exceeded with url: /dir "
               "(Caused by NewConnectionError('<urllib3.connection.HTTPSConnection object at 0x7f335f2fe750>: Failed to establish a new "
               "connection: [Errno -2] Name or service not known'))\n" TAIL,
               "unreachable", "Name or service not known");
        expect(1,
               ERROR
               "requests.exceptions.ReadTimeout: HTTPSConnectionPool(host='a.test', port=443): Read timed out. (read timeout=45)\n" TAIL,
               "unreachable",
               "requests.exceptions.ReadTimeout: HTTPSConnectionPool(host='a.test', port=443): Read timed out. (read timeout=45)");
        expect(1, ERROR "The server will not issue certificates for the identifier :: Error creating new order :: policy forbids\n" TAIL,
               "refused", "The server will not issue certificates for the identifier :: Error creating new order :: policy forbids");
        expect(1, ERROR "OSError: [Errno 28] No space left on device: '/opt/x'\n" TAIL, "disk",
               "[Errno 28] No space left on device: '/opt/x'");
        expect(1,
               "--- Logging error ---\nTraceback (most recent call last):\n  File \"/usr/lib/python3.11/logging/__init__.py\", line 1114, "
               "in emit\n"
               "    self.flush()\nOSError: [Errno 28] No space left on device\nCall stack:\n  File \"/usr/bin/certbot\", line 33, in "
               "<module>\n"
               "Message: 'Arguments: []'\nArguments: ()\n",
               "disk", "[Errno 28] No space left on device");
        expect(1, ERROR "OSError: Could not find a suitable TLS CA certificate bundle, invalid path: /nope.pem\n" TAIL, "other",
               "Could not find a suitable TLS CA certificate bundle, invalid path: /nope.pem");
        expect(1, "Another instance of Certbot is already running.\n" TAIL, "other", "Another instance of Certbot is already running.");
}

static void test_ends(void **state) {
        (void) state;
        expect(-ETIME, "too many", "timeout", "certbot did not come to an end in time");
        expect(-ENOMEM, "", "other", "certbot could not be run: Cannot allocate memory");
        expect(PROGRAM_SIGNAL + 9, "", "other", "certbot was ended by signal 9");
        expect(127, "/usr/bin/env: '/usr/bin/certbot': No such file or directory\n", "other", "certbot is not installed");
        expect(1, "", "other", "certbot failed without a word");
        expect(1, TAIL, "other", "certbot failed without a word");
        expect(1, "\n \n\n", "other", "certbot failed without a word");
}

/* Whoever answers the authority's question is quoted. */
static void test_one_safe_line(void **state) {
        auto_call(text_cleanup) Text t = { 0 };

        (void) state;
        expect(1, CHALLENGE("unauthorized", "\"<html>\x1b[31m\r\xc3\xa9\""), "challenge", "shop.test: \"<html>?[31m???\"");
        for (int i = 0; i < 3000; i++)
                text_puts(&t, "\xc3\xa9");
        for (int i = 0; i < 2; i++) { /* cut in the middle of a character, too */
                auto_call(text_cleanup) Text whole = { 0 };
                Output o = { 0 };
                Outcome outcome;

                text_printf(&whole, "Domain: %sshop.test\nType: dns\nDetail: %s\n", i ? "x" : "", t.data);
                memcpy(o.text, whole.data, whole.length);
                o.length = whole.length;
                outcome_read(1, &o, &outcome);
                assert_string_equal(outcome.word, "challenge");
                assert_true(text_is_line(outcome.sentence, strlen(outcome.sentence)));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_words),
                cmocka_unit_test(test_ends),
                cmocka_unit_test(test_one_safe_line),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
