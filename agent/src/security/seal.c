/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "security/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "security/random.h"

#define PREFIX "v1:"
#define PREFIX_LENGTH (sizeof(PREFIX) - 1)
#define KEY_BYTES crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES
#define BASE64 sodium_base64_VARIANT_ORIGINAL
#define TEXT_MAX ((size_t) 16 << 20) /* more than everything that is ever sealed; keeps sizes from overflowing */

struct Sealer {
        unsigned char key[KEY_BYTES];
};

Sealer *sealer_free(Sealer *s) {
        if (s) {
                sodium_memzero(s, sizeof(*s));
                free(s);
        }
        return NULL;
}

DEFINE_CLEANUP(Sealer, sealer_free)

void secret_free(char *p, size_t length) {
        if (p) {
                sodium_memzero(p, length);
                free(p);
        }
}

/* --- the key's file: 32 random bytes --- */

/* One byte more than a key has is asked for, so that a longer file is noticed. */
static int read_key(const char *path, unsigned char *key) {
        auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        unsigned char buffer[KEY_BYTES + 1];
        struct stat st;
        ssize_t n;
        int r = 0;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EBADMSG;
        if (st.st_mode & (S_IRWXG | S_IRWXO))
                return -EPERM;
        n = read(fd, buffer, sizeof(buffer));
        if (n < 0)
                r = -errno;
        /* All zeroes is what a file system may leave of a file after a power cut. */
        else if (n != KEY_BYTES || sodium_is_zero(buffer, KEY_BYTES))
                r = -EBADMSG;
        else
                memcpy(key, buffer, KEY_BYTES);
        sodium_memzero(buffer, sizeof(buffer));
        return r;
}

static int sync_directory_of(const char *path) {
        const char *slash = strrchr(path, '/');
        auto_free char *directory = slash ? strndup(path, slash == path ? 1 : (size_t) (slash - path)) : strdup(".");
        auto_close int fd = -1;

        if (!directory)
                return -ENOMEM;
        fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int write_key(const char *temporary, const char *path) {
        auto_close int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        unsigned char key[KEY_BYTES];
        ssize_t n;
        int r = 0;

        if (fd < 0)
                return -errno;
        randombytes_buf(key, sizeof(key));
        n = write(fd, key, sizeof(key));
        sodium_memzero(key, sizeof(key));
        if (n < 0 || fsync(fd) < 0)
                r = -errno;
        else if ((size_t) n != sizeof(key))
                r = -ENOSPC;
        /* A link, not a rename: it cannot replace a key that somebody else has made meanwhile, and that already sealed something. */
        else if (link(temporary, path) < 0 && errno != EEXIST)
                r = -errno;
        (void) unlink(temporary);
        return r;
}

/* The name appears only when the whole key is on the disk: half a key, or one that a power cut takes back after it was used, loses every
 * secret. */
static int make_key(const char *path) {
        char temporary[PATH_MAX], id[13];
        int r;

        random_id(id);
        if (snprintf(temporary, sizeof(temporary), "%s.%s", path, id) >= (int) sizeof(temporary))
                return -ENAMETOOLONG;
        r = write_key(temporary, path);
        return r < 0 ? r : sync_directory_of(path);
}

int sealer_open(const char *path, int create, Sealer **ret_sealer) {
        auto_call(sealer_free_cleanup) Sealer *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        if (sodium_init() < 0)
                return -EIO;
        r = read_key(path, s->key);
        if (r == -ENOENT && create) {
                r = make_key(path);
                if (r == 0)
                        r = read_key(path, s->key);
        }
        if (r < 0)
                return r;
        *ret_sealer = handover(s);
        return 0;
}

/* --- sealing: nonce, then ciphertext with its tag --- */

/* What is authenticated besides: the format's version and the context. */
static int associated(const char *context, char **ret) {
        return asprintf(ret, PREFIX "%s", context) < 0 ? -ENOMEM : 0;
}

int seal_text(const Sealer *s, const char *context, const char *plain, size_t length, char **ret_sealed) {
        auto_free char *with = NULL, *sealed = NULL;
        auto_free unsigned char *bytes = NULL;
        size_t n = NONCE_BYTES + length + TAG_BYTES, size;

        if (length > TEXT_MAX)
                return -EFBIG;
        size = sodium_base64_ENCODED_LEN(n, BASE64);
        bytes = malloc(n);
        sealed = malloc(PREFIX_LENGTH + size);
        if (!bytes || !sealed || associated(context, &with) < 0)
                return -ENOMEM;
        randombytes_buf(bytes, NONCE_BYTES);
        (void) crypto_aead_xchacha20poly1305_ietf_encrypt(bytes + NONCE_BYTES, NULL, (const unsigned char *) plain, length,
                                                          (const unsigned char *) with, strlen(with), NULL, bytes, s->key);
        memcpy(sealed, PREFIX, PREFIX_LENGTH);
        (void) sodium_bin2base64(sealed + PREFIX_LENGTH, size, bytes, n, BASE64);
        *ret_sealed = handover(sealed);
        return 0;
}

int unseal_text(const Sealer *s, const char *context, const char *sealed, char **ret_plain, size_t *ret_length) {
        auto_free char *with = NULL;
        auto_free unsigned char *bytes = NULL;
        size_t length, n = 0;
        const char *end = NULL;
        char *plain;

        if (strncmp(sealed, PREFIX, PREFIX_LENGTH) != 0)
                return -EBADMSG;
        sealed += PREFIX_LENGTH;
        length = strlen(sealed);
        /* libsodium 1.0.18 takes every byte from 0x80 on for a '/'. */
        if (strspn(sealed, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") != length)
                return -EBADMSG;
        bytes = malloc(length + 1);
        if (!bytes || associated(context, &with) < 0)
                return -ENOMEM;
        if (sodium_base642bin(bytes, length, sealed, length, NULL, &n, &end, BASE64) != 0 || *end || n < NONCE_BYTES + TAG_BYTES)
                return -EBADMSG;
        length = n - NONCE_BYTES - TAG_BYTES;
        plain = malloc(length + 1);
        if (!plain)
                return -ENOMEM;
        if (crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *) plain, NULL, NULL, bytes + NONCE_BYTES, n - NONCE_BYTES,
                                                       (const unsigned char *) with, strlen(with), bytes, s->key) != 0) {
                secret_free(plain, length + 1);
                return -EBADMSG;
        }
        plain[length] = '\0';
        *ret_plain = plain;
        if (ret_length)
                *ret_length = length;
        return 0;
}
