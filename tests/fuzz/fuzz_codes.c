/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Codes that people type and secrets of authenticator apps: what is taken has the one form in which it was made, and is taken again as
 * that. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/internal.h"
#include "auth/totp.h"
#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void code(const char *text, unsigned groups) {
        char first[5 * 4 + 1], second[5 * 4 + 1];

        if (!code_normalize(text, groups, first))
                return;
        if (strlen(first) != groups * 5 - 1 || strspn(first, "ABCDEFGHIJKLMNOPQRSTUVWXYZ23456789-") != groups * 5 - 1)
                abort();
        for (unsigned i = 4; i < groups * 5 - 1; i += 5)
                if (first[i] != '-')
                        abort();
        if (!code_normalize(first, groups, second) || strcmp(first, second) != 0)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        auto_free char *text = strndup((const char *) data, size);
        unsigned char secret[TOTP_SECRET_BYTES];
        char again[TOTP_BASE32_SIZE];

        if (!text)
                abort();
        code(text, 3);
        code(text, 4);
        if (totp_from_base32(text, secret)) {
                totp_base32(secret, again);
                if (strcmp(text, again) != 0)
                        abort();
        }
        memset(secret, 7, sizeof secret);
        if (totp_find(secret, text, 59000) && strlen(text) != TOTP_DIGITS)
                abort();
        return 0;
}
