/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "certificates/pem.h"

#include "base/cleanup.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

enum { CERTIFICATES_MOST = 10, CLOCK_TOLERANCE_MS = 60 * 1000 };

typedef struct {
        EVP_PKEY *key;
        X509 *chain[CERTIFICATES_MOST];
        size_t n;
} Pair;

static void pair_done(Pair *p) {
        EVP_PKEY_free(p->key);
        for (size_t i = 0; i < p->n; i++)
                X509_free(p->chain[i]);
        /* What was refused on the way stands in the queue of this thread, where curl would find it. */
        ERR_clear_error();
}

static void free_bio(BIO **b) {
        (void) BIO_free(*b);
}

/* Without it, libcrypto asks on the terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *user) {
        (void) buffer;
        (void) size;
        (void) writing;
        (void) user;
        return -1;
}

static int read_key(Pair *p, const char *text, size_t length) {
        auto_call(free_bio) BIO *b = BIO_new_mem_buf(text, (int) length);

        if (!b)
                return -ENOMEM;
        p->key = PEM_read_bio_PrivateKey(b, NULL, no_passphrase, NULL);
        return p->key ? PEM_OK : PEM_E_KEY;
}

static int read_chain(Pair *p, const char *text, size_t length) {
        auto_call(free_bio) BIO *b = BIO_new_mem_buf(text, (int) length);
        unsigned long error;
        X509 *x;

        if (!b)
                return -ENOMEM;
        ERR_clear_error();
        while ((x = PEM_read_bio_X509(b, NULL, no_passphrase, NULL))) {
                if (p->n == CERTIFICATES_MOST) {
                        X509_free(x);
                        return PEM_E_MANY;
                }
                p->chain[p->n++] = x;
        }
        error = ERR_peek_last_error();
        /* This is how it says that there are no more. */
        return p->n > 0 && ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE ? PEM_OK : PEM_E_CERTIFICATE;
}

/* What browsers take. The upper bound also bounds how long a check of a signature takes. */
static int is_usual(EVP_PKEY *key) {
        char group[64];
        size_t length;
        int bits;

        if (!key)
                return 0;
        bits = EVP_PKEY_get_bits(key);
        if (EVP_PKEY_is_a(key, "RSA"))
                return bits >= 2048 && bits <= 8192;
        return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, &length) == 1 &&
               (strcmp(group, "prime256v1") == 0 || strcmp(group, "secp384r1") == 0 || strcmp(group, "secp521r1") == 0);
}

static int check_chain(const Pair *p) {
        if (!is_usual(p->key))
                return PEM_E_KIND;
        for (size_t i = 0; i < p->n; i++)
                if (!is_usual(X509_get0_pubkey(p->chain[i])))
                        return PEM_E_KIND;
        if (X509_check_private_key(p->chain[0], p->key) != 1)
                return PEM_E_MISMATCH;
        for (size_t i = 0; i + 1 < p->n; i++)
                if (X509_check_issued(p->chain[i + 1], p->chain[i]) != X509_V_OK ||
                    X509_verify(p->chain[i], X509_get0_pubkey(p->chain[i + 1])) != 1)
                        return PEM_E_CHAIN;
        return PEM_OK;
}

static int read_time(const ASN1_TIME *t, int64_t *ret_ms) {
        struct tm tm;

        if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
                return PEM_E_CERTIFICATE;
        *ret_ms = (int64_t) timegm(&tm) * 1000;
        return PEM_OK;
}

/* Names stand in subjectAltName; browsers do not look at the subject any more. */
static int check_leaf(X509 *leaf, const char *name, PemInfo *info) {
        const unsigned flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
        int r;

        if (X509_check_host(leaf, name, 0, flags, NULL) != 1)
                return PEM_E_NAME;
        if (X509_get_ext_by_NID(leaf, NID_tlsfeature, -1) >= 0)
                return PEM_E_STAPLE;
        r = read_time(X509_get0_notBefore(leaf), &info->not_before_ms);
        return r == PEM_OK ? read_time(X509_get0_notAfter(leaf), &info->not_after_ms) : r;
}

