/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_signature docs/protocol.md: the worked example is read from the document, so that text and code say the same. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "security/digest.h"
#include "security/secrets.h"
#include "security/signature.h"

#define NOW INT64_C(1800000000)
#define NONCE "0123456789abcdef0123456789abcdef"
#define BODY "{\"project\":\"abcdefghijkl\"}"

DEFINE_CLEANUP(Nonces, nonces_free)

static const char *document;
static const unsigned char key[SECRET_BYTES] = "0123456789abcdefghijklmnopqrstu";
static const SignedRequest request = { "POST", "/internal/deploy?a=1&b=2", "abcdefghijkl", NOW, NONCE, BODY, sizeof(BODY) - 1 };

/* Checks h as the headers of rq at now_s. */
static int check(const SignedRequest *rq, const SignatureHeaders *h, int64_t now_s, Nonces *nonces) {
        return signature_check(key, rq, h->timestamp, h->nonce, h->signature, h->binding, now_s, nonces, NULL);
}

/* --- the document --- */

typedef struct {
        char secret[80], method[80], target[80], server[80], timestamp[80], nonce[80], body[80], hash[80], signature[80], binding[80];
} Example;

/* The lines of the block that begins with ```example. */
static void read_example(Example *e) {
        const struct {
                const char *name;
                char *value;
        } fields[] = {
                { "SecretKey", e->secret },    { "method", e->method },   { "target", e->target }, { "server", e->server },
                { "timestamp", e->timestamp }, { "nonce", e->nonce },     { "body", e->body },     { "hash", e->hash },
                { "Signature", e->signature }, { "Binding", e->binding },
        };
        auto_fclose FILE *f = fopen(document, "re");
        char line[1000];
        bool inside = false;
        size_t found = 0;

        assert_non_null(f);
        while (fgets(line, sizeof(line), f)) {
                line[strcspn(line, "\n")] = '\0';
                if (strcmp(line, "```example") == 0)
                        inside = true;
                else if (strncmp(line, "```", 3) == 0)
                        inside = false;
                for (size_t i = 0; inside && i < ELEMENTS(fields); i++) {
                        size_t n = strlen(fields[i].name);

                        if (strncmp(line, fields[i].name, n) != 0 || line[n] != ' ')
                                continue;
                        (void) snprintf(fields[i].value, 80, "%s", line + n + strspn(line + n, " "));
                        found++;
                }
        }
        assert_int_equal(found, ELEMENTS(fields));
}

static void test_example_of_the_document(void **state) {
        Example e = { 0 };
        unsigned char secret[SECRET_BYTES];
        SignatureHeaders h;
        char hash[65];

        (void) state;
        read_example(&e);
        assert_true(secret_from_hex(e.secret, secret));
        const SignedRequest rq = { e.method, e.target, e.server, strtoll(e.timestamp, NULL, 10), e.nonce, e.body, strlen(e.body) };
        signature_make(secret, &rq, &h);
        assert_string_equal(h.timestamp, e.timestamp);
        assert_string_equal(h.nonce, e.nonce);
        assert_string_equal(h.signature, e.signature);
        assert_string_equal(h.binding, e.binding);
        digest_hex(e.body, strlen(e.body), hash);
        assert_string_equal(hash, e.hash);
        assert_int_equal(signature_check(secret, &rq, e.timestamp, e.nonce, e.signature, e.binding, rq.timestamp_s, NULL, NULL),
                         SIGNATURE_OK);
}

/* What Python's hmac says of the strings that the document describes. */
static void test_known_answers(void **state) {
        SignatureHeaders h;
        SignedRequest rq = request;

        (void) state;
        signature_make(key, &rq, &h);
        assert_string_equal(h.timestamp, "1800000000");
        assert_string_equal(h.nonce, NONCE);
        assert_string_equal(h.signature, "3da358ef72877c44696d7dea9fe0b8f58e4dc718053c04f2f0fc793da66819c4");
        assert_string_equal(h.binding, "e8a563538b3c24feb8a1dd1d13083513adfef36e0f3233d69af616fb9832388d");
        rq.body = NULL;
        rq.body_length = 0;
        signature_make(key, &rq, &h);
        assert_string_equal(h.signature, "2770ca468e67d42d5937a3154807b59f95779c0d12f5b82ec006485df832cfc5");
        assert_string_equal(h.binding, "62a52086e4259d9f41115d5e8fcb8424bac41af10439766c720f083a87feed1b");
        assert_int_equal(check(&rq, &h, NOW, NULL), SIGNATURE_OK);
        rq.body = "";
        assert_int_equal(check(&rq, &h, NOW, NULL), SIGNATURE_OK);
}

