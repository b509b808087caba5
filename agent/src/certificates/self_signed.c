/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "certificates/self_signed.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAYS = 3650 };

static bool add_extension(X509 *x, int nid, const char *value) {
        X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
        bool ok = e && X509_add_ext(x, e, -1) == 1;

        X509_EXTENSION_free(e);
        return ok;
}

static bool fill(X509 *x, EVP_PKEY *key, const char *name) {
        X509_NAME *subject = X509_get_subject_name(x);
        unsigned char serial[8];
        uint64_t number;
        char alternative[300];

        if (RAND_bytes(serial, sizeof serial) != 1)
                return false;
        serial[0] &= 0x7f; /* positive */
        memcpy(&number, serial, sizeof number);
        (void) snprintf(alternative, sizeof alternative, "DNS:%.253s", name);
        return X509_set_version(x, X509_VERSION_3) == 1 && ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), number) == 1 &&
               X509_gmtime_adj(X509_getm_notBefore(x), -3600) && X509_time_adj_ex(X509_getm_notAfter(x), DAYS, 0, NULL) &&
               X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *) "NanoScale", -1, -1, 0) == 1 &&
               X509_set_issuer_name(x, subject) == 1 && X509_set_pubkey(x, key) == 1 &&
               add_extension(x, NID_basic_constraints, "critical,CA:FALSE") && add_extension(x, NID_subject_alt_name, alternative) &&
               X509_sign(x, key, EVP_sha256()) > 0;
}

static int write_pem(X509 *x, EVP_PKEY *key, char **ret_pem, size_t *ret_length) {
        BIO *out = BIO_new(BIO_s_secmem());
        char *text = NULL;
        long n = 0;
        int r = -ENOMEM;

        if (out && PEM_write_bio_X509(out, x) == 1 && PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) == 1)
                n = BIO_get_mem_data(out, &text);
        if (n > 0)
                *ret_pem = malloc((size_t) n + 1);
        if (n > 0 && *ret_pem) {
                memcpy(*ret_pem, text, (size_t) n);
                (*ret_pem)[n] = '\0';
                *ret_length = (size_t) n;
                r = 0;
        }
        BIO_free(out);
        return r;
}

int self_signed_new(const char *name, char **ret_pem, size_t *ret_length) {
        EVP_PKEY *key = EVP_EC_gen("P-256");
        X509 *x = X509_new();
        int r = key && x && fill(x, key, name) ? write_pem(x, key, ret_pem, ret_length) : -ENOMEM;

        X509_free(x);
        EVP_PKEY_free(key);
        return r;
}
