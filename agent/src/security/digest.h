/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* SHA-256, and: is a downloaded file what its publisher says it is (libsodium). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* SHA-256 as 64 lower-case hex digits. data may be NULL when length is 0. */
void digest_hex(const void *data, size_t length, char ret[static 65]);
/* 64 lower-case hex digits in base64 with padding, as TLS clients want a pin (`sha256//…`). False, ret untouched, when hex is not that. */
bool digest_hex_to_base64(const char *hex, char ret[static 45]);

enum {
        DIGEST_OK = 0,
        DIGEST_E_DIFFERENT, /* the file is another one */
        DIGEST_E_FORM,      /* expected is no digest that we trust; the file was not read */
};

/* Hashes what fd has from its start to its end. expected is npm's integrity (`sha512-` + base64; of several separated by blanks the sha512
 * one counts, sha1 alone is DIGEST_E_FORM) or 64 lower-case hex digits of SHA-256. Negative errno when it cannot be read. */
int digest_verify(int fd, const char *expected);
