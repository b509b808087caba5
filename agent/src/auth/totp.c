/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "auth/totp.h"

#include "security/secrets.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

enum { STEP_MS = 30 * 1000, SHA1_BYTES = 20 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

_Static_assert((int) TOTP_SECRET_BYTES <= (int) SECRET_BYTES, "a secret is a part of a key");

void totp_secret_new(unsigned char ret[static TOTP_SECRET_BYTES]) {
        unsigned char random[SECRET_BYTES];

        secret_new(random);
        memcpy(ret, random, TOTP_SECRET_BYTES);
        secret_zero(random, sizeof random);
}

void totp_base32(const unsigned char secret[static TOTP_SECRET_BYTES], char ret[static TOTP_BASE32_SIZE]) {
        unsigned bits = 0, n_bits = 0;
        size_t n = 0;

        for (size_t i = 0; i < TOTP_SECRET_BYTES; i++) {
                bits = (bits << 8 | secret[i]) & 0xffff;
                for (n_bits += 8; n_bits >= 5; n_bits -= 5)
                        ret[n++] = alphabet[bits >> (n_bits - 5) & 31];
        }
        ret[n] = '\0'; /* 160 bits are 32 characters: nothing is left over */
}

bool totp_from_base32(const char *text, unsigned char ret[static TOTP_SECRET_BYTES]) {
        unsigned bits = 0, n_bits = 0;
        size_t n = 0;

        if (strlen(text) != TOTP_BASE32_SIZE - 1)
                return false;
        for (; *text; text++) {
                const char *at = strchr(alphabet, *text);
                if (!at)
                        return false;
                bits = (bits << 5 | (unsigned) (at - alphabet)) & 0xffff;
                n_bits += 5;
                if (n_bits >= 8) {
                        n_bits -= 8;
                        ret[n++] = (unsigned char) (bits >> n_bits & 0xff);
                }
        }
        return true;
}

int64_t totp_step(int64_t now_ms) {
        return now_ms / STEP_MS;
}

void totp_code(const unsigned char secret[static TOTP_SECRET_BYTES], int64_t step, char ret[static TOTP_DIGITS + 1]) {
        unsigned char counter[8], mac[EVP_MAX_MD_SIZE];
        unsigned length = 0, offset, value;

        for (size_t i = 0; i < sizeof counter; i++)
                counter[i] = (unsigned char) ((uint64_t) step >> (56 - 8 * i));
        if (!HMAC(EVP_sha1(), secret, TOTP_SECRET_BYTES, counter, sizeof counter, mac, &length) || length != SHA1_BYTES) {
                memset(ret, 0, TOTP_DIGITS + 1); /* no memory: no code is right */
                return;
        }
        offset = mac[SHA1_BYTES - 1] & 15;
        value = ((unsigned) mac[offset] & 127) << 24 | (unsigned) mac[offset + 1] << 16 | (unsigned) mac[offset + 2] << 8 | mac[offset + 3];
        (void) snprintf(ret, TOTP_DIGITS + 1, "%06u", value % 1000000);
        secret_zero(mac, sizeof mac);
}

int64_t totp_find(const unsigned char secret[static TOTP_SECRET_BYTES], const char *code, int64_t now_ms) {
        int64_t now = totp_step(now_ms), found = 0;
        char wanted[TOTP_DIGITS + 1];

        if (strlen(code) != TOTP_DIGITS)
                return 0;
        for (int64_t step = now - 1; step <= now + 1; step++) {
                totp_code(secret, step, wanted);
                if (wanted[0] && secret_equal(wanted, code))
                        found = step;
        }
        secret_zero(wanted, sizeof wanted);
        return found;
}
