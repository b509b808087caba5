/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "security/signature.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "security/digest.h"
#include "security/secrets.h"
#include "security/validate.h"

#define NONCE_LENGTH ((size_t) 2 * NONCES_BYTES)
#define MAC_LENGTH ((size_t) 2 * crypto_auth_hmacsha256_BYTES)
#define METHOD_MAX 16
#define TARGET_MAX 8192
#define TIMESTAMP_DIGITS 11
#define TIMESTAMP_MAX INT64_C(99999999999)

typedef struct {
        const void *data;
        size_t length;
} Piece;

static Piece piece(const char *s) {
        return (Piece){ s, strlen(s) };
}

static void mac(const unsigned char *secret, const Piece *pieces, size_t n, char ret[static MAC_LENGTH + 1]) {
        crypto_auth_hmacsha256_state state;
        unsigned char bytes[crypto_auth_hmacsha256_BYTES];

        (void) crypto_auth_hmacsha256_init(&state, secret, SECRET_BYTES);
        for (size_t i = 0; i < n; i++)
                if (pieces[i].length > 0)
                        (void) crypto_auth_hmacsha256_update(&state, pieces[i].data, pieces[i].length);
        (void) crypto_auth_hmacsha256_final(&state, bytes);
        (void) sodium_bin2hex(ret, MAC_LENGTH + 1, bytes, sizeof(bytes));
        sodium_memzero(&state, sizeof(state));
        sodium_memzero(bytes, sizeof(bytes));
}

static void mac_both(const unsigned char *secret, const SignedRequest *rq, const char *timestamp, const char *nonce,
                     char ret_signature[static MAC_LENGTH + 1], char ret_binding[static MAC_LENGTH + 1]) {
        char hash[65];
        const Piece specified[] = { { rq->body, rq->body_length }, piece(timestamp) };
        Piece bound[] = { piece(rq->method), { "\n", 1 }, piece(rq->target), { "\n", 1 }, piece(rq->server), { "\n", 1 },
                          piece(timestamp),  { "\n", 1 }, piece(nonce),      { "\n", 1 }, { hash, 64 } };

        digest_hex(rq->body, rq->body_length, hash);
        mac(secret, specified, ELEMENTS(specified), ret_signature);
        mac(secret, bound, ELEMENTS(bound), ret_binding);
}

/* No newline can come in: each part is a line of what is bound. */
static bool parts_valid(const SignedRequest *rq) {
        size_t method = rq->method ? strnlen(rq->method, METHOD_MAX + 1) : 0;
        size_t target = rq->target ? strnlen(rq->target, TARGET_MAX + 1) : 0;

        if (method < 1 || method > METHOD_MAX || target < 1 || target > TARGET_MAX || rq->target[0] != '/')
                return false;
        for (size_t i = 0; i < method; i++)
                if (rq->method[i] < 'A' || rq->method[i] > 'Z')
                        return false;
        for (size_t i = 0; i < target; i++)
                if (rq->target[i] <= ' ' || rq->target[i] > '~')
                        return false;
        return valid_id(rq->server) && (rq->body || rq->body_length == 0);
}

void signature_make(const unsigned char secret[static 32], const SignedRequest *rq, SignatureHeaders *ret) {
        SignatureHeaders h = { 0 };

        *ret = h;
        if (!parts_valid(rq) || rq->timestamp_s < 0 || rq->timestamp_s > TIMESTAMP_MAX ||
            (rq->nonce && !valid_hex(rq->nonce, NONCE_LENGTH)))
                return;
        (void) snprintf(h.timestamp, sizeof(h.timestamp), "%lld", (long long) rq->timestamp_s);
        if (rq->nonce)
                memcpy(h.nonce, rq->nonce, NONCE_LENGTH + 1);
        else {
                unsigned char bytes[NONCES_BYTES];

                if (sodium_init() < 0)
                        abort();
                randombytes_buf(bytes, sizeof(bytes));
                (void) sodium_bin2hex(h.nonce, sizeof(h.nonce), bytes, sizeof(bytes));
        }
        mac_both(secret, rq, h.timestamp, h.nonce, h.signature, h.binding);
        *ret = h;
}

