/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "security/login_password.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>

/* More than RFC 9106 asks of a machine that has little memory (two passes over 19 MiB is what OWASP calls the least). */
enum { PASSES = 3, MEMORY = 32 * 1024 * 1024 };

_Static_assert(LOGIN_HASH_SIZE >= crypto_pwhash_STRBYTES, "a hash fits");

/* Long enough for us, and the first that anybody tries. */
static const char *const common[] = { "123456789012",     "1234567890123",    "12345678901234", "password1234",
                                      "passwordpassword", "qwertyuiop123",    "qwertyuiopasdf", "adminadmin12",
                                      "adminadminadmin",  "administrator",    "administrator1", "letmeinletmein",
                                      "iloveyou1234",     "changemechangeme", "nanoscale123",   "nanoscalenanoscale" };

static bool is_one_character(const char *s) {
        return strspn(s, (const char[]){ s[0], '\0' }) == strlen(s);
}

const char *login_password_problem(const char *chosen, const char *user) {
        size_t n = strlen(chosen);

        if (n < LOGIN_PASSWORD_MIN)
                return "A password has at least 12 characters.";
        if (n > LOGIN_PASSWORD_MAX)
                return "A password has at most 256 bytes.";
        if (!text_is_line(chosen, n))
                return "A password is one line of text.";
        if (user && strcasestr(chosen, user) && n < strlen(user) + 8)
                return "The password is little more than the user name. Choose another one.";
        if (is_one_character(chosen))
                return "The password is one character again and again. Choose another one.";
        for (size_t i = 0; i < ELEMENTS(common); i++)
                if (strcasecmp(chosen, common[i]) == 0)
                        return "This password is among the first that anybody tries. Choose another one.";
        return NULL;
}

int login_password_hash(const char *password, char ret[static LOGIN_HASH_SIZE]) {
        memset(ret, 0, LOGIN_HASH_SIZE);
        return crypto_pwhash_str_alg(ret, password, strlen(password), PASSES, MEMORY, crypto_pwhash_ALG_ARGON2ID13) == 0 ? 0 : -ENOMEM;
}

bool login_password_is(const char *password, const char *hash) {
        return crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
}
