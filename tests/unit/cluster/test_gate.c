/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cluster/gate.h"

#include <stdio.h>
#include <string.h>

#define NOW 1790000000

static unsigned char keys[2][SECRET_BYTES];
static size_t n_keys;

static size_t keys_of(void *owner, const char *server, unsigned char ret_keys[static GATE_KEYS][SECRET_BYTES]) {
        (void) owner;
        if (strcmp(server, "worker000001") != 0)
                return 0;
        memcpy(ret_keys, keys, sizeof keys);
        return n_keys;
}

static const GateOps ops = { .keys = keys_of };

static int set_up(void **state) {
        Gate *g = NULL;

        secret_new(keys[0]);
        secret_new(keys[1]);
        n_keys = 1;
        if (gate_new(&ops, NULL, NOW - 100, &g) < 0)
                return -1;
        *state = g;
        return 0;
}

static int tear_down(void **state) {
        gate_free(*state);
        return 0;
}

static SignedRequest request(int64_t timestamp_s) {
        return (SignedRequest){ .method = "POST",
                                .target = "/internal/deploy?x=1",
                                .server = "worker000001",
                                .timestamp_s = timestamp_s,
                                .body = "{}",
                                .body_length = 2 };
}

static GateHeaders headers_of(const SignatureHeaders *h) {
        return (GateHeaders){ "worker000001", h->timestamp, h->nonce, h->signature, h->binding };
}

static int check(Gate *g, const SignedRequest *rq, const SignatureHeaders *h, GateVerdict *verdict) {
        const GateHeaders headers = headers_of(h);

        *verdict = (GateVerdict){ 0 };
        return gate_check(g, rq, &headers, NOW, verdict);
}

static void a_signed_call_passes_once(void **state) {
        const SignedRequest rq = request(NOW);
        SignatureHeaders h;
        GateVerdict verdict;

        signature_make(keys[0], &rq, &h);
        assert_int_equal(check(*state, &rq, &h, &verdict), GATE_OK);
        assert_string_equal(verdict.server, "worker000001");
        assert_int_equal(verdict.key, 0);
        assert_int_equal(check(*state, &rq, &h, &verdict), GATE_E_REFUSED);
        assert_string_equal(verdict.reason, signature_explain(SIGNATURE_E_REPLAYED));
        assert_int_equal(verdict.difference_s, 0);
}

static void what_was_not_signed_is_refused(void **state) {
        const SignedRequest rq = request(NOW);
        SignedRequest other = rq;
        SignatureHeaders h;
        GateVerdict verdict;
        GateHeaders headers;

        signature_make(keys[0], &rq, &h);
        other.target = "/internal/deploy?x=2";
        assert_int_equal(check(*state, &other, &h, &verdict), GATE_E_REFUSED);
        other = rq;
        other.method = "DELETE";
        assert_int_equal(check(*state, &other, &h, &verdict), GATE_E_REFUSED);
        other = rq;
        other.body = "{ ";
        assert_int_equal(check(*state, &other, &h, &verdict), GATE_E_REFUSED);
        signature_make(keys[1], &rq, &h); /* a key that does not count yet */
        assert_int_equal(check(*state, &rq, &h, &verdict), GATE_E_REFUSED);
        signature_make(keys[0], &rq, &h);
        headers = headers_of(&h);
        headers.server = "worker000002";
        assert_int_equal(gate_check(*state, &rq, &headers, NOW, &verdict), GATE_E_REFUSED);
        headers.server = NULL;
        assert_int_equal(gate_check(*state, &rq, &headers, NOW, &verdict), GATE_E_REFUSED);
        headers = headers_of(&h);
        headers.binding = NULL;
        assert_int_equal(gate_check(*state, &rq, &headers, NOW, &verdict), GATE_E_REFUSED);
        /* None of these has used the nonce up. */
        assert_int_equal(check(*state, &rq, &h, &verdict), GATE_OK);
}

static void clocks_are_named_to_who_has_the_key(void **state) {
        static const int64_t differences[] = { -31, 31, -3600, 3600 };
        SignatureHeaders h;
        GateVerdict verdict;

        for (size_t i = 0; i < 4; i++) {
                const SignedRequest rq = request(NOW + differences[i]);
                signature_make(keys[0], &rq, &h);
                assert_int_equal(check(*state, &rq, &h, &verdict), GATE_E_REFUSED);
                assert_int_equal(verdict.difference_s, differences[i]);
                signature_make(keys[1], &rq, &h);
                assert_int_equal(check(*state, &rq, &h, &verdict), GATE_E_REFUSED);
                assert_int_equal(verdict.difference_s, 0);
        }
        for (int64_t d = -30; d <= 30; d += 30) {
                const SignedRequest rq = request(NOW + d);
                signature_make(keys[0], &rq, &h);
                assert_int_equal(check(*state, &rq, &h, &verdict), GATE_OK);
        }
}

static void while_a_key_is_exchanged_both_count(void **state) {
        const SignedRequest rq = request(NOW);
        SignatureHeaders h;
        GateVerdict verdict;

        n_keys = 2;
        signature_make(keys[1], &rq, &h);
        assert_int_equal(check(*state, &rq, &h, &verdict), GATE_OK);
        assert_int_equal(verdict.key, 1);
        assert_int_equal(check(*state, &rq, &h, &verdict), GATE_E_REFUSED); /* one memory for both */
        signature_make(keys[0], &rq, &h);
        assert_int_equal(check(*state, &rq, &h, &verdict), GATE_OK);
        assert_int_equal(verdict.key, 0);
}

/* Nobody knows what was taken before this start. */
static void what_is_older_than_the_start_is_refused(void **state) {
        Gate *g = NULL;
        SignedRequest rq = request(NOW - 1);
        SignatureHeaders h;
        GateVerdict verdict;

        (void) state;
        assert_int_equal(gate_new(&ops, NULL, NOW, &g), 0);
        signature_make(keys[0], &rq, &h);
        assert_int_equal(check(g, &rq, &h, &verdict), GATE_E_REFUSED);
        rq = request(NOW);
        signature_make(keys[0], &rq, &h);
        assert_int_equal(check(g, &rq, &h, &verdict), GATE_E_REFUSED); /* of the same second: perhaps before */
        rq = request(NOW + 1);
        signature_make(keys[0], &rq, &h);
        assert_int_equal(check(g, &rq, &h, &verdict), GATE_OK);
        gate_forget(g, "worker000001");
        assert_int_equal(check(g, &rq, &h, &verdict), GATE_OK); /* a new key begins with an empty memory */
        gate_free(g);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_signed_call_passes_once, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_was_not_signed_is_refused, set_up, tear_down),
                cmocka_unit_test_setup_teardown(clocks_are_named_to_who_has_the_key, set_up, tear_down),
                cmocka_unit_test_setup_teardown(while_a_key_is_exchanged_both_count, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_is_older_than_the_start_is_refused, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
