/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Is this certificate good for that name? (libcrypto) Whoever may have made it, certbot or a user: nothing reaches nginx unchecked. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PEM_CHAIN_MAX ((size_t) 64 << 10)
#define PEM_KEY_MAX ((size_t) 16 << 10)

enum {
        PEM_OK = 0,
        PEM_E_SIZE,        /* larger than any such file */
        PEM_E_KEY,         /* no private key, or one with a passphrase */
        PEM_E_CERTIFICATE, /* no certificate, or one that cannot be read */
        PEM_E_MANY,        /* more than ten certificates */
        PEM_E_KIND,        /* neither RSA of 2048 to 8192 bits nor ECDSA on P-256, P-384 or P-521 */
        PEM_E_MISMATCH,    /* the first certificate is of another key */
        PEM_E_NAME,        /* the first certificate is for other names */
        PEM_E_CHAIN,       /* a certificate is not signed by the one that follows it */
        PEM_E_STAPLE,      /* it demands OCSP stapling, which nginx cannot do for us */
        PEM_E_EARLY,       /* not valid yet */
        PEM_E_EXPIRED,
};

typedef struct {
        int64_t not_before_ms, not_after_ms; /* of the first certificate */
} PemInfo;

/* Checks chain (the certificate for the name, then each with the one that signed it) and key, which may be one text. On PEM_OK *ret_info
 * and *ret_pem (may be NULL) with the key and the chain, made anew from what was understood, so that nothing else is in it: release it with
 * pem_free(). With PEM_E_EARLY and PEM_E_EXPIRED all else is in order, and *ret_info is set. Otherwise nothing is. -ENOMEM. */
int pem_check(const char *chain, size_t chain_length, const char *key, size_t key_length, const char *name, int64_t now_ms,
              PemInfo *ret_info, char **ret_pem, size_t *ret_length);
/* A sentence for a positive code. */
const char *pem_explain(int code);
/* Zeroes and frees. NULL-safe, returns NULL. */
char *pem_free(char *text, size_t length);
