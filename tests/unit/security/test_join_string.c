/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "security/join_string.h"

#define TOKEN "AbCdEfGhIjKlMnOpQrStUvWxYz012345"
#define PIN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEAD "ns1." TOKEN "." PIN "."
#define LABEL "a23456789012345678901234567890123456789012345678901234567890123"
#define LONGEST                       \
        LABEL "." LABEL "." LABEL "." \
              "a234567890123456789012345678901234567890123456789012345678901"

static void test_both_ways(void **state) {
        static const struct {
                const char *text, *host;
                unsigned port;
        } cases[] = {
                { HEAD "203.0.113.7:4000", "203.0.113.7", 4000 },           { HEAD "127.0.0.1:1", "127.0.0.1", 1 },
                { HEAD "[2001:db8::1]:65535", "2001:db8::1", 65535 },       { HEAD "[::1]:4000", "::1", 4000 },
                { HEAD "node.example.org:4000", "node.example.org", 4000 }, { HEAD LONGEST ":65535", LONGEST, 65535 },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                JoinString j = { 0 };
                char again[JOIN_STRING_SIZE];

                assert_int_equal(join_string_parse(cases[i].text, &j), JOIN_STRING_OK);
                assert_string_equal(j.token, TOKEN);
                assert_string_equal(j.pin, PIN);
                assert_string_equal(j.host, cases[i].host);
                assert_int_equal(j.port, cases[i].port);
                assert_int_equal(join_string_make(&j, again), JOIN_STRING_OK);
                assert_string_equal(again, cases[i].text);
        }
        assert_int_equal(strlen(LONGEST), 253);
}

static void test_names_what_is_wrong(void **state) {
        static const struct {
                const char *text;
                int code;
        } cases[] = {
                { NULL, JOIN_STRING_E_CUT },
                { "", JOIN_STRING_E_CUT },
                { "ns1", JOIN_STRING_E_CUT },
                { " " HEAD "10.0.0.1:4000", JOIN_STRING_E_CHARACTER },
                { HEAD "10.0.0.1:4000 ", JOIN_STRING_E_CHARACTER },
                { HEAD "10.0.0.1:4000\n", JOIN_STRING_E_CHARACTER },
                { HEAD "10.0.0.1:\r\n4000", JOIN_STRING_E_CHARACTER },
                { HEAD "user@10.0.0.1:4000", JOIN_STRING_E_CHARACTER },
                { HEAD "10.0.0.1:4000/", JOIN_STRING_E_CHARACTER },
                { HEAD "[fe80::1%eth0]:4000", JOIN_STRING_E_CHARACTER },
                { HEAD "b\xc3\xbc"
                       "cher.test:4000",
                  JOIN_STRING_E_CHARACTER },
                { HEAD "$(id).test:4000", JOIN_STRING_E_CHARACTER },
                { "NS1." TOKEN "." PIN ".10.0.0.1:4000", JOIN_STRING_E_PREFIX },
                { TOKEN, JOIN_STRING_E_PREFIX },
                { "https:10.0.0.1:4000", JOIN_STRING_E_PREFIX },
                { "nsx." TOKEN, JOIN_STRING_E_PREFIX },
                { "ns1x" TOKEN, JOIN_STRING_E_PREFIX },
                { "ns2." TOKEN "." PIN ".10.0.0.1:4000", JOIN_STRING_E_VERSION },
                { "ns10.anything", JOIN_STRING_E_VERSION },
                { "ns1..", JOIN_STRING_E_TOKEN },
                { "ns1." TOKEN "x." PIN ".10.0.0.1:4000", JOIN_STRING_E_TOKEN },
                { "ns1." TOKEN "x", JOIN_STRING_E_TOKEN },
                { "ns1.-bCdEfGhIjKlMnOpQrStUvWxYz012345." PIN ".10.0.0.1:4000", JOIN_STRING_E_TOKEN },
                { "ns1." TOKEN ".0" PIN ".10.0.0.1:4000", JOIN_STRING_E_PIN },
                { "ns1." TOKEN ".10.0.0.1:4000", JOIN_STRING_E_PIN },
                { "ns1." TOKEN ".A123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.10.0.0.1:4000", JOIN_STRING_E_PIN },
                { HEAD "0.0.0.0:4000", JOIN_STRING_E_HOST },
                { HEAD "224.0.0.1:4000", JOIN_STRING_E_HOST },
                { HEAD "[::]:4000", JOIN_STRING_E_HOST },
                { HEAD "[ff02::1]:4000", JOIN_STRING_E_HOST },
                { HEAD "[::ffff:127.0.0.1]:4000", JOIN_STRING_E_HOST },
                { HEAD "[10.0.0.1]:4000", JOIN_STRING_E_HOST },
                { HEAD "[node.example.org]:4000", JOIN_STRING_E_HOST },
                { HEAD "2001:db8::1:4000", JOIN_STRING_E_HOST },
                { HEAD "[2001:DB8::1]:4000", JOIN_STRING_E_HOST },
                { HEAD "[::1]4000", JOIN_STRING_E_HOST },
                { HEAD "[]:4000", JOIN_STRING_E_HOST },
                { HEAD ":4000", JOIN_STRING_E_HOST },
                { HEAD "localhost:4000", JOIN_STRING_E_HOST },
                { HEAD "10.0.0.256:4000", JOIN_STRING_E_HOST },
                { HEAD "127.1:4000", JOIN_STRING_E_HOST },
                { HEAD "-x.test:4000", JOIN_STRING_E_HOST },
                { HEAD LONGEST "a:4000", JOIN_STRING_E_HOST },
                { HEAD "10.0.0.1:0", JOIN_STRING_E_PORT },
                { HEAD "10.0.0.1:04000", JOIN_STRING_E_PORT },
                { HEAD "10.0.0.1:65536", JOIN_STRING_E_PORT },
                { HEAD "10.0.0.1:-1", JOIN_STRING_E_PORT },
                { HEAD "10.0.0.1:4000:1", JOIN_STRING_E_PORT },
                { HEAD "10.0.0.1:18446744073709555616", JOIN_STRING_E_PORT },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                JoinString j = { .port = 7 };
                int code = join_string_parse(cases[i].text, &j);

                if (code != cases[i].code)
                        fail_msg("%s: %d, not %d", cases[i].text ? cases[i].text : "NULL", code, cases[i].code);
                assert_int_equal(j.port, 7);
                assert_string_equal(j.token, "");
        }
}

