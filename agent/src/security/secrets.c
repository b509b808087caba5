/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "security/secrets.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "security/digest.h"
#include "security/validate.h"

bool secret_equal(const char *a, const char *b) {
        size_t n;

        if (!a || !b)
                return false;
        n = strlen(a);
        return n == strlen(b) && sodium_memcmp(a, b, n) == 0;
}

void secret_new(unsigned char ret[static SECRET_BYTES]) {
        if (sodium_init() < 0)
                abort();
        randombytes_buf(ret, SECRET_BYTES);
}

/* libsodium's conversions do not look up the digits in a table, whose cache lines would tell of them. */
void secret_hex(const unsigned char secret[static SECRET_BYTES], char ret[static SECRET_HEX_LENGTH + 1]) {
        (void) sodium_bin2hex(ret, SECRET_HEX_LENGTH + 1, secret, SECRET_BYTES);
}

bool secret_from_hex(const char *hex, unsigned char ret[static SECRET_BYTES]) {
        return valid_hex(hex, SECRET_HEX_LENGTH) && sodium_hex2bin(ret, SECRET_BYTES, hex, SECRET_HEX_LENGTH, NULL, NULL, NULL) == 0;
}

void secret_zero(void *p, size_t length) {
        if (p)
                sodium_memzero(p, length);
}

void token_new(char ret[static TOKEN_LENGTH + 1]) {
        static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

        if (sodium_init() < 0)
                abort();
        for (unsigned i = 0; i < TOKEN_LENGTH; i++)
                ret[i] = characters[randombytes_uniform(sizeof(characters) - 1)];
        ret[TOKEN_LENGTH] = '\0';
}

void token_hash(const char *token, char ret[static 65]) {
        digest_hex(token, strlen(token), ret);
}
