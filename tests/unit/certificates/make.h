/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Real certificates, made by libcrypto: an authority, an intermediate one, and a pair for a name. */
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
        const char *name; /* NULL: an authority */
        const char *subject;
        int64_t from_s, until_s; /* from now */
        bool must_staple;
} Wanted;

static void add_extension(X509 *x, int nid, const char *value) {
        X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

        if (!e || X509_add_ext(x, e, -1) != 1)
                abort();
        X509_EXTENSION_free(e);
}

/* issuer NULL: signed by itself. */
static X509 *make_certificate(EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key, const Wanted *w) {
        static long serial = 1;
        X509 *x = X509_new();
        X509_NAME *subject = X509_get_subject_name(x);
        char alternative[300] = "DNS:";

        (void) X509_set_version(x, 2);
        (void) ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
        (void) X509_time_adj_ex(X509_getm_notBefore(x), 0, (long) w->from_s, NULL);
        (void) X509_time_adj_ex(X509_getm_notAfter(x), 0, (long) w->until_s, NULL);
        (void) X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *) w->subject, -1, -1, 0);
        (void) X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer) : subject);
        (void) X509_set_pubkey(x, key);
        if (w->name) {
                (void) strncat(alternative, w->name, sizeof alternative - 5);
                add_extension(x, NID_subject_alt_name, alternative);
        } else
                add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
        if (w->must_staple)
                add_extension(x, NID_tlsfeature, "status_request");
        if (X509_sign(x, issuer_key ? issuer_key : key, EVP_sha256()) == 0)
                abort();
        return x;
}

static char *bio_text(BIO *b) {
        char *data = NULL;
        long length = BIO_get_mem_data(b, &data);
        char *text = strndup(data, (size_t) length);

        BIO_free(b);
        return text;
}

static char *certificate_text(X509 *x) {
        BIO *b = BIO_new(BIO_s_mem());

        (void) PEM_write_bio_X509(b, x);
        return bio_text(b);
}

/* passphrase NULL: none. */
static char *key_text(EVP_PKEY *key, const char *passphrase) {
        BIO *b = BIO_new(BIO_s_mem());

        (void) PEM_write_bio_PrivateKey(b, key, passphrase ? EVP_aes_128_cbc() : NULL, NULL, 0, NULL, (void *) (uintptr_t) passphrase);
        return bio_text(b);
}

static char *join(const char *a, const char *b) {
        size_t n = strlen(a), m = strlen(b);
        char *text = malloc(n + m + 1);

        memcpy(text, a, n);
        memcpy(text + n, b, m + 1);
        return text;
}

typedef struct {
        EVP_PKEY *root_key, *middle_key;
        X509 *root, *middle;
        char *middle_text, *root_text;
} Authority;

static void authority_make(Authority *a) {
        a->root_key = EVP_EC_gen("P-256");
        a->middle_key = EVP_EC_gen("P-384");
        a->root = make_certificate(a->root_key, NULL, NULL, &(Wanted){ .subject = "Root", .from_s = -86400, .until_s = 86400 * 3650L });
        a->middle = make_certificate(a->middle_key, a->root, a->root_key,
                                     &(Wanted){ .subject = "Middle", .from_s = -86400, .until_s = 86400 * 3650L });
        a->root_text = certificate_text(a->root);
        a->middle_text = certificate_text(a->middle);
}

static void authority_done(Authority *a) {
        EVP_PKEY_free(a->root_key);
        EVP_PKEY_free(a->middle_key);
        X509_free(a->root);
        X509_free(a->middle);
        free(a->middle_text);
        free(a->root_text);
}

/* The leaf and the intermediate one; the key. To be freed. */
static void authority_issue(const Authority *a, const Wanted *w, char **ret_chain, char **ret_key) {
        EVP_PKEY *key = EVP_EC_gen("P-256");
        X509 *x = make_certificate(key, a->middle, a->middle_key, w);
        char *leaf = certificate_text(x);

        *ret_chain = join(leaf, a->middle_text);
        *ret_key = key_text(key, NULL);
        free(leaf);
        X509_free(x);
        EVP_PKEY_free(key);
}
