/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Preloaded into an app: binding TCP port $NANOSCALE_LISTEN_PORT gives the listening unix socket that the app inherited.
 *
 * An app calls listen(PORT) and believes in TCP; nginx connects to a unix socket that systemd holds. bind() puts a copy of that socket
 * over the app's descriptor, and the calls that would betray the difference answer as a TCP socket on the loopback address does. An app
 * that calls itself, on a loopback address and its own port, gets a connection to the same socket. Any other socket goes straight through:
 * its cost is one comparison. */
#include "awake.h"
#include "inherited.h"
#include "real.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* What a client appears to come from: nginx tells the true address in a header. Any port but 0 will do. */
enum { PEER_PORT = 49152 };

/* Descriptors whose app asked for IPv6, one bit each: they answer ::1, all others 127.0.0.1. A descriptor beyond it answers IPv4. */
enum { FAMILY_BITS = 65536 };
static _Atomic unsigned char family6[FAMILY_BITS / 8];

static void remember_family(int fd, bool v6) {
        if (fd < 0 || fd >= FAMILY_BITS)
                return;
        unsigned char bit = (unsigned char) (1U << (fd % 8));
        if (v6)
                atomic_fetch_or(&family6[fd / 8], bit);
        else if (atomic_load(&family6[fd / 8]) & bit)
                atomic_fetch_and(&family6[fd / 8], (unsigned char) ~bit);
}

static bool is_family6(int fd) {
        return fd >= 0 && fd < FAMILY_BITS && (atomic_load(&family6[fd / 8]) >> (fd % 8) & 1);
}

/* Before main(), and before the app's own libraries have threads. */
__attribute__((constructor)) static void start(void) {
        (void) real();
        inherited_find();
        if (inherited_port())
                awake_find();
}

static int option(int fd, int name) {
        int value = -1;
        socklen_t length = sizeof value;
        return real()->getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

static bool is_tcp(int fd) {
        int kept_errno = errno, domain = option(fd, SO_DOMAIN), protocol = option(fd, SO_PROTOCOL);
        bool is = (domain == AF_INET || domain == AF_INET6) && option(fd, SO_TYPE) == SOCK_STREAM &&
                  (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP);
        errno = kept_errno;
        return is;
}

/* Port of an IP address, 0 for any other address. */
static int port_of(const struct sockaddr *address, socklen_t length) {
        if (!address || length < sizeof(struct sockaddr_in))
                return 0;
        if (address->sa_family == AF_INET)
                return ntohs(((const struct sockaddr_in *) (const void *) address)->sin_port);
        if (address->sa_family == AF_INET6 && length >= offsetof(struct sockaddr_in6, sin6_scope_id))
                return ntohs(((const struct sockaddr_in6 *) (const void *) address)->sin6_port);
        return 0;
}

/* Writes the loopback address of fd's family as the kernel would: cut off at the caller's size, whole length told. */
static void tell_loopback(int fd, int port, struct sockaddr *address, socklen_t size, socklen_t *ret_length) {
        union {
                struct sockaddr_in v4;
                struct sockaddr_in6 v6;
        } told = { 0 };
        socklen_t length;
        if (is_family6(fd)) {
                told.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
                                                 .sin6_port = htons((uint16_t) port),
                                                 .sin6_addr = IN6ADDR_LOOPBACK_INIT };
                length = sizeof told.v6;
        } else {
                told.v4 = (struct sockaddr_in){ .sin_family = AF_INET,
                                                .sin_port = htons((uint16_t) port),
                                                .sin_addr = { htonl(INADDR_LOOPBACK) } };
                length = sizeof told.v4;
        }
        if (address && ret_length) {
                memcpy(address, &told, size < length ? size : length);
                *ret_length = length;
        }
}

/* Puts a copy of another socket over the app's descriptor, with the app's flags. What a program has told an epoll about the descriptor
 * before is lost by that: Node and Bun bind and connect first. */
static int take_over(int fd, int other, bool v6) {
        int status = fcntl(fd, F_GETFL), flags = fcntl(fd, F_GETFD);
        if (status < 0 || flags < 0 || dup3(other, fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0) < 0)
                return -1;
        (void) fcntl(fd, F_SETFL, status);
        remember_family(fd, v6);
        return 0;
}

