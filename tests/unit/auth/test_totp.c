/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/totp.h"

#include <string.h>

static const unsigned char secret[TOTP_SECRET_BYTES] = "12345678901234567890"; /* of RFC 6238, appendix B */

/* Its eight digits end with our six. */
static void codes_are_those_of_the_rfc(void **state) {
        static const struct {
                int64_t seconds;
                const char *code;
        } vectors[] = { { 59, "287082" },         { 1111111109, "081804" }, { 1111111111, "050471" },
                        { 1234567890, "005924" }, { 2000000000, "279037" }, { INT64_C(20000000000), "353130" } };
        char code[TOTP_DIGITS + 1];

        (void) state;
        for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
                totp_code(secret, totp_step(vectors[i].seconds * 1000), code);
                assert_string_equal(code, vectors[i].code);
        }
}

static void one_step_before_and_after_counts(void **state) {
        const int64_t now = INT64_C(1234567890) * 1000, step = totp_step(now);
        char code[TOTP_DIGITS + 1];

        (void) state;
        for (int64_t d = -3; d <= 3; d++) {
                totp_code(secret, step + d, code);
                assert_int_equal(totp_find(secret, code, now), d >= -1 && d <= 1 ? step + d : 0);
        }
        assert_int_equal(totp_find(secret, "", now), 0);
        assert_int_equal(totp_find(secret, "05924", now), 0);
        assert_int_equal(totp_find(secret, "0059240", now), 0);
        assert_int_equal(totp_find(secret, " 05924", now), 0);
}

static void base32_and_back(void **state) {
        unsigned char back[TOTP_SECRET_BYTES], other[TOTP_SECRET_BYTES];
        char text[TOTP_BASE32_SIZE];

        (void) state;
        totp_base32(secret, text);
        assert_string_equal(text, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_true(totp_from_base32(text, back));
        assert_memory_equal(back, secret, sizeof back);
        assert_false(totp_from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ", back));
        assert_false(totp_from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQA", back));
        assert_false(totp_from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1", back));
        assert_false(totp_from_base32("gezdgnbvgy3tqojqgezdgnbvgy3tqojq", back));
        totp_secret_new(back);
        totp_secret_new(other);
        assert_memory_not_equal(back, other, sizeof back);
        totp_base32(back, text);
        assert_true(totp_from_base32(text, other));
        assert_memory_equal(back, other, sizeof back);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(codes_are_those_of_the_rfc),
                cmocka_unit_test(one_step_before_and_after_counts),
                cmocka_unit_test(base32_and_back),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
