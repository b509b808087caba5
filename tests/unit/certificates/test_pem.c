/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "certificates/pem.h"
#include "event/loop.h"
#include "make.h"

#include <openssl/err.h>

#define NAME "shop.example.com"
#define DAY 86400

static Authority authority;

static int set_up(void **state) {
        (void) state;
        authority_make(&authority);
        return 0;
}

static int tear_down(void **state) {
        (void) state;
        authority_done(&authority);
        return 0;
}

/* Everything that must hold whatever the answer is. */
static int check(const char *chain, const char *key, const char *name) {
        static const PemInfo untouched = { -1, -1 };
        PemInfo info = untouched;
        char *pem = NULL;
        size_t length = 0;
        int r = pem_check(chain, strlen(chain), key, strlen(key), name, clock_now_ms(), &info, &pem, &length);

        assert_true(*pem_explain(r));
        assert_int_equal(pem != NULL, r == PEM_OK);
        assert_int_equal(info.not_after_ms != -1, r == PEM_OK || r == PEM_E_EARLY || r == PEM_E_EXPIRED);
        assert_int_equal(ERR_peek_error(), 0);
        if (pem) {
                assert_int_equal(strlen(pem), length);
                assert_int_equal(pem_check(pem, length, pem, length, name, clock_now_ms(), &info, NULL, NULL), PEM_OK);
        }
        pem_free(pem, length);
        return r;
}

static void good_pairs_are_taken(void **state) {
        static const char *const names[] = { NAME, "*.example.com" };
        EVP_PKEY *rsa = EVP_RSA_gen(2048);
        char *text = key_text(rsa, NULL);
        X509 *x = make_certificate(rsa, NULL, NULL, &(Wanted){ NAME, "self", -DAY, DAY });
        char *self = certificate_text(x);

        (void) state;
        for (size_t i = 0; i < ELEMENTS(names); i++) {
                auto_free char *chain = NULL, *key = NULL, *whole = NULL;

                authority_issue(&authority, &(Wanted){ names[i], "x", -DAY, 30 * DAY }, &chain, &key);
                assert_int_equal(check(chain, key, NAME), PEM_OK);
                whole = join(chain, authority.root_text);
                assert_int_equal(check(whole, key, NAME), PEM_OK);
        }
        assert_int_equal(check(self, text, NAME), PEM_OK);
        free(text);
        free(self);
        X509_free(x);
        EVP_PKEY_free(rsa);
}

/* One file has both; nothing else is in it. */
static void what_is_written_is_key_and_chain_alone(void **state) {
        auto_free char *chain = NULL, *key = NULL, *noisy = NULL;
        PemInfo info;
        char *pem = NULL;
        size_t length = 0;

        (void) state;
        authority_issue(&authority, &(Wanted){ NAME, "x", -DAY, 30 * DAY }, &chain, &key);
        noisy = join("ssl_password_file /etc/shadow;\n", chain);
        assert_int_equal(pem_check(noisy, strlen(noisy), key, strlen(key), NAME, clock_now_ms(), &info, &pem, &length), PEM_OK);
        assert_null(strstr(pem, "shadow"));
        assert_ptr_equal(strstr(pem, "-----BEGIN PRIVATE KEY-----"), pem);
        assert_non_null(strstr(pem, authority.middle_text));
        assert_true(info.not_after_ms > clock_now_ms() + INT64_C(29) * DAY * 1000 && info.not_before_ms < clock_now_ms());
        pem_free(pem, length);
}