EXPORT int bind(int fd, __CONST_SOCKADDR_ARG address, socklen_t length) {
        const struct sockaddr *wanted = address.__sockaddr__;
        int port = inherited_port();
        if (port && port_of(wanted, length) == port && is_tcp(fd)) {
                int inherited = inherited_fd();
                if (inherited >= 0)
                        return take_over(fd, inherited, wanted->sa_family == AF_INET6);
        }
        return real()->bind(fd, address, length);
}

EXPORT int listen(int fd, int backlog) {
        if (!inherited_port() || inherited_kind(fd) != INHERITED_SERVER || option(fd, SO_ACCEPTCONN) != 1)
                return real()->listen(fd, backlog);
        /* It listens already. Once more, for the kernel to tell all who hold the socket that it is this program that listens now; with the
         * largest backlog, as the socket's unit has it, since the app's own would hold for all of them too. */
        inherited_serve();
        return real()->listen(fd, SOMAXCONN);
}

/* The ways to say "this machine": 127.0.0.0/8, ::1, both unspecified addresses, and IPv4 written as IPv6. */
static bool is_this_machine(const struct sockaddr *address) {
        const struct in6_addr *v6 = &((const struct sockaddr_in6 *) (const void *) address)->sin6_addr;
        uint32_t v4;
        if (address->sa_family == AF_INET)
                v4 = ((const struct sockaddr_in *) (const void *) address)->sin_addr.s_addr;
        else if (IN6_IS_ADDR_V4MAPPED(v6))
                memcpy(&v4, v6->s6_addr + 12, sizeof v4);
        else
                return IN6_IS_ADDR_LOOPBACK(v6) || IN6_IS_ADDR_UNSPECIFIED(v6);
        return ntohl(v4) >> 24 == IN_LOOPBACKNET || v4 == htonl(INADDR_ANY);
}

/* A socket that can be connected to an address of this family, and is not yet. */
static bool may_connect(int fd, sa_family_t family) {
        struct sockaddr_storage peer;
        socklen_t length = sizeof peer;
        int kept_errno = errno;
        bool may = is_tcp(fd) && option(fd, SO_DOMAIN) == family && real()->getpeername(fd, (struct sockaddr *) &peer, &length) < 0;
        errno = kept_errno;
        return may;
}

static int connect_to_self(int fd, bool v6) {
        int kept_errno = errno, own = inherited_connect(fd);
        if (own < 0)
                return -1;
        int r = take_over(fd, own, v6), error = r < 0 ? errno : kept_errno;
        (void) real()->close(own);
        errno = error;
        return r;
}

EXPORT int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t length) {
        const struct sockaddr *wanted = address.__sockaddr__;
        int port = inherited_port();
        if (port && port_of(wanted, length) == port && is_this_machine(wanted)) {
                if (may_connect(fd, wanted->sa_family) && inherited_is_served())
                        return connect_to_self(fd, wanted->sa_family == AF_INET6);
                if (inherited_kind(fd) == INHERITED_CLIENT) {
                        errno = EISCONN;
                        return -1;
                }
        }
        return real()->connect(fd, address, length);
}

static int accepted(int listener, int fd, struct sockaddr *address, socklen_t size, socklen_t *length) {
        if (fd < 0 || !inherited_port())
                return fd;
        if (awake_is_due() && inherited_kind(listener) == INHERITED_SERVER)
                awake_tell();
        remember_family(fd, is_family6(listener));
        /* The kernel wrote the address of a unix client. Only its family may be looked at, and only if the caller had room for it. */
        if (address && length && (size < sizeof address->sa_family || address->sa_family == AF_UNIX) &&
            inherited_kind(listener) == INHERITED_SERVER)
                tell_loopback(fd, PEER_PORT, address, size, length);
        return fd;
}

EXPORT int accept(int fd, __SOCKADDR_ARG address, socklen_t *restrict length) {
        socklen_t size = length ? *length : 0;
        return accepted(fd, real()->accept(fd, address, length), address.__sockaddr__, size, length);
}

EXPORT int accept4(int fd, __SOCKADDR_ARG address, socklen_t *restrict length, int flags) {
        socklen_t size = length ? *length : 0;
        return accepted(fd, real()->accept4(fd, address, length, flags), address.__sockaddr__, size, length);
}

