/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "cluster/own_address.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

/* connect() of a datagram socket only looks up the route. The addresses are of the ranges for documentation: they are like any other far
 * away. */
static int source_address(int family, const char *far, char ret[static 46]) {
        auto_close int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(4000) };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(4000) };
        bool is_v4 = family == AF_INET;
        struct sockaddr *address = is_v4 ? (struct sockaddr *) &v4 : (struct sockaddr *) &v6;
        socklen_t length = is_v4 ? sizeof v4 : sizeof v6;

        if (fd < 0)
                return -errno;
        (void) inet_pton(family, far, is_v4 ? (void *) &v4.sin_addr : (void *) &v6.sin6_addr);
        if (connect(fd, address, length) < 0 || getsockname(fd, address, &length) < 0)
                return -ENETUNREACH;
        return inet_ntop(family, is_v4 ? (void *) &v4.sin_addr : (void *) &v6.sin6_addr, ret, 46) ? 0 : -ENETUNREACH;
}

int own_address(char ret[static 46]) {
        int r = source_address(AF_INET, "198.51.100.1", ret);
        return r < 0 ? source_address(AF_INET6, "2001:db8::1", ret) : r;
}
