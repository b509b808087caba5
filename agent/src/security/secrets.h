/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Keys, tokens and how they are compared (libsodium). The functions that make something end the program when the system has no randomness:
 * nothing that follows would be safe. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SECRET_BYTES 32      /* the key that two nodes share */
#define SECRET_HEX_LENGTH 64 /* the same as text */
#define TOKEN_LENGTH 32

/* The one comparison of secret texts (token, MAC, hash of a token): the time that it takes says nothing about where they differ. Their
 * lengths may show. False when one is NULL. */
bool secret_equal(const char *a, const char *b);

/* 256 random bits. Zero them with secret_zero() when they leave scope. */
void secret_new(unsigned char ret[static SECRET_BYTES]);
void secret_hex(const unsigned char secret[static SECRET_BYTES], char ret[static SECRET_HEX_LENGTH + 1]);
/* Exactly 64 lower-case hex digits, else false and ret is untouched. */
bool secret_from_hex(const char *hex, unsigned char ret[static SECRET_BYTES]);
/* Zeroes in a way that no compiler leaves out. NULL-safe. What is on the heap: secret_free() of seal.h. */
void secret_zero(void *p, size_t length);

/* 32 characters of [A-Za-z0-9], evenly distributed (190 bits), and a NUL. */
void token_new(char ret[static TOKEN_LENGTH + 1]);
/* What is stored instead of a token: its SHA-256 in lower-case hex. No salt, no stretching: a token has 190 random bits, not a password's
 * few. */
void token_hash(const char *token, char ret[static 65]);