/* --- what is refused --- */

static void test_fresh_nonces_differ(void **state) {
        SignedRequest rq = request;
        SignatureHeaders a, b;

        (void) state;
        rq.nonce = NULL;
        signature_make(key, &rq, &a);
        signature_make(key, &rq, &b);
        assert_string_not_equal(a.nonce, b.nonce);
        assert_string_not_equal(a.binding, b.binding);
        assert_string_equal(a.signature, b.signature);
        assert_int_equal(check(&rq, &a, NOW, NULL), SIGNATURE_OK);
        assert_int_equal(check(&rq, &b, NOW, NULL), SIGNATURE_OK);
        strcpy(a.nonce, b.nonce);
        assert_int_equal(check(&rq, &a, NOW, NULL), SIGNATURE_E_WRONG);
}

static void test_each_part_is_bound(void **state) {
        static const char longer[] = BODY "\0";
        const SignedRequest others[] = {
                { "PUT", request.target, request.server, NOW, NULL, BODY, sizeof(BODY) - 1 },
                { "POST", "/internal/deploy?a=1&b=3", request.server, NOW, NULL, BODY, sizeof(BODY) - 1 },
                { "POST", "/internal/deploy", request.server, NOW, NULL, BODY, sizeof(BODY) - 1 },
                { "POST", "/internal/deploy?a=1&b=2&", request.server, NOW, NULL, BODY, sizeof(BODY) - 1 },
                { "POST", request.target, "abcdefghijkm", NOW, NULL, BODY, sizeof(BODY) - 1 },
                { "POST", request.target, request.server, NOW, NULL, BODY, sizeof(BODY) - 2 },
                { "POST", request.target, request.server, NOW, NULL, longer, sizeof(BODY) },
                { "POST", request.target, request.server, NOW, NULL, "{\"project\":\"abcdefghijkm\"}", sizeof(BODY) - 1 },
                { "POST", request.target, request.server, NOW, NULL, NULL, 0 },
        };
        unsigned char other_key[SECRET_BYTES];
        SignatureHeaders h;

        (void) state;
        signature_make(key, &request, &h);
        assert_int_equal(check(&request, &h, NOW, NULL), SIGNATURE_OK);
        for (size_t i = 0; i < ELEMENTS(others); i++)
                assert_int_equal(check(&others[i], &h, NOW, NULL), SIGNATURE_E_WRONG);
        memcpy(other_key, key, sizeof(key));
        other_key[31] ^= 1;
        assert_int_equal(signature_check(other_key, &request, h.timestamp, h.nonce, h.signature, h.binding, NOW, NULL, NULL),
                         SIGNATURE_E_WRONG);
        /* Another time or nonce than the signed one. */
        assert_int_equal(signature_check(key, &request, "1800000001", h.nonce, h.signature, h.binding, NOW, NULL, NULL), SIGNATURE_E_WRONG);
        assert_int_equal(signature_check(key, &request, h.timestamp, "1123456789abcdef0123456789abcdef", h.signature, h.binding, NOW, NULL,
                                         NULL),
                         SIGNATURE_E_WRONG);
}

/* Body + Timestamp says not where the one ends: the last digit of the body can be the first one of the time. The Binding knows. */
static void test_body_and_timestamp_cannot_be_shifted(void **state) {
        SignedRequest first = request, second = request;
        SignatureHeaders a, b;

        (void) state;
        first.body = "x1";
        first.body_length = 2;
        first.timestamp_s = 800000000;
        second.body = "x";
        second.body_length = 1;
        second.timestamp_s = 1800000000;
        signature_make(key, &first, &a);
        signature_make(key, &second, &b);
        assert_string_equal(a.signature, b.signature);
        assert_string_not_equal(a.binding, b.binding);
        assert_int_equal(signature_check(key, &second, b.timestamp, a.nonce, a.signature, a.binding, NOW, NULL, NULL), SIGNATURE_E_WRONG);
        assert_int_equal(signature_check(key, &second, b.timestamp, b.nonce, a.signature, b.binding, NOW, NULL, NULL), SIGNATURE_OK);
}

