/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The repository URL. What git itself would still take and we do not: other schemes, `https::` helpers, credentials, options. */
#include <arpa/inet.h>
#include <string.h>

#include "base/text.h"
#include "security/validate.h"

#define URL_MAX 512
#define HOST_MAX 253

/* Takes the host at s: a name, an IPv4 literal or an IPv6 literal in brackets. Where it ends, or NULL; host (≥ HOST_MAX + 1) has it,
 * without brackets. */
static const char *take_host(const char *s, char *host) {
        unsigned char address[sizeof(struct in6_addr)];
        bool brackets = *s == '[';
        size_t n;

        s += brackets;
        n = strcspn(s, brackets ? "]" : ":/");
        if (n < 1 || n > HOST_MAX || (brackets && s[n] != ']'))
                return NULL;
        memcpy(host, s, n);
        host[n] = '\0';
        if (brackets) {
                /* Lower case, as host names: one spelling for one host (and inet_pton would take a few more characters). */
                if (strspn(host, "0123456789abcdef:.") != n || inet_pton(AF_INET6, host, address) != 1)
                        return NULL;
                return s + n + 1;
        }
        if (!valid_host_name(host) && inet_pton(AF_INET, host, address) != 1)
                return NULL;
        return s + n;
}

/* True if s is /SEGMENT/SEGMENT… of our characters. */
static bool path_valid(const char *s) {
        static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-";

        while (*s == '/') {
                size_t n = strspn(s + 1, allowed);

                if (n == 0 || (n == 1 && s[1] == '.') || (n == 2 && s[1] == '.' && s[2] == '.'))
                        return false;
                s += 1 + n;
        }
        return !*s;
}

bool valid_repo_url(const char *s, char *ret_host, unsigned *ret_port) {
        static const char scheme[] = "https://";
        char host[HOST_MAX + 1];
        unsigned long port = 443;

        if (!s || strnlen(s, URL_MAX + 1) > URL_MAX || !text_starts(s, scheme))
                return false;
        s = take_host(s + strlen(scheme), host);
        if (!s)
                return false;
        if (*s == ':') {
                char digits[6];
                size_t n = strcspn(++s, "/");

                if (n < 1 || n >= sizeof(digits))
                        return false;
                memcpy(digits, s, n);
                digits[n] = '\0';
                if (!text_to_number(digits, 1, 65535, &port))
                        return false;
                s += n;
        }
        if (*s != '/' || !path_valid(s))
                return false;
        if (ret_host)
                memcpy(ret_host, host, strlen(host) + 1);
        if (ret_port)
                *ret_port = (unsigned) port;
        return true;
}
