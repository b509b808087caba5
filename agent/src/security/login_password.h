/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Passwords of people who sign in: argon2id (libsodium). Both functions take 32 MiB and a good part of a second on a small server, so the
 * agent runs them in a child (auth/hasher.h). */
#pragma once

#include <stdbool.h>

#define LOGIN_HASH_SIZE 128 /* crypto_pwhash_STRBYTES */

enum { LOGIN_PASSWORD_MIN = 12, LOGIN_PASSWORD_MAX = 256 };

/* Why a password will not do for user, as a sentence; NULL: it will. */
const char *login_password_problem(const char *chosen, const char *user);

/* 0; -ENOMEM when there is no memory for it. */
int login_password_hash(const char *password, char ret[static LOGIN_HASH_SIZE]);
/* hash is what the function above made. */
bool login_password_is(const char *password, const char *hash);
