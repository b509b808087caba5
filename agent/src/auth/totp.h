/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Codes of an authenticator app: RFC 6238 with SHA-1, six digits and steps of 30 seconds, which is what all such apps can do. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { TOTP_SECRET_BYTES = 20, TOTP_BASE32_SIZE = 33, TOTP_DIGITS = 6 };

void totp_secret_new(unsigned char ret[static TOTP_SECRET_BYTES]);
/* RFC 4648 without padding: what is typed into an app. */
void totp_base32(const unsigned char secret[static TOTP_SECRET_BYTES], char ret[static TOTP_BASE32_SIZE]);
/* False when text is not what the function above makes. */
bool totp_from_base32(const char *text, unsigned char ret[static TOTP_SECRET_BYTES]);

int64_t totp_step(int64_t now_ms);
void totp_code(const unsigned char secret[static TOTP_SECRET_BYTES], int64_t step, char ret[static TOTP_DIGITS + 1]);
/* The step whose code this is, of that of now and one before and after, since clocks differ; 0: of none. In constant time. */
int64_t totp_find(const unsigned char secret[static TOTP_SECRET_BYTES], const char *code, int64_t now_ms);
