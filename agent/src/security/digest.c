/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "security/digest.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "security/validate.h"

#define BLOCK ((size_t) 64 * 1024 - 4096)

typedef union {
        crypto_hash_sha512_state sha512;
        crypto_hash_sha256_state sha256;
} State;

/* Finds the sha512 among the words of an integrity. */
static bool parse_integrity(const char *text, unsigned char ret[static crypto_hash_sha512_BYTES]) {
        static const char prefix[] = "sha512-";
        while (*text) {
                size_t n = strcspn(text, " ");
                if (strncmp(text, prefix, sizeof prefix - 1) == 0) {
                        const char *digits = text + sizeof prefix - 1;
                        size_t n_bytes = 0, n_digits = n - (sizeof prefix - 1);
                        const char *end = NULL;
                        return sodium_base642bin(ret, crypto_hash_sha512_BYTES, digits, n_digits, NULL, &n_bytes, &end,
                                                 sodium_base64_VARIANT_ORIGINAL) == 0 &&
                               n_bytes == crypto_hash_sha512_BYTES && end == digits + n_digits;
                }
                text += n + strspn(text + n, " ");
        }
        return false;
}

static bool parse_hex(const char *text, unsigned char ret[static crypto_hash_sha256_BYTES]) {
        return valid_hex(text, 2 * crypto_hash_sha256_BYTES) &&
               sodium_hex2bin(ret, crypto_hash_sha256_BYTES, text, 2 * crypto_hash_sha256_BYTES, NULL, NULL, NULL) == 0;
}

void digest_hex(const void *data, size_t length, char ret[static 65]) {
        unsigned char hash[crypto_hash_sha256_BYTES];

        (void) crypto_hash_sha256(hash, length > 0 ? data : (const void *) "", length);
        (void) sodium_bin2hex(ret, 65, hash, sizeof(hash));
}

bool digest_hex_to_base64(const char *hex, char ret[static 45]) {
        unsigned char hash[crypto_hash_sha256_BYTES];

        if (!parse_hex(hex, hash))
                return false;
        (void) sodium_bin2base64(ret, 45, hash, sizeof(hash), sodium_base64_VARIANT_ORIGINAL);
        return true;
}

int digest_verify(int fd, const char *expected) {
        unsigned char wanted[crypto_hash_sha512_BYTES] = { 0 }, found[crypto_hash_sha512_BYTES] = { 0 }, block[BLOCK];
        State state;
        bool is_hex = parse_hex(expected, wanted);
        if (!is_hex && !parse_integrity(expected, wanted))
                return DIGEST_E_FORM;
        if (is_hex)
                (void) crypto_hash_sha256_init(&state.sha256);
        else
                (void) crypto_hash_sha512_init(&state.sha512);
        for (off_t at = 0;;) {
                ssize_t n = pread(fd, block, sizeof block, at);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                at += n;
                if (is_hex)
                        (void) crypto_hash_sha256_update(&state.sha256, block, (size_t) n);
                else
                        (void) crypto_hash_sha512_update(&state.sha512, block, (size_t) n);
        }
        if (is_hex)
                (void) crypto_hash_sha256_final(&state.sha256, found);
        else
                (void) crypto_hash_sha512_final(&state.sha512, found);
        /* With SHA-256 both tails are zero. */
        return sodium_memcmp(wanted, found, sizeof found) == 0 ? DIGEST_OK : DIGEST_E_DIFFERENT;
}