/* The server's end of a connection has our port, the client's end any other. */
static int named(int r, int fd, InheritedKind with_port, struct sockaddr *address, socklen_t size, socklen_t *length) {
        if (r < 0 || !inherited_port() || (size >= sizeof address->sa_family && address->sa_family != AF_UNIX))
                return r;
        InheritedKind kind = inherited_kind(fd);
        if (kind != INHERITED_NOT)
                tell_loopback(fd, kind == with_port ? inherited_port() : PEER_PORT, address, size, length);
        return r;
}

EXPORT int getsockname(int fd, __SOCKADDR_ARG address, socklen_t *restrict length) {
        socklen_t size = length ? *length : 0;
        return named(real()->getsockname(fd, address, length), fd, INHERITED_SERVER, address.__sockaddr__, size, length);
}

EXPORT int getpeername(int fd, __SOCKADDR_ARG address, socklen_t *restrict length) {
        socklen_t size = length ? *length : 0;
        return named(real()->getpeername(fd, address, length), fd, INHERITED_CLIENT, address.__sockaddr__, size, length);
}

static bool is_tcp_level(int level) {
        return level == IPPROTO_TCP || level == IPPROTO_IP || level == IPPROTO_IPV6;
}

EXPORT int setsockopt(int fd, int level, int name, const void *value, socklen_t length) {
        int r = real()->setsockopt(fd, level, name, value, length);
        /* SO_REUSEPORT means something for IP only, and newer kernels say so. */
        if (r < 0 && errno != EBADF && inherited_port() && (is_tcp_level(level) || (level == SOL_SOCKET && name == SO_REUSEPORT)) &&
            inherited_kind(fd) != INHERITED_NOT)
                return 0;
        return r;
}

EXPORT int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict length) {
        socklen_t size = length ? *length : 0;
        int r = real()->getsockopt(fd, level, name, value, length);
        if (!inherited_port())
                return r;
        if (r < 0) {
                if (errno == EBADF || errno == EFAULT || !is_tcp_level(level) || !value || !length || inherited_kind(fd) == INHERITED_NOT)
                        return r;
                memset(value, 0, size < 256 ? size : 256); /* TCP_INFO is the largest that anyone asks for */
                return 0;
        }
        if (level == SOL_SOCKET && (name == SO_DOMAIN || name == SO_PROTOCOL) && *length >= sizeof(int) &&
            inherited_kind(fd) != INHERITED_NOT) {
                int told = name == SO_PROTOCOL ? IPPROTO_TCP : is_family6(fd) ? AF_INET6 : AF_INET;
                memcpy(value, &told, sizeof told);
        }
        return r;
}

EXPORT int close(int fd) {
        /* "Close all that I did not open" must not take the way back to the socket; to the app the number never was open. */
        if (fd >= 0 && fd == inherited_kept()) {
                errno = EBADF;
                return -1;
        }
        return real()->close(fd);
}

EXPORT int close_range(unsigned first, unsigned last, int flags) {
        int number = inherited_kept();
        unsigned kept = (unsigned) number;
        if (number < 0 || kept < first || kept > last)
                return real()->close_range(first, last, flags);
        if (kept > first && real()->close_range(first, kept - 1, flags) < 0)
                return -1;
        return kept < last ? real()->close_range(kept + 1, last, flags) : 0;
}

EXPORT void closefrom(int lowest) {
        if (close_range(lowest < 0 ? 0 : (unsigned) lowest, UINT_MAX, 0) < 0)
                real()->closefrom(lowest); /* no close_range() in this kernel, so no guard either */
}

/* A program that marks all of its descriptors close-on-exec before it starts another one would cut the chain. */
EXPORT int execve(const char *file, char *const argv[], char *const envp[]) {
        inherited_pass_on();
        return real()->execve(file, argv, envp);
}

EXPORT int execv(const char *file, char *const argv[]) {
        inherited_pass_on();
        return real()->execv(file, argv);
}

EXPORT int execvp(const char *file, char *const argv[]) {
        inherited_pass_on();
        return real()->execvp(file, argv);
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[]) {
        inherited_pass_on();
        return real()->execvpe(file, argv, envp);
}
