/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Passwords that nginx asks visitors for (libcrypt). */
#pragma once

#include <stdbool.h>

#define PASSWORD_HASH_SIZE 128

bool valid_gate_user(const char *s);     /* [A-Za-z0-9._@-]{1,64} */
bool valid_gate_password(const char *s); /* valid UTF-8 of 8 to 128 bytes without control characters */
/* A hash of crypt(3) of the kind that password_hash() makes: what stands in a file that nginx reads. */
bool valid_password_hash(const char *s);

/* SHA-512-crypt with a new salt. nginx computes it again for every request, so its cost is a visitor's, and an attacker's lever on the web
 * server's workers: it has the fewest rounds that there are, and the password has to make up for it. 0, or -EINVAL. */
int password_hash(const char *password, char ret[static PASSWORD_HASH_SIZE]);
