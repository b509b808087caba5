/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The headers by which somebody signs in. The first line is the header, the second what it is held against. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/web.h"
#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        auto_free char *text = strndup((const char *) data, size);
        const char *token;
        char value[64], *host;

        if (!text)
                abort();
        host = strchr(text, '\n');
        if (host)
                *host++ = '\0';
        memset(value, 0, sizeof value);
        /* There is exactly one of that name, with exactly that value. */
        if (web_cookie(text, value, sizeof value)) {
                const char *at = strstr(text, SESSION_COOKIE "=");
                if (!at || !value[0] || !memchr(value, '\0', sizeof value) || strchr(value, ';') || !strstr(at, value))
                        abort();
        }
        token = web_bearer(text);
        if (token && (!token[0] || strpbrk(token, " \t,;") || token < text || token > text + strlen(text)))
                abort();
        if (web_origin_fits(text, host) && (strncmp(text, "https://", 8) != 0 || !host[0] || strcasecmp(text + 8, host) != 0))
                abort();
        return 0;
}