/* Each MAC alone decides. */
static void test_both_macs_count(void **state) {
        SignatureHeaders h;

        (void) state;
        signature_make(key, &request, &h);
        for (size_t i = 0; i < 64; i++) {
                SignatureHeaders bad = h;

                bad.signature[i] = bad.signature[i] == '0' ? '1' : '0';
                assert_int_equal(check(&request, &bad, NOW, NULL), SIGNATURE_E_WRONG);
                bad = h;
                bad.binding[i] = bad.binding[i] == '0' ? '1' : '0';
                assert_int_equal(check(&request, &bad, NOW, NULL), SIGNATURE_E_WRONG);
        }
        assert_int_equal(signature_check(key, &request, h.timestamp, h.nonce, h.binding, h.signature, NOW, NULL, NULL), SIGNATURE_E_WRONG);
}

static void test_malformed_headers(void **state) {
        static const char *const timestamps[] = {
                "",           " 1800000000", "1800000000 ", "+1800000000",  "-1800000000", "01800000000",  "1800000000.0",
                "0x6b49d200", "x",           "1.8e9",       "100000000000", "00",          "1800000000\n", "99999999999999999999999"
        };
        static const char *const nonces[] = { "", "0123456789abcdef0123456789abcde", NONCE "0", "0123456789ABCDEF0123456789abcdef",
                                              "0123456789abcdef 123456789abcdef" };
        SignatureHeaders h;
        char text[200];

        (void) state;
        signature_make(key, &request, &h);
        assert_int_equal(signature_check(key, &request, NULL, h.nonce, h.signature, h.binding, NOW, NULL, NULL), SIGNATURE_E_MALFORMED);
        assert_int_equal(signature_check(key, &request, h.timestamp, NULL, h.signature, h.binding, NOW, NULL, NULL), SIGNATURE_E_MALFORMED);
        assert_int_equal(signature_check(key, &request, h.timestamp, h.nonce, NULL, h.binding, NOW, NULL, NULL), SIGNATURE_E_MALFORMED);
        assert_int_equal(signature_check(key, &request, h.timestamp, h.nonce, h.signature, NULL, NOW, NULL, NULL), SIGNATURE_E_MALFORMED);
        for (size_t i = 0; i < ELEMENTS(timestamps); i++)
                assert_int_equal(signature_check(key, &request, timestamps[i], h.nonce, h.signature, h.binding, NOW, NULL, NULL),
                                 SIGNATURE_E_MALFORMED);
        for (size_t i = 0; i < ELEMENTS(nonces); i++)
                assert_int_equal(signature_check(key, &request, h.timestamp, nonces[i], h.signature, h.binding, NOW, NULL, NULL),
                                 SIGNATURE_E_MALFORMED);
        for (size_t n = 0; n < 64; n++) { /* a prefix of the right MAC is not nearly right */
                memcpy(text, h.signature, n);
                text[n] = '\0';
                assert_int_equal(signature_check(key, &request, h.timestamp, h.nonce, text, h.binding, NOW, NULL, NULL),
                                 SIGNATURE_E_MALFORMED);
                memcpy(text, h.binding, n);
                text[n] = '\0';
                assert_int_equal(signature_check(key, &request, h.timestamp, h.nonce, h.signature, text, NOW, NULL, NULL),
                                 SIGNATURE_E_MALFORMED);
        }
        (void) snprintf(text, sizeof(text), "%s00", h.signature);
        assert_int_equal(signature_check(key, &request, h.timestamp, h.nonce, text, h.binding, NOW, NULL, NULL), SIGNATURE_E_MALFORMED);
        (void) snprintf(text, sizeof(text), "%s", h.binding);
        for (char *c = text; *c; c++)
                if (*c >= 'a')
                        *c = (char) (*c - 'a' + 'A');
        assert_string_not_equal(text, h.binding);
        assert_int_equal(signature_check(key, &request, h.timestamp, h.nonce, h.signature, text, NOW, NULL, NULL), SIGNATURE_E_MALFORMED);
}

