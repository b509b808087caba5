/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The input is a request as an attacker could send it: method, target, server, timestamp, nonce, signature and binding, each a line, then
 * the body. Without the key nothing of it is ever accepted. Signed by us, it is accepted exactly once and only when its parts are of their
 * form; with any bit of the body or of a header changed it is not. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "security/signature.h"

#define NOW INT64_C(1800000000)
#define LINES 7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

DEFINE_CLEANUP(Nonces, nonces_free)

static const unsigned char key[32] = "a key that no input can know ...";

static void check(bool holds) {
        if (!holds)
                abort();
}

/* Ours, then changed: bit `at` of what is covered. */
static void check_signed(const SignedRequest *received, size_t at) {
        auto_call(nonces_free_cleanup) Nonces *nonces = NULL;
        auto_free char *body = malloc(received->body_length + 1);
        SignedRequest rq = *received;
        SignatureHeaders h, changed;
        char *fields[] = { h.timestamp, h.nonce, h.signature, h.binding };

        check(body && nonces_new(2, &nonces) == 0);
        rq.timestamp_s = NOW + (int64_t) (at % 61) - 30;
        rq.nonce = NULL;
        signature_make(key, &rq, &h);
        if (!*h.signature) {
                check(signature_check(key, &rq, "1800000000", "0123456789abcdef0123456789abcdef", h.signature, h.binding, NOW, nonces,
                                      NULL) == SIGNATURE_E_MALFORMED);
                return;
        }
        memcpy(body, rq.body, rq.body_length);
        if (rq.body_length > 0) {
                body[at / 8 % rq.body_length] = (char) (body[at / 8 % rq.body_length] ^ (1 << at % 8));
                rq.body = body;
                check(signature_check(key, &rq, h.timestamp, h.nonce, h.signature, h.binding, NOW, nonces, NULL) == SIGNATURE_E_WRONG);
                rq.body = received->body;
        }
        changed = h;
        for (size_t i = 0; i < ELEMENTS(fields); i++) {
                char *place = fields[i] + at % strlen(fields[i]);

                *place = (char) (*place ^ (1 << at % 8));
                check(signature_check(key, &rq, h.timestamp, h.nonce, h.signature, h.binding, NOW, nonces, NULL) != SIGNATURE_OK);
                h = changed;
        }
        check(signature_check(key, &rq, h.timestamp, h.nonce, h.signature, h.binding, NOW, nonces, NULL) == SIGNATURE_OK);
        check(signature_check(key, &rq, h.timestamp, h.nonce, h.signature, h.binding, NOW, nonces, NULL) == SIGNATURE_E_REPLAYED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        auto_free char *text = malloc(size + 1);
        const char *lines[LINES] = { 0 };
        char *s = text, *end = text + size;
        SignedRequest rq = { 0 };
        int64_t difference = 7;
        int r;

        check(text);
        memcpy(text, data, size);
        *end = '\0';
        for (size_t i = 0; i < LINES && s < end; i++) {
                char *newline = memchr(s, '\n', (size_t) (end - s));

                lines[i] = s;
                s = newline ? newline + 1 : end;
                if (newline)
                        *newline = '\0';
        }
        rq.method = lines[0];
        rq.target = lines[1];
        rq.server = lines[2];
        rq.body = s;
        rq.body_length = (size_t) (end - s);
        r = signature_check(key, &rq, lines[3], lines[4], lines[5], lines[6], NOW, NULL, &difference);
        check((r == SIGNATURE_E_MALFORMED || r == SIGNATURE_E_WRONG) && difference == 7);
        check_signed(&rq, size > 0 ? (size_t) data[size - 1] + 256 * (size_t) data[0] : 0);
        return 0;
}