/* One spelling for one number: what is signed is the text. */
static bool timestamp_parse(const char *s, int64_t *ret) {
        size_t n = s ? strnlen(s, TIMESTAMP_DIGITS + 1) : 0;
        int64_t value = 0;

        if (n < 1 || n > TIMESTAMP_DIGITS || (s[0] == '0' && n > 1))
                return false;
        for (size_t i = 0; i < n; i++) {
                if (s[i] < '0' || s[i] > '9')
                        return false;
                value = 10 * value + (s[i] - '0');
        }
        *ret = value;
        return true;
}

static int take_nonce(Nonces *nonces, const char *nonce, int64_t timestamp_s, int64_t now_s) {
        unsigned char bytes[NONCES_BYTES];
        int r;

        if (sodium_hex2bin(bytes, sizeof(bytes), nonce, NONCE_LENGTH, NULL, NULL, NULL) != 0)
                return SIGNATURE_E_MALFORMED;
        r = nonces_take(nonces, bytes, timestamp_s, now_s);
        return r < 0 ? r : r == NONCES_OK ? SIGNATURE_OK : SIGNATURE_E_REPLAYED;
}

int signature_check(const unsigned char secret[static 32], const SignedRequest *rq, const char *timestamp, const char *nonce,
                    const char *signature, const char *binding, int64_t now_s, Nonces *nonces, int64_t *ret_difference_s) {
        char wanted_signature[MAC_LENGTH + 1], wanted_binding[MAC_LENGTH + 1];
        int64_t timestamp_s = 0;
        bool signature_right, binding_right;

        if (now_s < 0 || now_s > TIMESTAMP_MAX)
                return -EINVAL;
        if (!parts_valid(rq) || !timestamp_parse(timestamp, &timestamp_s) || !valid_hex(nonce, NONCE_LENGTH) ||
            !valid_hex(signature, MAC_LENGTH) || !valid_hex(binding, MAC_LENGTH))
                return SIGNATURE_E_MALFORMED;
        mac_both(secret, rq, timestamp, nonce, wanted_signature, wanted_binding);
        /* Two variables, so that the second comparison is made whatever the first one says. */
        signature_right = secret_equal(signature, wanted_signature);
        binding_right = secret_equal(binding, wanted_binding);
        /* They would make the request that was just refused a good one. */
        sodium_memzero(wanted_signature, sizeof(wanted_signature));
        sodium_memzero(wanted_binding, sizeof(wanted_binding));
        if (!signature_right || !binding_right)
                return SIGNATURE_E_WRONG;
        if (timestamp_s > now_s + SIGNATURE_CLOCK_S || timestamp_s < now_s - SIGNATURE_CLOCK_S) {
                if (ret_difference_s)
                        *ret_difference_s = timestamp_s - now_s;
                return SIGNATURE_E_CLOCK;
        }
        return nonces ? take_nonce(nonces, nonce, timestamp_s, now_s) : SIGNATURE_OK;
}

const char *signature_explain(int code) {
        static const char *const sentences[] = {
                [SIGNATURE_OK] = "The request is authentic.",
                [SIGNATURE_E_MALFORMED] = "A header of the signature is missing or malformed.",
                [SIGNATURE_E_WRONG] = "The signature is wrong: the other side has another key, or the request was changed on its way.",
                [SIGNATURE_E_CLOCK] = "The signature is right, but the clocks of the two nodes differ by more than 30 seconds.",
                [SIGNATURE_E_REPLAYED] = "The signature is right, but the request was received before, or too many were received to tell.",
        };

        return code >= 0 && (size_t) code < ELEMENTS(sentences) ? sentences[code]
                                                                : "The signature could not be checked: the agent has no memory left.";
}