static int check_dates(const PemInfo *info, int64_t now_ms) {
        if (info->not_after_ms <= now_ms)
                return PEM_E_EXPIRED;
        return info->not_before_ms > now_ms + CLOCK_TOLERANCE_MS ? PEM_E_EARLY : PEM_OK;
}

/* A BIO of that kind zeroes what it held. */
static int write_pair(const Pair *p, char **ret_text, size_t *ret_length) {
        auto_call(free_bio) BIO *b = BIO_new(BIO_s_secmem());
        const char *data = NULL;
        long length;
        char *text;

        if (!b || PEM_write_bio_PKCS8PrivateKey(b, p->key, NULL, NULL, 0, NULL, NULL) != 1)
                return -ENOMEM;
        for (size_t i = 0; i < p->n; i++)
                if (PEM_write_bio_X509(b, p->chain[i]) != 1)
                        return -ENOMEM;
        length = BIO_get_mem_data(b, &data);
        if (length <= 0 || !(text = malloc((size_t) length + 1)))
                return -ENOMEM;
        memcpy(text, data, (size_t) length);
        text[length] = '\0';
        *ret_text = text;
        *ret_length = (size_t) length;
        return PEM_OK;
}

int pem_check(const char *chain, size_t chain_length, const char *key, size_t key_length, const char *name, int64_t now_ms,
              PemInfo *ret_info, char **ret_pem, size_t *ret_length) {
        auto_call(pair_done) Pair p = { 0 };
        PemInfo info = { 0 };
        int r, dates;

        /* As one text they have both sizes. */
        if (chain_length > PEM_CHAIN_MAX + PEM_KEY_MAX || key_length > PEM_CHAIN_MAX + PEM_KEY_MAX)
                return PEM_E_SIZE;
        r = read_key(&p, key, key_length);
        if (r == PEM_OK)
                r = read_chain(&p, chain, chain_length);
        if (r == PEM_OK)
                r = check_chain(&p);
        if (r == PEM_OK)
                r = check_leaf(p.chain[0], name, &info);
        if (r != PEM_OK)
                return r;
        dates = check_dates(&info, now_ms);
        if (dates == PEM_OK && ret_pem)
                r = write_pair(&p, ret_pem, ret_length);
        if (r < 0)
                return r;
        *ret_info = info;
        return dates;
}

const char *pem_explain(int code) {
        static const char *const sentences[] = {
                [PEM_OK] = "The certificate is in order.",
                [PEM_E_SIZE] = "The chain or the key is too large: up to 64 KiB and 16 KiB are taken.",
                [PEM_E_KEY] = "There is no private key in PEM form without a passphrase.",
                [PEM_E_CERTIFICATE] = "There is no certificate in PEM form, or one that cannot be read.",
                [PEM_E_MANY] = "The chain has more than ten certificates.",
                [PEM_E_KIND] = "A key is neither RSA of 2048 to 8192 bits nor ECDSA on P-256, P-384 or P-521.",
                [PEM_E_MISMATCH] = "The private key is not that of the first certificate.",
                [PEM_E_NAME] = "The first certificate is not for this domain: the name is not among its subject alternative names.",
                [PEM_E_CHAIN] = "The chain is out of order: the domain's certificate first, then each with the one that signed it.",
                [PEM_E_STAPLE] = "The certificate demands OCSP stapling (must-staple), which is not done here.",
                [PEM_E_EARLY] = "The certificate is not valid yet.",
                [PEM_E_EXPIRED] = "The certificate has expired.",
        };

        return code >= 0 && (size_t) code < ELEMENTS(sentences) ? sentences[code] : "The certificate was refused.";
}

char *pem_free(char *text, size_t length) {
        if (text)
                explicit_bzero(text, length);
        free(text);
        return NULL;
}
