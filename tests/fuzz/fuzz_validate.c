/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Accepted ⇒ made only of the characters that the contract names, within its lengths, and (URLs, addresses) the parts print back the same.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "security/validate.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define ALNUM LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
        if (!holds)
                abort();
}

static const struct {
        bool (*valid)(const char *s);
        const char *characters;
        size_t longest;
} kinds[] = {
        { valid_id, LOWER "0123456789", 12 },
        { valid_slot, "ab", 1 },
        { valid_release, "0123456789", 9 },
        { valid_project_name, LOWER "0123456789-", 63 },
        { valid_server_name, LOWER "0123456789-", 63 },
        { valid_cidr, "0123456789abcdef.:/", 43 },
        { valid_branch, ALNUM "._/@+=,-", 255 },
        { valid_commit, "0123456789abcdef", 40 },
        { valid_pin, "0123456789abcdef", 64 },
        { valid_token, ALNUM, 32 },
        { valid_host_name, LOWER "0123456789-.", 253 },
        { valid_env_key, ALNUM "_", 128 },
        { valid_health_path, ALNUM "-._~!$&'()*+,;=:@/?%", 512 },
        { valid_relative_directory, ALNUM "._@-/", 255 },
        { valid_version, "0123456789.", 17 },
};

static void check_url(const char *s) {
        char host[254], again[600];
        unsigned char address[16];
        unsigned port = 0;
        const char *path;
        bool six;

        if (!valid_repo_url(s, host, &port))
                return;
        check(strlen(s) <= 512 && strspn(s, ALNUM "._~/-:[]") == strlen(s) && !strstr(s, "/../") && !strchr(s, '@'));
        check(port >= 1 && port <= 65535);
        six = inet_pton(AF_INET6, host, address) == 1;
        check(six || valid_host_name(host) || inet_pton(AF_INET, host, address) == 1);
        path = strchr(s + strlen("https://"), '/');
        check(path && path[1]);
        (void) snprintf(again, sizeof(again), "https://%s%s%s:%u%s", six ? "[" : "", host, six ? "]" : "", port, path);
        if (strcmp(again, s) != 0) { /* the port was left out */
                (void) snprintf(again, sizeof(again), "https://%s%s%s%s", six ? "[" : "", host, six ? "]" : "", path);
                check(port == 443 && strcmp(again, s) == 0);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        auto_free char *s = strndup((const char *) data, size);

        check(s);
        for (size_t i = 0; i < ELEMENTS(kinds); i++)
                if (kinds[i].valid(s)) {
                        size_t n = strlen(s);

                        check(n >= 1 && n <= kinds[i].longest && strspn(s, kinds[i].characters) == n && *s != '-');
                }
        if (valid_branch(s) || valid_relative_directory(s))
                check(*s != '/' && !strstr(s, "//") && s[strlen(s) - 1] != '/');
        if (valid_branch(s))
                check(!strstr(s, "..") && !strstr(s, "/.") && !strstr(s, "/-"));
        if (valid_env_value(s))
                check(strlen(s) <= 32768 && valid_utf8(s, strlen(s)) && !strchr(s, '\r') && !strchr(s, '\x1b'));
        check_url(s);
        if (!address_is_internal(s)) {
                unsigned char address[16];

                check(inet_pton(AF_INET, s, address) == 1 || inet_pton(AF_INET6, s, address) == 1);
                check(strncmp(s, "127.", 4) != 0 && strncmp(s, "10.", 3) != 0 && strncmp(s, "169.254.", 8) != 0 &&
                      strncmp(s, "192.168.", 8) != 0);
        }
        if (valid_server_address(s)) {
                unsigned char address[16];
                bool six = inet_pton(AF_INET6, s, address) == 1;

                check(six || valid_host_name(s) || inet_pton(AF_INET, s, address) == 1);
                check(!six || (address[0] != 0xff && strspn(s, "0123456789abcdef:.") == strlen(s)));
                check(strncmp(s, "0.", 2) != 0 || valid_host_name(s));
                check(strncmp(s, "169.254.", 8) != 0 || valid_host_name(s));
        }
        (void) env_key_is_reserved(s);
        return 0;
}