static void bad_pairs_are_refused(void **state) {
        auto_free char *chain = NULL, *key = NULL, *other = NULL, *other_key = NULL, *turned = NULL, *gap = NULL, *text = NULL;
        auto_free char *locked = NULL, *many = NULL, *staple = NULL, *staple_key = NULL, *weak = NULL, *weak_key = NULL, *cut = NULL;
        EVP_PKEY *small = EVP_RSA_gen(1024), *k = EVP_EC_gen("P-256");
        X509 *x = make_certificate(small, NULL, NULL, &(Wanted){ NAME, "weak", -DAY, DAY });

        (void) state;
        authority_issue(&authority, &(Wanted){ NAME, "x", -DAY, 30 * DAY }, &chain, &key);
        authority_issue(&authority, &(Wanted){ "other.example", NAME, -DAY, 30 * DAY }, &other, &other_key);
        authority_issue(&authority, &(Wanted){ NAME, "x", -DAY, 30 * DAY, true }, &staple, &staple_key);
        assert_int_equal(check("", key, NAME), PEM_E_CERTIFICATE);
        assert_int_equal(check("hello", key, NAME), PEM_E_CERTIFICATE);
        assert_int_equal(check(chain, "", NAME), PEM_E_KEY);
        assert_int_equal(check(chain, chain, NAME), PEM_E_KEY);
        assert_int_equal(check(chain, other_key, NAME), PEM_E_MISMATCH);
        assert_int_equal(check(chain, key, "www." NAME), PEM_E_NAME);
        assert_int_equal(check(other, other_key, NAME), PEM_E_NAME); /* it stands in the subject alone */
        assert_int_equal(check(staple, staple_key, NAME), PEM_E_STAPLE);
        turned = join(authority.middle_text, chain);
        assert_int_equal(check(turned, key, NAME), PEM_E_MISMATCH);
        gap = strndup(chain, (size_t) (strstr(chain, authority.middle_text) - chain));
        assert_int_equal(check(gap, key, NAME), PEM_OK);
        text = join(gap, authority.root_text);
        assert_int_equal(check(text, key, NAME), PEM_E_CHAIN);
        locked = key_text(k, "secret");
        assert_int_equal(check(chain, locked, NAME), PEM_E_KEY);
        cut = strndup(chain, strlen(chain) - 40);
        assert_int_equal(check(cut, key, NAME), PEM_E_CERTIFICATE);
        weak = certificate_text(x);
        weak_key = key_text(small, NULL);
        assert_int_equal(check(weak, weak_key, NAME), PEM_E_KIND);
        many = strdup(chain);
        for (int i = 0; i < 10; i++) {
                char *more = join(many, authority.root_text);
                free(many);
                many = more;
        }
        assert_int_equal(check(many, key, NAME), PEM_E_MANY);
        X509_free(x);
        EVP_PKEY_free(small);
        EVP_PKEY_free(k);
}

static void dates_are_told_apart(void **state) {
        auto_free char *old = NULL, *old_key = NULL, *young = NULL, *young_key = NULL;

        (void) state;
        authority_issue(&authority, &(Wanted){ NAME, "x", -2 * DAY, -DAY }, &old, &old_key);
        assert_int_equal(check(old, old_key, NAME), PEM_E_EXPIRED);
        authority_issue(&authority, &(Wanted){ NAME, "x", DAY, 2 * DAY }, &young, &young_key);
        assert_int_equal(check(young, young_key, NAME), PEM_E_EARLY);
}

static void sizes_are_bounded(void **state) {
        char *big = calloc(1, PEM_CHAIN_MAX + PEM_KEY_MAX + 1);
        PemInfo info;

        (void) state;
        assert_int_equal(pem_check(big, PEM_CHAIN_MAX + PEM_KEY_MAX + 1, "", 0, NAME, 0, &info, NULL, NULL), PEM_E_SIZE);
        assert_int_equal(pem_check("", 0, big, PEM_CHAIN_MAX + PEM_KEY_MAX + 1, NAME, 0, &info, NULL, NULL), PEM_E_SIZE);
        free(big);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(good_pairs_are_taken),  cmocka_unit_test(what_is_written_is_key_and_chain_alone),
                cmocka_unit_test(bad_pairs_are_refused), cmocka_unit_test(dates_are_told_apart),
                cmocka_unit_test(sizes_are_bounded),
        };

        return cmocka_run_group_tests_name("pem", tests, set_up, tear_down);
}
