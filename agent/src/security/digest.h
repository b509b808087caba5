/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Is a downloaded file what its publisher says it is (libsodium). */
#pragma once

enum {
        DIGEST_OK = 0,
        DIGEST_E_DIFFERENT, /* the file is another one */
        DIGEST_E_FORM,      /* expected is no digest that we trust; the file was not read */
};

/* Hashes what fd has from its start to its end. expected is npm's integrity (`sha512-` + base64; of several separated by blanks the sha512
 * one counts, sha1 alone is DIGEST_E_FORM) or 64 lower-case hex digits of SHA-256. Negative errno when it cannot be read. */
int digest_verify(int fd, const char *expected);
