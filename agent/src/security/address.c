/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Which addresses a node must not be made to call: the special-purpose registries of RFC 6890 and what has been added since. And which ones
 * a node can have. */
#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "security/validate.h"

typedef struct {
        uint32_t network;
        unsigned bits;
} Net4;

static const Net4 internal4[] = {
        { 0x00000000, 8 },  /* this network */
        { 0x0a000000, 8 },  /* private */
        { 0x64400000, 10 }, /* carrier-grade NAT */
        { 0x7f000000, 8 },  /* loopback */
        { 0xa9fe0000, 16 }, /* link-local, with the metadata services */
        { 0xac100000, 12 }, /* private */
        { 0xc0000000, 24 }, /* protocol assignments */
        { 0xc0000200, 24 }, /* documentation */
        { 0xc0586300, 24 }, /* 6to4 relays */
        { 0xc0a80000, 16 }, /* private */
        { 0xc6120000, 15 }, /* benchmarks */
        { 0xc6336400, 24 }, /* documentation */
        { 0xcb007100, 24 }, /* documentation */
        { 0xe0000000, 4 },  /* multicast */
        { 0xf0000000, 4 },  /* reserved, broadcast */
};

typedef struct {
        unsigned char network[16];
        unsigned bits;
} Net6;

/* Within 2000::/3; all else is internal, but for the wrapped IPv4 addresses below. */
static const Net6 internal6[] = {
        { { 0x20, 0x01, 0x00 }, 23 },       /* protocol assignments: Teredo, ORCHID, benchmarks … */
        { { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
        { { 0x20, 0x02 }, 16 },             /* 6to4: any IPv4 address wrapped, and long dead */
        { { 0x3f, 0xff, 0x00 }, 20 },       /* documentation */
};

static const Net6 wrapping[] = {
        { { [10] = 0xff, [11] = 0xff }, 96 }, /* ::ffff:a.b.c.d, which the kernel connects by IPv4 */
        { { 0x00, 0x64, 0xff, 0x9b }, 96 },   /* NAT64: the IPv4 internet of an IPv6-only server */
};

static bool in_net6(const unsigned char *address, const Net6 *net) {
        unsigned whole = net->bits / 8, rest = net->bits % 8;

        if (memcmp(address, net->network, whole) != 0)
                return false;
        return rest == 0 || (address[whole] ^ net->network[whole]) >> (8 - rest) == 0;
}

static bool internal_v4(uint32_t address) {
        for (size_t i = 0; i < ELEMENTS(internal4); i++)
                if ((address ^ internal4[i].network) >> (32 - internal4[i].bits) == 0)
                        return true;
        return false;
}

static bool internal_v6(const unsigned char *a) {
        for (size_t i = 0; i < ELEMENTS(wrapping); i++)
                if (in_net6(a, &wrapping[i]))
                        return internal_v4((uint32_t) a[12] << 24 | (uint32_t) a[13] << 16 | (uint32_t) a[14] << 8 | a[15]);
        if ((a[0] & 0xe0) != 0x20)
                return true;
        for (size_t i = 0; i < ELEMENTS(internal6); i++)
                if (in_net6(a, &internal6[i]))
                        return true;
        return false;
}

bool address_is_internal(const char *s) {
        struct in_addr v4;
        struct in6_addr v6;

        if (s && inet_pton(AF_INET, s, &v4) == 1)
                return internal_v4(ntohl(v4.s_addr));
        if (s && inet_pton(AF_INET6, s, &v6) == 1)
                return internal_v6(v6.s6_addr);
        return true;
}

static bool server_v4(uint32_t address) {
        static const Net4 impossible[] = {
                { 0x00000000, 8 },  /* this network: the kernel takes 0.0.0.0 for loopback */
                { 0xa9fe0000, 16 }, /* link-local: the metadata service would be a node of ours */
                { 0xe0000000, 4 },  /* multicast */
                { 0xf0000000, 4 },  /* reserved, broadcast */
        };

        for (size_t i = 0; i < ELEMENTS(impossible); i++)
                if ((address ^ impossible[i].network) >> (32 - impossible[i].bits) == 0)
                        return false;
        return true;
}

static bool server_v6(const unsigned char *a) {
        static const Net6 impossible[] = {
                { { 0xff }, 8 },        /* multicast */
                { { 0xfe, 0x80 }, 10 }, /* link-local: means nothing without an interface */
        };
        static const unsigned char loopback[16] = { [15] = 1 };
        static const Net6 compatible = { { 0 }, 96 }; /* ::, and the IPv4-compatible addresses of old */

        for (size_t i = 0; i < ELEMENTS(impossible); i++)
                if (in_net6(a, &impossible[i]))
                        return false;
        /* One address would have two spellings, and the ranges above be got round. */
        for (size_t i = 0; i < ELEMENTS(wrapping); i++)
                if (in_net6(a, &wrapping[i]))
                        return false;
        return !in_net6(a, &compatible) || memcmp(a, loopback, sizeof(loopback)) == 0;
}

bool valid_server_address(const char *s) {
        struct in_addr v4;
        struct in6_addr v6;

        if (s && inet_pton(AF_INET, s, &v4) == 1)
                return server_v4(ntohl(v4.s_addr));
        /* Lower case, as host names: inet_pton() takes upper case, too. */
        if (s && strspn(s, "0123456789abcdef:.") == strlen(s) && inet_pton(AF_INET6, s, &v6) == 1)
                return server_v6(v6.s6_addr);
        return valid_host_name(s);
}
