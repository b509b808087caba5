/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "security/validate.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define ENV_VALUE_MAX (32 * 1024)

/* Not <ctype.h>: these must not depend on the locale. */
static bool lower(char c) {
        return c >= 'a' && c <= 'z';
}

static bool digit(char c) {
        return c >= '0' && c <= '9';
}

static bool letter(char c) {
        return lower(c) || (c >= 'A' && c <= 'Z');
}

static bool hex(char c) {
        return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* One of the characters in set; NUL is in no set. */
static bool one_of(char c, const char *set) {
        return c && strchr(set, c);
}

/* Length of s if it is within [1, max], else 0. */
static size_t bounded(const char *s, size_t max) {
        size_t n = s ? strnlen(s, max + 1) : 0;

        return n <= max ? n : 0;
}

bool valid_id(const char *s) {
        size_t n = bounded(s, 12);

        if (n != 12)
                return false;
        for (size_t i = 0; i < n; i++)
                if (!lower(s[i]) && !digit(s[i]))
                        return false;
        return true;
}

bool valid_slot(const char *s) {
        return s && (s[0] == 'a' || s[0] == 'b') && s[1] == '\0';
}

bool valid_release(const char *s) {
        return s && text_to_number(s, 1, 999999999, NULL);
}

/* A DNS label, lower case, of n characters. */
static bool label(const char *s, size_t n) {
        if (n < 1 || n > 63 || s[0] == '-' || s[n - 1] == '-')
                return false;
        for (size_t i = 0; i < n; i++)
                if (!lower(s[i]) && !digit(s[i]) && s[i] != '-')
                        return false;
        return true;
}

bool valid_project_name(const char *s) {
        return s && label(s, bounded(s, 63));
}

bool valid_server_name(const char *s) {
        return valid_project_name(s);
}

/* A path component of a ref, by git-check-ref-format(1), within our narrower set of characters. */
static bool ref_part(const char *s, size_t n) {
        if (n < 1 || s[0] == '.' || s[0] == '-' || s[n - 1] == '.')
                return false;
        if (n >= 5 && memcmp(s + n - 5, ".lock", 5) == 0)
                return false;
        for (size_t i = 0; i < n; i++) {
                if (!letter(s[i]) && !digit(s[i]) && !one_of(s[i], "._@+=,-"))
                        return false;
                if (i > 0 && s[i] == '.' && s[i - 1] == '.')
                        return false;
        }
        return true;
}

/* Calls ok for every part between separators; false as soon as one fails. */
static bool every_part(const char *s, char separator, bool (*ok)(const char *part, size_t n)) {
        for (;;) {
                const char *end = strchrnul(s, separator);

                if (!ok(s, (size_t) (end - s)))
                        return false;
                if (!*end)
                        return true;
                s = end + 1;
        }
}

bool valid_branch(const char *s) {
        /* The first character: a '+' would force a refspec, '-' would be an option, '@' alone means HEAD. */
        if (bounded(s, 255) == 0 || (!letter(s[0]) && !digit(s[0]) && s[0] != '_') || strcmp(s, "HEAD") == 0)
                return false;
        return every_part(s, '/', ref_part);
}

bool valid_hex(const char *s, size_t digits) {
        if (digits == 0 || bounded(s, digits) != digits)
                return false;
        for (size_t i = 0; i < digits; i++)
                if (!digit(s[i]) && !(s[i] >= 'a' && s[i] <= 'f'))
                        return false;
        return true;
}

bool valid_commit(const char *s) {
        return valid_hex(s, 40);
}

bool valid_pin(const char *s) {
        return valid_hex(s, 64);
}

bool valid_token(const char *s) {
        if (bounded(s, 32) != 32)
                return false;
        for (size_t i = 0; i < 32; i++)
                if (!letter(s[i]) && !digit(s[i]))
                        return false;
        return true;
}

/* Resolvers take `127.0.0.0x1` for an address: what ends in a number is one, in whatever notation. */
static bool numeric_label(const char *s) {
        if (s[0] == '0' && s[1] == 'x') {
                for (s += 2; hex(*s); s++)
                        ;
                return !*s;
        }
        for (; digit(*s); s++)
                ;
        return !*s;
}

bool valid_host_name(const char *s) {
        const char *dot;

        if (bounded(s, 253) == 0)
                return false;
        dot = strrchr(s, '.');
        return dot && !numeric_label(dot + 1) && every_part(s, '.', label);
}

bool valid_env_key(const char *s) {
        size_t n = bounded(s, 128);

        if (n == 0 || digit(s[0]))
                return false;
        for (size_t i = 0; i < n; i++)
                if (!letter(s[i]) && !digit(s[i]) && s[i] != '_')
                        return false;
        return true;
}

bool valid_env_value(const char *s) {
        size_t n;

        if (!s)
                return false;
        n = strnlen(s, ENV_VALUE_MAX + 1);
        if (n > ENV_VALUE_MAX)
                return false;
        /* Pieces between tabs and newlines: both are ASCII, so no character is cut in two. */
        for (const char *end = s + n; s <= end;) {
                size_t piece = strcspn(s, "\t\n");

                if (!text_is_line(s, piece))
                        return false;
                s += piece + 1;
        }
        return true;
}

bool valid_health_path(const char *s) {
        if (bounded(s, 512) == 0 || s[0] != '/')
                return false;
        for (; *s; s++) {
                /* A second '?' is an ordinary character of the query (RFC 3986, 3.4). */
                if (*s == '%' && hex(s[1]) && hex(s[2]))
                        s += 2;
                else if (!letter(*s) && !digit(*s) && !one_of(*s, "-._~!$&'()*+,;=:@/?"))
                        return false;
        }
        return true;
}

static bool directory_part(const char *s, size_t n) {
        if (n < 1 || s[0] == '-' || (n == 1 && s[0] == '.') || (n == 2 && s[0] == '.' && s[1] == '.'))
                return false;
        for (size_t i = 0; i < n; i++)
                if (!letter(s[i]) && !digit(s[i]) && !one_of(s[i], "._@-"))
                        return false;
        return true;
}

bool valid_relative_directory(const char *s) {
        return bounded(s, 255) > 0 && every_part(s, '/', directory_part);
}

static bool version_part(const char *s, size_t n) {
        if (n < 1 || n > 5 || (n > 1 && s[0] == '0'))
                return false;
        for (size_t i = 0; i < n; i++)
                if (!digit(s[i]))
                        return false;
        return true;
}

bool valid_version(const char *s) {
        size_t dots = 0;

        if (bounded(s, 17) == 0)
                return false;
        for (const char *c = s; *c; c++)
                dots += *c == '.';
        return dots <= 2 && every_part(s, '.', version_part);
}

bool valid_text_line(const char *s, size_t max) {
        size_t n;

        if (!s)
                return false;
        for (n = 0; n <= max && s[n]; n++)
                ;
        return n <= max && text_is_line(s, n);
}

bool valid_utf8(const char *s, size_t length) {
        return s && text_is_utf8(s, length);
}

bool env_key_is_reserved(const char *s) {
        static const char *const keys[] = { "PORT", "HOME", "PATH" };
        static const char *const prefixes[] = { "LISTEN_", "LD_", "NANOSCALE_" };

        for (size_t i = 0; i < ELEMENTS(keys); i++)
                if (strcmp(s, keys[i]) == 0)
                        return true;
        for (size_t i = 0; i < ELEMENTS(prefixes); i++)
                if (text_starts(s, prefixes[i]))
                        return true;
        return false;
}