/* A part with a newline in it could be two parts. Nothing is signed then, and nothing is checked. */
static void test_malformed_parts(void **state) {
        static char long_target[8200];
        const SignedRequest bad[] = {
                { "POST\n/internal", "/a", request.server, NOW, NONCE, "", 0 },
                { "post", "/a", request.server, NOW, NONCE, "", 0 },
                { "", "/a", request.server, NOW, NONCE, "", 0 },
                { NULL, "/a", request.server, NOW, NONCE, "", 0 },
                { "ABCDEFGHIJKLMNOPQ", "/a", request.server, NOW, NONCE, "", 0 },
                { "POST", "/a\nabcdefghijkl", request.server, NOW, NONCE, "", 0 },
                { "POST", "/a b", request.server, NOW, NONCE, "", 0 },
                { "POST", "/\xc3\xa9", request.server, NOW, NONCE, "", 0 },
                { "POST", "/\x7f", request.server, NOW, NONCE, "", 0 },
                { "POST", "internal", request.server, NOW, NONCE, "", 0 },
                { "POST", "", request.server, NOW, NONCE, "", 0 },
                { "POST", NULL, request.server, NOW, NONCE, "", 0 },
                { "POST", long_target, request.server, NOW, NONCE, "", 0 },
                { "POST", "/a", "abcdefghijk", NOW, NONCE, "", 0 },
                { "POST", "/a", "abcdefghijk\n", NOW, NONCE, "", 0 },
                { "POST", "/a", NULL, NOW, NONCE, "", 0 },
                { "POST", "/a", request.server, NOW, NONCE, NULL, 1 },
        };
        SignedRequest rq = request;
        SignatureHeaders good, h;

        (void) state;
        memset(long_target, '/', 8193);
        signature_make(key, &request, &good);
        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                memset(&h, 'x', sizeof(h));
                signature_make(key, &bad[i], &h);
                assert_true(!*h.timestamp && !*h.nonce && !*h.signature && !*h.binding);
                assert_int_equal(check(&bad[i], &h, NOW, NULL), SIGNATURE_E_MALFORMED);
                assert_int_equal(check(&bad[i], &good, NOW, NULL), SIGNATURE_E_MALFORMED);
        }
        long_target[8192] = '\0';
        rq.target = long_target;
        signature_make(key, &rq, &h);
        assert_int_equal(check(&rq, &h, NOW, NULL), SIGNATURE_OK);
        rq = request;
        rq.nonce = "0123456789ABCDEF0123456789abcdef";
        signature_make(key, &rq, &h);
        assert_string_equal(h.signature, "");
        rq = request;
        rq.timestamp_s = -1;
        signature_make(key, &rq, &h);
        assert_string_equal(h.signature, "");
        rq.timestamp_s = INT64_C(100000000000);
        signature_make(key, &rq, &h);
        assert_string_equal(h.signature, "");
}

