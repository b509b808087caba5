/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "security/digest.h"
#include "security/secrets.h"
#include "security/validate.h"

#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff"

static void test_equal(void **state) {
        (void) state;
        assert_true(secret_equal("", ""));
        assert_true(secret_equal("abc", "abc"));
        assert_false(secret_equal("abc", "abd"));
        assert_false(secret_equal("abc", "bbc"));
        assert_false(secret_equal("abc", "ab"));
        assert_false(secret_equal("ab", "abc"));
        assert_false(secret_equal("", "a"));
        assert_false(secret_equal("abc", "ABC"));
        assert_false(secret_equal(NULL, "a"));
        assert_false(secret_equal("a", NULL));
        /* Two that are missing are not two that agree. */
        assert_false(secret_equal(NULL, NULL));
}

static void test_hex_both_ways(void **state) {
        unsigned char key[SECRET_BYTES], again[SECRET_BYTES];
        char text[SECRET_HEX_LENGTH + 1];

        (void) state;
        assert_true(secret_from_hex(HEX, key));
        for (unsigned i = 0; i < 31; i++)
                assert_int_equal(key[i], i);
        assert_int_equal(key[31], 0xff);
        secret_hex(key, text);
        assert_string_equal(text, HEX);
        for (unsigned i = 0; i < 100; i++) {
                secret_new(key);
                secret_hex(key, text);
                assert_true(secret_from_hex(text, again));
                assert_memory_equal(key, again, sizeof(key));
        }
        secret_new(again);
        assert_memory_not_equal(key, again, sizeof(key));
}

static void test_hex_is_strict(void **state) {
        static const char *const bad[] = {
                "",
                "00",
                "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1ef",
                HEX "0",
                HEX "00",
                HEX "\n",
                " 00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff",
                "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1EFF",
                "0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff",
                "00:02030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1ff",
                "g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff",
        };
        unsigned char key[SECRET_BYTES], before[SECRET_BYTES];

        (void) state;
        memset(before, 0x5a, sizeof(before));
        memcpy(key, before, sizeof(key));
        assert_false(secret_from_hex(NULL, key));
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                assert_false(secret_from_hex(bad[i], key));
        assert_memory_equal(key, before, sizeof(key));
}

static void test_zero(void **state) {
        unsigned char key[SECRET_BYTES];
        static const unsigned char zero[SECRET_BYTES];

        (void) state;
        secret_new(key);
        assert_memory_not_equal(key, zero, sizeof(key));
        secret_zero(key, sizeof(key));
        assert_memory_equal(key, zero, sizeof(key));
        secret_zero(NULL, 0);
}

/* 62 characters do not divide 256: taken modulo, some of them would come a quarter more often. Over 320,000 characters each is expected
 * 5,161 times, with a deviation of 71; eight of those is never seen. */
static void test_tokens_are_even(void **state) {
        unsigned counts[256] = { 0 }, different = 0;
        char token[TOKEN_LENGTH + 1], last[TOKEN_LENGTH + 1] = "";

        (void) state;
        for (unsigned i = 0; i < 10000; i++) {
                token_new(token);
                assert_true(valid_token(token));
                assert_string_not_equal(token, last);
                memcpy(last, token, sizeof(last));
                for (const char *c = token; *c; c++)
                        counts[(unsigned char) *c]++;
        }
        for (unsigned c = 0; c < 256; c++)
                if (counts[c] > 0) {
                        different++;
                        assert_in_range(counts[c], 5161 - 8 * 71, 5161 + 8 * 71);
                }
        assert_int_equal(different, 62);
}

static void test_hashes(void **state) {
        char hash[65], base64[45] = "before";

        (void) state;
        /* FIPS 180-2, B.1, and the hash of nothing. */
        token_hash("abc", hash);
        assert_string_equal(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        digest_hex(NULL, 0, hash);
        assert_string_equal(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        digest_hex("a\0b", 3, hash);
        assert_string_not_equal(hash, "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"); /* that of "a" */
        assert_false(digest_hex_to_base64("ba78", base64));
        assert_false(digest_hex_to_base64("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", base64));
        assert_string_equal(base64, "before");
        assert_true(digest_hex_to_base64("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", base64));
        assert_string_equal(base64, "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_equal), cmocka_unit_test(test_hex_both_ways),   cmocka_unit_test(test_hex_is_strict),
                cmocka_unit_test(test_zero),  cmocka_unit_test(test_tokens_are_even), cmocka_unit_test(test_hashes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
