/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <crypt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "security/password.h"

/* What nginx does with it. */
static void hashes_are_crypt_s(void **state) {
        char hash[PASSWORD_HASH_SIZE], again[PASSWORD_HASH_SIZE];
        auto_free struct crypt_data *data = calloc(1, sizeof(*data));

        (void) state;
        assert_non_null(data);
        assert_int_equal(password_hash("correct horse é", hash), 0);
        assert_true(valid_password_hash(hash));
        assert_string_equal(crypt_rn("correct horse é", hash, data, sizeof(*data)), hash);
        assert_string_not_equal(crypt_rn("correct horse e", hash, data, sizeof(*data)), hash);
        assert_int_equal(password_hash("correct horse é", again), 0);
        assert_string_not_equal(hash, again);
}

static void forms(void **state) {
        static const char *const bad_hashes[] = { "", "x", "$6$", "$1$abc$def", "$6$rounds=1000$abc$tooshort", "$6$rounds=1000$a b$c" };
        char hash[PASSWORD_HASH_SIZE], wrong[PASSWORD_HASH_SIZE + 2], text[140];

        (void) state;
        for (size_t i = 0; i < ELEMENTS(bad_hashes); i++)
                assert_false(valid_password_hash(bad_hashes[i]));
        assert_false(valid_password_hash(NULL));
        assert_int_equal(password_hash("12345678", hash), 0);
        /* It becomes a line of a file: nothing may end the line, nor begin another field of it. */
        for (unsigned c = 1; c < 256; c++) {
                (void) snprintf(wrong, sizeof(wrong), "%s", hash);
                wrong[strlen(wrong) - 1] = (char) c;
                assert_int_equal(valid_password_hash(wrong),
                                 strchr("./", (int) c) || (c < 128 && ((c | 32) >= 'a' && (c | 32) <= 'z')) || (c >= '0' && c <= '9'));
        }
        (void) snprintf(wrong, sizeof(wrong), "%sa", hash);
        assert_false(valid_password_hash(wrong));

        assert_true(valid_gate_user("ada@example.org"));
        assert_false(valid_gate_user(""));
        assert_false(valid_gate_user("a:b"));
        assert_false(valid_gate_user("a\nb"));
        assert_false(valid_gate_user("#a"));
        assert_false(valid_gate_user(NULL));
        assert_true(valid_gate_password("12345678"));
        assert_false(valid_gate_password("1234567"));
        assert_false(valid_gate_password("12345678\n"));
        memset(text, 'x', sizeof(text));
        text[128] = '\0';
        assert_true(valid_gate_password(text));
        text[128] = 'x';
        text[129] = '\0';
        assert_false(valid_gate_password(text));
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(hashes_are_crypt_s), cmocka_unit_test(forms) };

        return cmocka_run_group_tests_name("password", tests, NULL, NULL);
}