static void test_clock(void **state) {
        static const struct {
                int64_t caller, ours;
                int code;
        } cases[] = {
                { NOW, NOW, SIGNATURE_OK },
                { NOW + 30, NOW, SIGNATURE_OK },
                { NOW - 30, NOW, SIGNATURE_OK },
                { NOW + 31, NOW, SIGNATURE_E_CLOCK },
                { NOW - 31, NOW, SIGNATURE_E_CLOCK },
                { NOW + 47, NOW, SIGNATURE_E_CLOCK },
                { 0, NOW, SIGNATURE_E_CLOCK },
                { 0, 0, SIGNATURE_OK },
                { 99999999999, NOW, SIGNATURE_E_CLOCK },
                { 99999999999, 99999999999, SIGNATURE_OK },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                auto_call(nonces_free_cleanup) Nonces *nonces = NULL;
                SignedRequest rq = request;
                SignatureHeaders h;
                int64_t difference = 12345;

                assert_int_equal(nonces_new(NONCES_MAX, &nonces), 0);
                rq.timestamp_s = cases[i].caller;
                signature_make(key, &rq, &h);
                assert_int_equal(
                                signature_check(key, &rq, h.timestamp, h.nonce, h.signature, h.binding, cases[i].ours, nonces, &difference),
                                cases[i].code);
                assert_int_equal(difference, cases[i].code == SIGNATURE_E_CLOCK ? cases[i].caller - cases[i].ours : 12345);
                /* What the clock refused has used no nonce. */
                assert_int_equal(check(&rq, &h, cases[i].caller, nonces),
                                 cases[i].code == SIGNATURE_OK ? SIGNATURE_E_REPLAYED : SIGNATURE_OK);
                /* Who does not hold the key learns nothing of our clock. */
                difference = 12345;
                h.binding[0] = h.binding[0] == 'a' ? 'b' : 'a';
                assert_int_equal(
                                signature_check(key, &rq, h.timestamp, h.nonce, h.signature, h.binding, cases[i].ours, nonces, &difference),
                                SIGNATURE_E_WRONG);
                assert_int_equal(difference, 12345);
        }
        assert_int_equal(signature_check(key, &request, "1", NONCE, NONCE NONCE, NONCE NONCE, -1, NULL, NULL), -EINVAL);
        assert_int_equal(signature_check(key, &request, "1", NONCE, NONCE NONCE, NONCE NONCE, INT64_MAX, NULL, NULL), -EINVAL);
}

static void test_replays(void **state) {
        auto_call(nonces_free_cleanup) Nonces *nonces = NULL;
        SignedRequest rq = request;
        SignatureHeaders h, forged;

        (void) state;
        assert_int_equal(nonces_new(2, &nonces), 0);
        signature_make(key, &rq, &h);
        /* A forged request does not use up the nonce of the true one. */
        forged = h;
        forged.signature[5] = forged.signature[5] == 'a' ? 'b' : 'a';
        assert_int_equal(check(&rq, &forged, NOW, nonces), SIGNATURE_E_WRONG);
        assert_int_equal(check(&rq, &h, NOW, nonces), SIGNATURE_OK);
        for (int64_t s = -30; s <= 30; s++)
                assert_int_equal(check(&rq, &h, NOW + s, nonces), SIGNATURE_E_REPLAYED);
        assert_int_equal(check(&rq, &h, NOW + 31, nonces), SIGNATURE_E_CLOCK);
        /* The nonce in another authentic request, before and after the border. */
        rq.timestamp_s = NOW + 60;
        signature_make(key, &rq, &h);
        assert_int_equal(check(&rq, &h, NOW + 60, nonces), SIGNATURE_E_REPLAYED);
        rq.timestamp_s = NOW + 61;
        signature_make(key, &rq, &h);
        assert_int_equal(check(&rq, &h, NOW + 61, nonces), SIGNATURE_OK);
        /* A full memory refuses. */
        rq.nonce = NULL;
        signature_make(key, &rq, &h);
        assert_int_equal(check(&rq, &h, NOW + 61, nonces), SIGNATURE_OK);
        signature_make(key, &rq, &h);
        assert_int_equal(check(&rq, &h, NOW + 61, nonces), SIGNATURE_E_REPLAYED);
}

static void test_each_code_is_explained(void **state) {
        (void) state;
        for (int a = SIGNATURE_OK; a <= SIGNATURE_E_REPLAYED; a++)
                for (int b = a + 1; b <= SIGNATURE_E_REPLAYED + 1; b++)
                        assert_string_not_equal(signature_explain(a), signature_explain(b));
        assert_non_null(signature_explain(-ENOMEM));
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_example_of_the_document),
                cmocka_unit_test(test_known_answers),
                cmocka_unit_test(test_fresh_nonces_differ),
                cmocka_unit_test(test_each_part_is_bound),
                cmocka_unit_test(test_body_and_timestamp_cannot_be_shifted),
                cmocka_unit_test(test_both_macs_count),
                cmocka_unit_test(test_malformed_headers),
                cmocka_unit_test(test_malformed_parts),
                cmocka_unit_test(test_clock),
                cmocka_unit_test(test_replays),
                cmocka_unit_test(test_each_code_is_explained),
        };

        if (argc != 2)
                return EXIT_FAILURE;
        document = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
