/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "security/password.h"

#include <crypt.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "security/random.h"
#include "security/secrets.h"

#define PREFIX "$6$rounds=1000$"
#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

enum { SALT_LENGTH = 12, DIGEST_LENGTH = 86 };

bool valid_gate_user(const char *s) {
        return s && *s && strlen(s) <= 64 && strspn(s, ALNUM "._@-") == strlen(s);
}

bool valid_gate_password(const char *s) {
        return s && strlen(s) >= 8 && strlen(s) <= 128 && text_is_line(s, strlen(s));
}

bool valid_password_hash(const char *s) {
        const char *salt = s && text_starts(s, PREFIX) ? s + strlen(PREFIX) : NULL;
        size_t length = salt ? strspn(salt, ALNUM "./") : 0;

        return length > 0 && length <= 16 && salt[length] == '$' && strspn(salt + length + 1, ALNUM "./") == DIGEST_LENGTH &&
               salt[length + 1 + DIGEST_LENGTH] == '\0';
}

int password_hash(const char *password, char ret[static PASSWORD_HASH_SIZE]) {
        auto_free struct crypt_data *data = calloc(1, sizeof(*data));
        char setting[sizeof(PREFIX) + SALT_LENGTH + 1], salt[SALT_LENGTH + 1];
        const char *hash;
        bool made;

        if (!data)
                return -ENOMEM;
        random_id(salt); /* 62 bits: enough for no two to be alike */
        (void) snprintf(setting, sizeof(setting), PREFIX "%s$", salt);
        hash = crypt_rn(password, setting, data, sizeof(*data)); /* not crypt_r(): AddressSanitizer breaks that */
        made = hash && valid_password_hash(hash);
        if (made)
                (void) snprintf(ret, PASSWORD_HASH_SIZE, "%s", hash);
        secret_zero(data, sizeof(*data));
        return made ? 0 : -EINVAL;
}