/* A terminal that wraps, a mouse that slips: wherever the text ends, it is said that its end is missing. Only within the digits of the port
 * nothing can tell. */
static void test_every_cut(void **state) {
        static const char *const texts[] = { HEAD "203.0.113.7:4000", HEAD "[2001:db8::1]:4000", HEAD "node.example.org:4000" };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(texts); i++)
                for (size_t n = 0; n < strlen(texts[i]); n++) {
                        char cut[JOIN_STRING_SIZE] = "";
                        JoinString j = { 0 };

                        memcpy(cut, texts[i], n);
                        assert_int_equal(join_string_parse(cut, &j), n + 4 > strlen(texts[i]) ? JOIN_STRING_OK : JOIN_STRING_E_CUT);
                }
}

static void test_longest(void **state) {
        char text[1000];
        JoinString j = { 0 };

        (void) state;
        memset(text, 'a', sizeof(text));
        text[401] = '\0';
        assert_int_equal(join_string_parse(text, &j), JOIN_STRING_E_LONG);
        text[400] = '\0';
        assert_int_equal(join_string_parse(text, &j), JOIN_STRING_E_PREFIX);
}

static void test_make_refuses(void **state) {
        static const struct {
                JoinString j;
                int code;
        } cases[] = {
                { { "short", PIN, "10.0.0.1", 4000 }, JOIN_STRING_E_TOKEN }, { { TOKEN, TOKEN, "10.0.0.1", 4000 }, JOIN_STRING_E_PIN },
                { { TOKEN, PIN, "[::1]", 4000 }, JOIN_STRING_E_HOST },       { { TOKEN, PIN, "", 4000 }, JOIN_STRING_E_HOST },
                { { TOKEN, PIN, "10.0.0.1", 0 }, JOIN_STRING_E_PORT },       { { TOKEN, PIN, "10.0.0.1", 65536 }, JOIN_STRING_E_PORT },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                char text[JOIN_STRING_SIZE] = "before";

                assert_int_equal(join_string_make(&cases[i].j, text), cases[i].code);
                assert_string_equal(text, "before");
        }
}

static void test_each_code_is_explained(void **state) {
        (void) state;
        for (int a = JOIN_STRING_OK; a <= JOIN_STRING_E_PORT; a++) {
                assert_true(strlen(join_string_explain(a)) > 20);
                for (int b = a + 1; b <= JOIN_STRING_E_PORT + 1; b++)
                        assert_string_not_equal(join_string_explain(a), join_string_explain(b));
        }
        assert_non_null(join_string_explain(-12));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_both_ways), cmocka_unit_test(test_names_what_is_wrong), cmocka_unit_test(test_every_cut),
                cmocka_unit_test(test_longest),   cmocka_unit_test(test_make_refuses),        cmocka_unit_test(test_each_code_is_explained),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
