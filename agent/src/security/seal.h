/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Secrets at rest: XChaCha20-Poly1305 (libsodium) with a random nonce, as text `v1:` + base64. The context is bound in, so that a value
 * sealed for one row cannot be put into another. Fails closed: a tampered text never yields a byte of the plain one. */
#pragma once

#include <stddef.h>

typedef struct Sealer Sealer;

/* Reads the key from path, or makes it (0600, 256 random bits, fsynced) when create is true and there is none. -EPERM when others can read
 * the file, -EBADMSG when it is not a key, -ENOENT. */
int sealer_open(const char *path, int create, Sealer **ret_sealer);
Sealer *sealer_free(Sealer *s); /* zeroes the key; NULL-safe, returns NULL */

int seal_text(const Sealer *s, const char *context, const char *plain, size_t length, char **ret_sealed);
/* -EBADMSG when the text is malformed, tampered with, or of another context or key. *ret_plain is NUL-terminated; release it with
 * secret_free(). */
int unseal_text(const Sealer *s, const char *context, const char *sealed, char **ret_plain, size_t *ret_length);

/* Zeroes, then frees. NULL-safe. */
void secret_free(char *p, size_t length);
