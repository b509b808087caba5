/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "security/validate.h"

/* Bits behind the prefix that are not zero name a host, and a reader would think of another network than nginx does. */
static bool ends_with_zeroes(const unsigned char *address, size_t bytes, unsigned long bits) {
        for (size_t i = bits / 8; i < bytes; i++) {
                unsigned kept = i == bits / 8 ? 0xffU << (8 - bits % 8) & 0xffU : 0;

                if (address[i] & ~kept & 0xffU)
                        return false;
        }
        return true;
}

bool valid_cidr(const char *s) {
        char address[INET6_ADDRSTRLEN], again[INET6_ADDRSTRLEN];
        unsigned char bytes[16];
        const char *slash = s ? strchr(s, '/') : NULL;
        size_t length = slash ? (size_t) (slash - s) : 0;
        unsigned long bits;
        int family;

        if (length == 0 || length >= sizeof(address))
                return false;
        memcpy(address, s, length);
        address[length] = '\0';
        family = strchr(address, ':') ? AF_INET6 : AF_INET;
        if (inet_pton(family, address, bytes) != 1 || !text_to_number(slash + 1, 0, family == AF_INET ? 32 : 128, &bits))
                return false;
        /* One spelling each, so that two that are equal look so. */
        return inet_ntop(family, bytes, again, sizeof(again)) && strcmp(again, address) == 0 &&
               ends_with_zeroes(bytes, family == AF_INET ? 4 : 16, bits);
}
