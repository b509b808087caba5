/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* probe NAME: runs in place of an app, with the shim preloaded and a listening unix socket as descriptor 3 (test_listen.c sets that up).
 * Each probe looks at one thing that an app may do; exit code 0, or 1 and the line that did not hold. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(what)                                                                                         \
        do {                                                                                                \
                if (!(what)) {                                                                              \
                        (void) fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #what, errno); \
                        exit(1);                                                                            \
                }                                                                                           \
        } while (0)

/* How long a probe waits for what must come; far more than a busy machine needs. */
#define PATIENCE_MS 60000

static const char *self;

static uint16_t port(void) {
        const char *s = getenv("PORT");
        return (uint16_t) (s ? atoi(s) : 0);
}

static int tcp(int family) {
        int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        CHECK(fd >= 0);
        return fd;
}

static int bind4(int fd, uint32_t address, uint16_t p) {
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(p), .sin_addr = { htonl(address) } };
        return bind(fd, (struct sockaddr *) &in, sizeof in);
}

static int bind6(int fd, const struct in6_addr *address, uint16_t p) {
        struct sockaddr_in6 in = { .sin6_family = AF_INET6, .sin6_port = htons(p), .sin6_addr = *address };
        return bind(fd, (struct sockaddr *) &in, sizeof in);
}

/* Family below the shim: what /proc says of the descriptor's kind cannot be made up. */
static bool is_unix(int fd) {
        struct ucred peer;
        socklen_t length = sizeof peer;
        /* Of a listening unix socket SO_PEERCRED tells who listens; a TCP socket knows nobody. */
        return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.pid > 0;
}

static int client(void) {
        struct sockaddr_un sun = { .sun_family = AF_UNIX };
        const char *path = getenv("PROBE_SOCKET");
        CHECK(path && strlen(path) < sizeof sun.sun_path);
        memcpy(sun.sun_path, path, strlen(path));
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CHECK(fd >= 0 && connect(fd, (struct sockaddr *) &sun, sizeof sun) == 0);
        return fd;
}

/* A listener as an app makes it, and proof that it is the inherited socket: a client of the unix socket gets accepted. */
static void serve_once(int fd) {
        char byte = 0;
        CHECK(listen(fd, 511) == 0);
        int c = client();
        struct pollfd p = { fd, POLLIN, 0 };
        CHECK(poll(&p, 1, PATIENCE_MS) == 1);
        int a = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        CHECK(a >= 0);
        CHECK(write(c, "x", 1) == 1 && read(a, &byte, 1) == 1 && byte == 'x');
        CHECK(close(a) == 0 && close(c) == 0);
}

static int server(void) {
        int fd = tcp(AF_INET);
        CHECK(bind4(fd, INADDR_ANY, port()) == 0);
        return fd;
}

static void probe_bind_addresses(void) {
        static const uint32_t addresses[] = { INADDR_ANY, INADDR_LOOPBACK, 0x0a000001 };
        for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
                int fd = tcp(AF_INET);
                CHECK(bind4(fd, addresses[i], port()) == 0);
                CHECK(is_unix(fd));
                serve_once(fd);
                CHECK(close(fd) == 0);
        }
        const struct in6_addr any = IN6ADDR_ANY_INIT, loopback = IN6ADDR_LOOPBACK_INIT;
        int fd = tcp(AF_INET6);
        CHECK(bind6(fd, &any, port()) == 0);
        serve_once(fd);
        fd = tcp(AF_INET6);
        int off = 0;
        CHECK(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0);
        CHECK(bind6(fd, &loopback, port()) == 0);
        serve_once(fd);
}

static void probe_bind_keeps_flags(void) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        CHECK(bind4(fd, INADDR_ANY, port()) == 0);
        CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC && (fcntl(fd, F_GETFL) & O_NONBLOCK));
        CHECK(accept(fd, NULL, NULL) < 0 && errno == EAGAIN);
        CHECK(close(fd) == 0);
        fd = socket(AF_INET, SOCK_STREAM, 0);
        CHECK(bind4(fd, INADDR_ANY, port()) == 0);
        CHECK(fcntl(fd, F_GETFD) == 0 && !(fcntl(fd, F_GETFL) & O_NONBLOCK));
}

static void probe_bind_keeps_errno(void) {
        int fd = tcp(AF_INET);
        errno = 4242;
        CHECK(bind4(fd, INADDR_ANY, port()) == 0 && errno == 4242);
        CHECK(listen(fd, 5) == 0 && errno == 4242);
}

static void probe_bind_others_untouched(void) {
        struct sockaddr_in in;
        socklen_t length = sizeof in;
        int fd = tcp(AF_INET);
        CHECK(bind4(fd, INADDR_LOOPBACK, 0) == 0 && listen(fd, 5) == 0 && !is_unix(fd));
        CHECK(getsockname(fd, (struct sockaddr *) &in, &length) == 0 && ntohs(in.sin_port) != port());
        int udp = socket(AF_INET, SOCK_DGRAM, 0);
        CHECK(bind4(udp, INADDR_LOOPBACK, port()) == 0);
        length = sizeof in;
        CHECK(getsockname(udp, (struct sockaddr *) &in, &length) == 0 && ntohs(in.sin_port) == port());
        struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = "" };
        int local = socket(AF_UNIX, SOCK_STREAM, 0);
        (void) snprintf(sun.sun_path + 1, sizeof sun.sun_path - 1, "nanoscale-probe-%d", (int) getpid());
        CHECK(bind(local, (struct sockaddr *) &sun, sizeof sun) == 0 && listen(local, 5) == 0);
        length = sizeof sun;
        CHECK(getsockname(local, (struct sockaddr *) &sun, &length) == 0 && sun.sun_family == AF_UNIX);
        CHECK(bind4(-1, INADDR_ANY, port()) < 0 && errno == EBADF);
        CHECK(bind(tcp(AF_INET), NULL, 0) < 0);
        fd = server();
        CHECK(bind4(fd, INADDR_ANY, port()) < 0 && errno == EINVAL); /* bound already, as the kernel says it */
}

static void probe_bind_twice(void) {
        int one = server(), two = server();
        serve_once(one);
        serve_once(two);
        CHECK(close(one) == 0);
        serve_once(two);
        serve_once(server()); /* after a close, as a server that restarts its listener */
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
                serve_once(server());
                _exit(0);
        }
        int status;
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void probe_listen_keeps_backlog(void) {
        int fd = server(), clients[6];
        CHECK(listen(fd, 0) == 0);
        for (size_t i = 0; i < 6; i++)
                clients[i] = client(); /* with a backlog of 0 the third would block */
        for (size_t i = 0; i < 6; i++)
                CHECK(close(clients[i]) == 0);
        int other = tcp(AF_INET);
        CHECK(bind4(other, INADDR_LOOPBACK, 0) == 0 && listen(other, 3) == 0);
        CHECK(listen(-1, 3) < 0 && errno == EBADF);
}

static void check4(const struct sockaddr_in *in, socklen_t length, uint16_t p) {
        CHECK(length == sizeof *in && in->sin_family == AF_INET && in->sin_addr.s_addr == htonl(INADDR_LOOPBACK));
        CHECK(p ? ntohs(in->sin_port) == p : in->sin_port != 0);
}

static void probe_getsockname(void) {
        struct sockaddr_storage all;
        socklen_t length = sizeof all;
        int fd = server();
        CHECK(getsockname(fd, (struct sockaddr *) &all, &length) == 0);
        check4((struct sockaddr_in *) (void *) &all, length, port());
        /* cut off as the kernel does it: no byte beyond the size, the whole length told */
        struct sockaddr_in small;
        memset(&small, 0xee, sizeof small);
        length = 4;
        CHECK(getsockname(fd, (struct sockaddr *) &small, &length) == 0 && length == sizeof small);
        CHECK(small.sin_family == AF_INET && ntohs(small.sin_port) == port() && small.sin_addr.s_addr == 0xeeeeeeee);
        length = 0;
        CHECK(getsockname(fd, (struct sockaddr *) &small, &length) == 0 && length == sizeof small && small.sin_addr.s_addr == 0xeeeeeeee);
        const struct in6_addr any = IN6ADDR_ANY_INIT, loopback = IN6ADDR_LOOPBACK_INIT;
        struct sockaddr_in6 in6;
        int fd6 = tcp(AF_INET6);
        CHECK(bind6(fd6, &any, port()) == 0);
        length = sizeof in6;
        CHECK(getsockname(fd6, (struct sockaddr *) &in6, &length) == 0 && length == sizeof in6 && in6.sin6_family == AF_INET6);
        CHECK(memcmp(&in6.sin6_addr, &loopback, sizeof loopback) == 0 && ntohs(in6.sin6_port) == port());
        length = sizeof all; /* the first is still what it was */
        CHECK(getsockname(fd, (struct sockaddr *) &all, &length) == 0);
        check4((struct sockaddr_in *) (void *) &all, length, port());
        CHECK(getsockname(-1, (struct sockaddr *) &all, &length) < 0 && errno == EBADF);
}

static void probe_accept(void) {
        struct sockaddr_in in;
        socklen_t length = sizeof in;
        int fd = server(), c = client();
        int a = accept(fd, (struct sockaddr *) &in, &length);
        CHECK(a >= 0);
        check4(&in, length, 0);
        length = sizeof in;
        CHECK(getsockname(a, (struct sockaddr *) &in, &length) == 0);
        check4(&in, length, port());
        CHECK(close(a) == 0 && close(c) == 0);
        errno = 0;
        CHECK(accept(fd, NULL, NULL) < 0 && errno == EAGAIN);
}

static void probe_accept4(void) {
        const struct in6_addr any = IN6ADDR_ANY_INIT, loopback = IN6ADDR_LOOPBACK_INIT;
        struct sockaddr_in6 in6;
        socklen_t length = sizeof in6;
        int fd = tcp(AF_INET6);
        CHECK(bind6(fd, &any, port()) == 0);
        (void) client();
        int a = accept4(fd, (struct sockaddr *) &in6, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        CHECK(a >= 0 && length == sizeof in6 && in6.sin6_family == AF_INET6 && memcmp(&in6.sin6_addr, &loopback, sizeof loopback) == 0);
        CHECK((fcntl(a, F_GETFL) & O_NONBLOCK) && fcntl(a, F_GETFD) == FD_CLOEXEC);
        length = sizeof in6;
        CHECK(getpeername(a, (struct sockaddr *) &in6, &length) == 0 && in6.sin6_family == AF_INET6);
        /* a TCP listener's connections are told as they are */
        struct sockaddr_in in, from;
        int other = tcp(AF_INET), to = socket(AF_INET, SOCK_STREAM, 0);
        length = sizeof in;
        CHECK(bind4(other, INADDR_LOOPBACK, 0) == 0 && listen(other, 3) == 0 && getsockname(other, (struct sockaddr *) &in, &length) == 0);
        CHECK(connect(to, (struct sockaddr *) &in, sizeof in) == 0);
        length = sizeof in;
        CHECK(getsockname(to, (struct sockaddr *) &in, &length) == 0);
        struct pollfd p = { other, POLLIN, 0 };
        CHECK(poll(&p, 1, PATIENCE_MS) == 1);
        length = sizeof from;
        CHECK(accept4(other, (struct sockaddr *) &from, &length, 0) >= 0 && from.sin_port == in.sin_port);
}

static void probe_getpeername(void) {
        struct sockaddr_in in;
        socklen_t length = sizeof in;
        int fd = server();
        CHECK(getpeername(fd, (struct sockaddr *) &in, &length) < 0 && errno == ENOTCONN);
        int c = client(), a = accept4(fd, NULL, NULL, 0);
        length = sizeof in;
        CHECK(getpeername(a, (struct sockaddr *) &in, &length) == 0);
        check4(&in, length, 0);
        struct sockaddr_un sun;
        length = sizeof sun;
        CHECK(getpeername(c, (struct sockaddr *) &sun, &length) == 0 && sun.sun_family == AF_UNIX); /* a client of ours is what it is */
        int pair[2];
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
        length = sizeof sun;
        CHECK(getpeername(pair[0], (struct sockaddr *) &sun, &length) == 0 && sun.sun_family == AF_UNIX);
}

static void probe_setsockopt(void) {
        static const struct {
                int level, name;
        } options[] = { { IPPROTO_TCP, TCP_NODELAY },      { IPPROTO_TCP, TCP_KEEPIDLE }, { IPPROTO_TCP, TCP_FASTOPEN },
                        { IPPROTO_TCP, TCP_DEFER_ACCEPT }, { IPPROTO_IP, IP_TOS },        { IPPROTO_IPV6, IPV6_V6ONLY },
                        { SOL_SOCKET, SO_REUSEADDR },      { SOL_SOCKET, SO_REUSEPORT },  { SOL_SOCKET, SO_KEEPALIVE } };
        int fd = server(), one = 1;
        (void) client();
        int a = accept4(fd, NULL, NULL, 0), pair[2];
        CHECK(a >= 0);
        for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
                CHECK(setsockopt(fd, options[i].level, options[i].name, &one, sizeof one) == 0);
                CHECK(setsockopt(a, options[i].level, options[i].name, &one, sizeof one) == 0);
        }
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
        CHECK(setsockopt(pair[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0);
        CHECK(setsockopt(-1, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0 && errno == EBADF);
        CHECK(setsockopt(tcp(AF_INET), IPPROTO_TCP, 9999, &one, sizeof one) < 0 && errno == ENOPROTOOPT);
        CHECK(setsockopt(fd, SOL_SOCKET, 9999, &one, sizeof one) < 0);
}

static int get(int fd, int level, int name) {
        int value = -1;
        socklen_t length = sizeof value;
        return getsockopt(fd, level, name, &value, &length) == 0 && length == sizeof value ? value : -1;
}

static void probe_getsockopt(void) {
        int fd = server(), pair[2];
        CHECK(get(fd, SOL_SOCKET, SO_DOMAIN) == AF_INET && get(fd, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP);
        CHECK(get(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM && get(fd, SOL_SOCKET, SO_ACCEPTCONN) == 1 && get(fd, SOL_SOCKET, SO_ERROR) == 0);
        CHECK(get(fd, IPPROTO_TCP, TCP_NODELAY) == 0 && get(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 0);
        struct tcp_info info;
        socklen_t length = sizeof info;
        memset(&info, 0xee, sizeof info);
        CHECK(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 && info.tcpi_rtt == 0);
        const struct in6_addr any = IN6ADDR_ANY_INIT;
        int fd6 = tcp(AF_INET6);
        CHECK(bind6(fd6, &any, port()) == 0 && get(fd6, SOL_SOCKET, SO_DOMAIN) == AF_INET6);
        (void) client();
        int a = accept(fd6, NULL, NULL);
        CHECK(a >= 0 && get(a, SOL_SOCKET, SO_DOMAIN) == AF_INET6);
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && get(pair[0], SOL_SOCKET, SO_DOMAIN) == AF_UNIX);
        CHECK(get(pair[0], SOL_SOCKET, SO_PROTOCOL) == 0 && get(pair[0], IPPROTO_TCP, TCP_NODELAY) == -1);
        CHECK(get(-1, SOL_SOCKET, SO_DOMAIN) == -1 && errno == EBADF);
        CHECK(get(tcp(AF_INET), IPPROTO_TCP, 9999) == -1 && errno == ENOPROTOOPT);
}

static int listening(void) {
        int fd = server();
        CHECK(listen(fd, 511) == 0);
        return fd;
}

static int connect4(int fd, uint32_t address, uint16_t p) {
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(p), .sin_addr = { htonl(address) } };
        return connect(fd, (struct sockaddr *) &in, sizeof in);
}

static int connect6(int fd, const char *address, uint16_t p) {
        struct sockaddr_in6 in = { .sin6_family = AF_INET6, .sin6_port = htons(p) };
        CHECK(inet_pton(AF_INET6, address, &in.sin6_addr) == 1);
        return connect(fd, (struct sockaddr *) &in, sizeof in);
}

/* What one end writes comes out of the other. */
static void check_connected(int listener, int c) {
        char byte = 0;
        struct pollfd p = { listener, POLLIN, 0 }, out = { c, POLLOUT, 0 };
        CHECK(poll(&p, 1, PATIENCE_MS) == 1);
        int a = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        CHECK(a >= 0);
        CHECK(poll(&out, 1, PATIENCE_MS) == 1 && out.revents == POLLOUT && get(c, SOL_SOCKET, SO_ERROR) == 0);
        CHECK(write(c, "x", 1) == 1 && read(a, &byte, 1) == 1 && byte == 'x');
        CHECK(write(a, "y", 1) == 1 && recv(c, &byte, 1, 0) == 1 && byte == 'y');
        CHECK(close(a) == 0);
        CHECK(recv(c, &byte, 1, MSG_WAITALL) == 0);
}

static void probe_connect_addresses(void) {
        static const uint32_t v4[] = { INADDR_LOOPBACK, INADDR_ANY, 0x7f010203, 0x7fffffff };
        static const char *const v6[] = { "::1", "::", "::ffff:127.0.0.1", "::ffff:127.9.9.9", "::ffff:0.0.0.0" };
        int fd = listening();
        for (size_t i = 0; i < sizeof v4 / sizeof *v4; i++) {
                int c = tcp(AF_INET);
                CHECK(connect4(c, v4[i], port()) == 0 && is_unix(c));
                check_connected(fd, c);
                CHECK(close(c) == 0);
        }
        for (size_t i = 0; i < sizeof v6 / sizeof *v6; i++) {
                int c = tcp(AF_INET6);
                CHECK(connect6(c, v6[i], port()) == 0 && is_unix(c));
                check_connected(fd, c);
                CHECK(close(c) == 0);
        }
        int bound = tcp(AF_INET); /* with an address of its own, as http.request({ localAddress }) does it */
        CHECK(bind4(bound, INADDR_LOOPBACK, 0) == 0 && connect4(bound, INADDR_LOOPBACK, port()) == 0);
        check_connected(fd, bound);
}

static void probe_connect_keeps_flags(void) {
        (void) listening();
        int fd = tcp(AF_INET);
        errno = 4242;
        CHECK(connect4(fd, INADDR_LOOPBACK, port()) == 0 && errno == 4242);
        CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC && (fcntl(fd, F_GETFL) & O_NONBLOCK));
        fd = socket(AF_INET, SOCK_STREAM, 0);
        const struct timeval limit = { .tv_usec = 200000 };
        CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
        CHECK(connect4(fd, INADDR_LOOPBACK, port()) == 0 && is_unix(fd));
        CHECK(fcntl(fd, F_GETFD) == 0 && !(fcntl(fd, F_GETFL) & O_NONBLOCK));
        char byte;
        CHECK(recv(fd, &byte, 1, 0) < 0 && errno == EAGAIN); /* after the time limit */
        int next = dup(fd);
        CHECK(next == fd + 1); /* nothing else is left open */
}

static void probe_connect_names(void) {
        struct sockaddr_in in, small;
        struct sockaddr_in6 in6;
        int fd = listening(), c = tcp(AF_INET);
        CHECK(connect4(c, INADDR_LOOPBACK, port()) == 0);
        int copy = dup(c);
        for (int i = 0; i < 2; i++) {
                int end = i ? copy : c;
                socklen_t length = sizeof in;
                CHECK(getpeername(end, (struct sockaddr *) &in, &length) == 0);
                check4(&in, length, port());
                length = sizeof in;
                CHECK(getsockname(end, (struct sockaddr *) &in, &length) == 0);
                check4(&in, length, 0);
                CHECK(ntohs(in.sin_port) != port());
        }
        socklen_t length = 0;
        memset(&small, 0xee, sizeof small);
        CHECK(getpeername(c, (struct sockaddr *) &small, &length) == 0 && length == sizeof small && small.sin_family == 0xeeee);
        /* what the server sees of it is what it sees of any client */
        struct sockaddr_in from;
        length = sizeof from;
        int a = accept(fd, (struct sockaddr *) &from, &length);
        CHECK(a >= 0);
        check4(&from, length, 0);
        CHECK(from.sin_port == in.sin_port);
        length = sizeof from;
        CHECK(getpeername(a, (struct sockaddr *) &from, &length) == 0);
        check4(&from, length, 0);
        CHECK(close(a) == 0);
        length = sizeof in; /* even when the other end has gone */
        CHECK(getpeername(c, (struct sockaddr *) &in, &length) == 0);
        check4(&in, length, port());

        const struct in6_addr loopback = IN6ADDR_LOOPBACK_INIT;
        c = tcp(AF_INET6);
        CHECK(connect6(c, "::1", port()) == 0);
        length = sizeof in6;
        CHECK(getpeername(c, (struct sockaddr *) &in6, &length) == 0 && length == sizeof in6 && in6.sin6_family == AF_INET6);
        CHECK(memcmp(&in6.sin6_addr, &loopback, sizeof loopback) == 0 && ntohs(in6.sin6_port) == port());
        /* nobody who reuses the number is taken for it */
        CHECK(close(c) == 0);
        int pair[2];
        struct sockaddr_un sun;
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && pair[0] == c);
        length = sizeof sun;
        CHECK(getpeername(c, (struct sockaddr *) &sun, &length) == 0 && sun.sun_family == AF_UNIX);
}

static void probe_connect_options(void) {
        int fd = listening(), one = 1, c = tcp(AF_INET), c6 = tcp(AF_INET6);
        CHECK(setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0);
        CHECK(connect4(c, INADDR_LOOPBACK, port()) == 0 && connect6(c6, "::1", port()) == 0);
        for (int name = TCP_KEEPIDLE; name <= TCP_KEEPCNT; name++)
                CHECK(setsockopt(c, IPPROTO_TCP, name, &one, sizeof one) == 0);
        CHECK(setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0);
        CHECK(setsockopt(c, IPPROTO_IP, IP_TOS, &one, sizeof one) == 0 && setsockopt(c, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one) == 0);
        CHECK(get(c, SOL_SOCKET, SO_DOMAIN) == AF_INET && get(c6, SOL_SOCKET, SO_DOMAIN) == AF_INET6);
        CHECK(get(c, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP && get(c, SOL_SOCKET, SO_TYPE) == SOCK_STREAM);
        CHECK(get(c, SOL_SOCKET, SO_ERROR) == 0 && get(c, SOL_SOCKET, SO_ACCEPTCONN) == 0 && get(c, IPPROTO_TCP, TCP_NODELAY) == 0);
        CHECK(close(accept(fd, NULL, NULL)) == 0);
}

static void probe_connect_twice(void) {
        int fd = listening(), c = tcp(AF_INET);
        CHECK(connect4(c, INADDR_LOOPBACK, port()) == 0);
        CHECK(connect4(c, INADDR_LOOPBACK, port()) < 0 && errno == EISCONN); /* how some ask whether it is done */
        check_connected(fd, c);
        /* connected to somebody else: the kernel's answer, and nothing is replaced */
        struct sockaddr_in in;
        socklen_t length = sizeof in;
        int other = tcp(AF_INET), to = socket(AF_INET, SOCK_STREAM, 0);
        CHECK(bind4(other, INADDR_LOOPBACK, 0) == 0 && listen(other, 3) == 0 && getsockname(other, (struct sockaddr *) &in, &length) == 0);
        CHECK(connect4(to, INADDR_LOOPBACK, ntohs(in.sin_port)) == 0);
        CHECK(connect4(to, INADDR_LOOPBACK, port()) < 0 && errno == EISCONN && !is_unix(to));
        CHECK(connect6(tcp(AF_INET), "::1", port()) < 0 && errno != ECONNREFUSED); /* not of its family */
        CHECK(connect4(-1, INADDR_LOOPBACK, port()) < 0 && errno == EBADF);
}

static void probe_connect_before_listen(void) {
        int c = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CHECK(connect4(c, INADDR_LOOPBACK, port()) < 0 && errno == ECONNREFUSED); /* "is this port free?" */
        int fd = server();
        CHECK(connect4(c, INADDR_LOOPBACK, port()) < 0 && errno == ECONNREFUSED);
        CHECK(listen(fd, 511) == 0 && connect4(c, INADDR_LOOPBACK, port()) == 0);
        check_connected(fd, c);
}

/* Worker processes and the programs that an app starts reach it as well, those too that were there before it listened; and when the
 * program that listened has gone, nobody is there any more. */
static void probe_connect_from_another_program(void) {
        int ready[2], status;
        char byte;
        CHECK(pipe(ready) == 0);
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
                int fd = listening();
                CHECK(write(ready[1], "x", 1) == 1);
                struct pollfd p = { fd, POLLIN, 0 };
                CHECK(poll(&p, 1, PATIENCE_MS) == 1 && accept(fd, NULL, NULL) >= 0);
                _exit(0);
        }
        CHECK(read(ready[0], &byte, 1) == 1);
        CHECK(connect4(socket(AF_INET, SOCK_STREAM, 0), INADDR_LOOPBACK, port()) == 0);
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
        CHECK(connect4(socket(AF_INET, SOCK_STREAM, 0), INADDR_LOOPBACK, port()) < 0 && errno == ECONNREFUSED);
        (void) listening();
        (void) execl(self, self, "connects", (char *) NULL);
}

/* Not a case of its own: what the one above becomes. */
static void probe_connects(void) {
        int c = tcp(AF_INET);
        CHECK(connect4(c, INADDR_LOOPBACK, port()) == 0 && is_unix(c));
}

static void probe_connect_refused(void) {
        const char *path = getenv("PROBE_SOCKET");
        int fd = listening(), c = tcp(AF_INET), tries = 0;
        /* A backlog of two, which the shim never makes: a full one refuses at once, since the app itself would have to empty it. */
        CHECK(syscall(SYS_listen, fd, 1) == 0);
        for (; connect4(c, INADDR_LOOPBACK, port()) == 0; c = tcp(AF_INET))
                CHECK(++tries < 10);
        CHECK(errno == ECONNREFUSED && tries == 2 && !is_unix(c));
        CHECK(accept(fd, NULL, NULL) >= 0 && connect4(c, INADDR_LOOPBACK, port()) == 0); /* the same descriptor, once there is room */
        CHECK(path && unlink(path) == 0);
        c = tcp(AF_INET);
        CHECK(connect4(c, INADDR_LOOPBACK, port()) < 0 && errno == ECONNREFUSED && !is_unix(c));
}

static void probe_connect_others_untouched(void) {
        struct sockaddr_in in, peer;
        socklen_t length = sizeof in;
        (void) listening();
        int other = tcp(AF_INET), to = socket(AF_INET, SOCK_STREAM, 0);
        CHECK(bind4(other, INADDR_LOOPBACK, 0) == 0 && listen(other, 3) == 0 && getsockname(other, (struct sockaddr *) &in, &length) == 0);
        CHECK(connect(to, (struct sockaddr *) &in, sizeof in) == 0 && !is_unix(to));
        length = sizeof peer;
        CHECK(getpeername(to, (struct sockaddr *) &peer, &length) == 0 && peer.sin_port == in.sin_port);
        static const uint32_t elsewhere[] = { 0xffffffff, 0xe0000001 }; /* broadcast and multicast, which TCP sends nothing to */
        for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
                to = tcp(AF_INET);
                CHECK(connect4(to, elsewhere[i], port()) < 0 && errno != ECONNREFUSED && !is_unix(to));
        }
        to = tcp(AF_INET6);
        CHECK(connect6(to, "ff02::1", port()) < 0 && errno != ECONNREFUSED && !is_unix(to));
        int udp = socket(AF_INET, SOCK_DGRAM, 0);
        CHECK(connect4(udp, INADDR_LOOPBACK, port()) == 0 && get(udp, SOL_SOCKET, SO_TYPE) == SOCK_DGRAM);
        CHECK(connect(tcp(AF_INET), NULL, 0) < 0);
        CHECK(connect(tcp(AF_INET), (struct sockaddr *) &in, 4) < 0 && errno == EINVAL);
}

static void *connect_in_thread(void *arg) {
        for (int i = 0; i < 100; i++) {
                struct sockaddr_in in;
                socklen_t length = sizeof in;
                int c = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                char byte;
                CHECK(connect4(c, INADDR_LOOPBACK, port()) == 0 && getpeername(c, (struct sockaddr *) &in, &length) == 0);
                CHECK(ntohs(in.sin_port) == port() && read(c, &byte, 1) == 1 && close(c) == 0);
        }
        return arg;
}

static void probe_connect_in_threads(void) {
        pthread_t threads[8];
        int fd = listening();
        for (size_t i = 0; i < 8; i++)
                CHECK(pthread_create(&threads[i], NULL, connect_in_thread, NULL) == 0);
        for (int i = 0; i < 800; i++) {
                struct pollfd p = { fd, POLLIN, 0 };
                CHECK(poll(&p, 1, PATIENCE_MS) == 1);
                int a = accept(fd, NULL, NULL);
                CHECK(a >= 0 && write(a, "x", 1) == 1 && close(a) == 0);
        }
        for (size_t i = 0; i < 8; i++)
                CHECK(pthread_join(threads[i], NULL) == 0);
}

static void probe_close(void) {
        for (int fd = 3; fd < 2048; fd++)
                (void) close(fd); /* what a program does that wants a clean slate */
        serve_once(server());
        CHECK(close(-1) < 0 && errno == EBADF);
}

static void probe_close_range(void) {
        CHECK(close_range(3, UINT_MAX, 0) == 0);
        CHECK(fcntl(3, F_GETFD) < 0);
        serve_once(server());
}

static void probe_closefrom(void) {
        closefrom(3);
        CHECK(fcntl(3, F_GETFD) < 0);
        serve_once(server());
}

/* Every descriptor marked close-on-exec, as runtimes do it before they start a program; then exec, by each function that does. What it
 * becomes is a case of its own, in which the socket must be there. */
static void check_exec(int (*become)(char *const argv[])) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
                char *argv[] = { (char *) (uintptr_t) self, (char *) (uintptr_t) "bind_twice", NULL };
                for (int fd = 3; fd < 2048; fd++)
                        (void) fcntl(fd, F_SETFD, FD_CLOEXEC);
                (void) become(argv);
                _exit(3);
        }
        int status;
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static int by_execve(char *const argv[]) {
        return execve(self, argv, environ);
}

static int by_execv(char *const argv[]) {
        return execv(self, argv);
}

static int by_execvp(char *const argv[]) {
        return execvp(self, argv);
}

static int by_execvpe(char *const argv[]) {
        return execvpe(self, argv, environ);
}

static void probe_execve(void) {
        char *argv[] = { (char *) (uintptr_t) "x", NULL };
        CHECK(execve("/nonexistent", argv, environ) < 0 && errno == ENOENT);
        check_exec(by_execve);
}

static void probe_execv(void) {
        check_exec(by_execv);
}

static void probe_execvp(void) {
        check_exec(by_execvp);
}

static void probe_execvpe(void) {
        check_exec(by_execvpe);
}

static void probe_close_range_that_marks(void) {
        CHECK(close_range(3, UINT_MAX, CLOSE_RANGE_CLOEXEC) == 0);
        (void) execl(self, self, "close", (char *) NULL);
}

static void probe_tight_limit(void) {
        serve_once(server()); /* the harness set the limit; the copy is at the top of it */
        for (int fd = 3; fd < 48; fd++)
                (void) close(fd);
        serve_once(server());
}

static void *serve_in_thread(void *arg) {
        for (int i = 0; i < 200; i++) {
                int fd = server();
                struct sockaddr_in in;
                socklen_t length = sizeof in;
                CHECK(getsockname(fd, (struct sockaddr *) &in, &length) == 0 && ntohs(in.sin_port) == port());
                CHECK(listen(fd, 1) == 0 && close(fd) == 0);
        }
        return arg;
}

static void probe_threads(void) {
        pthread_t threads[8];
        for (size_t i = 0; i < 8; i++)
                CHECK(pthread_create(&threads[i], NULL, serve_in_thread, NULL) == 0);
        for (size_t i = 0; i < 8; i++)
                CHECK(pthread_join(threads[i], NULL) == 0);
        serve_once(server());
}

/* Where several processes accept, each may get another one's connection: each says a byte, and waits for one before it closes anything. */
static void accept_one(int fd) {
        struct pollfd p = { fd, POLLIN, 0 };
        char byte = 0;
        int c = client();
        CHECK(poll(&p, 1, PATIENCE_MS) == 1);
        errno = 4242;
        int a = accept(fd, NULL, NULL);
        CHECK(a >= 0 && errno == 4242);
        CHECK(write(c, "x", 1) == 1 && read(a, &byte, 1) == 1 && byte == 'x');
        CHECK(close(a) == 0 && close(c) == 0);
}

/* The harness reads what this writes to standard error. Said at the first accept on the inherited socket, and at no other. */
static void probe_awake(void) {
        struct sockaddr_in in;
        socklen_t length = sizeof in;
        int other = tcp(AF_INET), to = socket(AF_INET, SOCK_STREAM, 0);
        CHECK(bind4(other, INADDR_LOOPBACK, 0) == 0 && listen(other, 3) == 0 && getsockname(other, (struct sockaddr *) &in, &length) == 0);
        CHECK(connect(to, (struct sockaddr *) &in, sizeof in) == 0 && accept(other, NULL, NULL) >= 0);
        CHECK(write(STDERR_FILENO, "|", 1) == 1);
        int fd = listening();
        CHECK(accept(fd, NULL, NULL) < 0 && errno == EAGAIN);
        CHECK(write(STDERR_FILENO, "|", 1) == 1);
        accept_one(fd);
        CHECK(write(STDERR_FILENO, "|", 1) == 1);
        /* It is over for this process: it does not even look again whether another one has said so. */
        char path[64];
        const char *woken = getenv("NANOSCALE_WOKEN_US");
        (void) snprintf(path, sizeof path, "/tmp/.nanoscale-awake-%ld", woken ? atol(woken) : 0);
        bool was_there = rmdir(path) == 0;
        for (int i = 0; i < 3; i++)
                accept_one(fd);
        if (was_there)
                CHECK(mkdir(path, 0700) == 0);
}

static void probe_awake_accept4(void) {
        for (int i = 0; i < 3; i++)
                serve_once(server());
}

static void *accept_in_thread(void *arg) {
        for (int i = 0; i < 20; i++) {
                int a = accept(*(int *) arg, NULL, NULL);
                CHECK(a >= 0 && close(a) == 0);
        }
        return NULL;
}

static void probe_awake_in_threads(void) {
        pthread_t threads[8];
        int fd = listening(), clients[160];
        CHECK(fcntl(fd, F_SETFL, 0) == 0);
        for (size_t i = 0; i < 8; i++)
                CHECK(pthread_create(&threads[i], NULL, accept_in_thread, &fd) == 0);
        for (size_t i = 0; i < 160; i++)
                clients[i] = client();
        for (size_t i = 0; i < 8; i++)
                CHECK(pthread_join(threads[i], NULL) == 0);
        for (size_t i = 0; i < 160; i++)
                CHECK(close(clients[i]) == 0);
}

/* Workers by fork and by exec, which were there before anyone had accepted; and what is started afterwards. */
static void probe_awake_in_processes(void) {
        int fd = listening(), status;
        pid_t pids[4];
        for (int i = 0; i < 4; i++) {
                pids[i] = fork();
                CHECK(pids[i] >= 0);
                if (pids[i] == 0) {
                        if (i % 2)
                                (void) execl(self, self, "awake_accept4", (char *) NULL);
                        accept_one(fd);
                        _exit(0);
                }
        }
        accept_one(fd);
        for (int i = 0; i < 4; i++)
                CHECK(waitpid(pids[i], &status, 0) == pids[i] && status == 0);
        (void) execl(self, self, "awake_accept4", (char *) NULL);
}

/* As `npm start`: the one that accepts is not the one that was started. */
static void probe_awake_in_another_program(void) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
                (void) execl(self, self, "awake_accept4", (char *) NULL);
        int status;
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

/* What is on descriptor 2 now is somebody else's. */
static void probe_awake_without_standard_error(void) {
        int pair[2], fd = listening();
        char byte;
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && dup2(pair[0], STDERR_FILENO) == STDERR_FILENO);
        accept_one(fd);
        CHECK(recv(pair[1], &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
        CHECK(close(STDERR_FILENO) == 0);
        accept_one(fd);
}

/* Without the right descriptor or environment, binding is the kernel's business alone. */
static void probe_inert(void) {
        int fd = server();
        CHECK(!is_unix(fd));
        struct sockaddr_in in;
        socklen_t length = sizeof in;
        CHECK(getsockname(fd, (struct sockaddr *) &in, &length) == 0 && in.sin_addr.s_addr == htonl(INADDR_ANY));
        CHECK(get(fd, SOL_SOCKET, SO_DOMAIN) == AF_INET);
        int c = socket(AF_INET, SOCK_STREAM, 0);
        CHECK(connect4(c, INADDR_LOOPBACK, port()) < 0 && errno == ECONNREFUSED);
        CHECK(listen(fd, 5) == 0 && connect4(c, INADDR_LOOPBACK, port()) == 0 && !is_unix(c));
        CHECK(close(c) == 0);
        CHECK(bind4(tcp(AF_INET), INADDR_ANY, port()) == 0 || errno == EADDRINUSE);
        CHECK(fcntl(900, F_GETFD) < 0); /* nor is a copy kept */
}

static const struct {
        const char *name;
        void (*run)(void);
} probes[] = {
#define PROBE(name) \
        { #name, probe_##name }
        PROBE(bind_addresses),
        PROBE(bind_keeps_flags),
        PROBE(bind_keeps_errno),
        PROBE(bind_others_untouched),
        PROBE(bind_twice),
        PROBE(accept),
        PROBE(listen_keeps_backlog),
        PROBE(getsockname),
        PROBE(accept4),
        PROBE(getpeername),
        PROBE(setsockopt),
        PROBE(getsockopt),
        PROBE(connect_addresses),
        PROBE(connect_keeps_flags),
        PROBE(connect_names),
        PROBE(connect_options),
        PROBE(connect_twice),
        PROBE(connect_before_listen),
        PROBE(connect_from_another_program),
        PROBE(connects),
        PROBE(connect_refused),
        PROBE(connect_others_untouched),
        PROBE(connect_in_threads),
        PROBE(close),
        PROBE(close_range),
        PROBE(closefrom),
        PROBE(close_range_that_marks),
        PROBE(execve),
        PROBE(execv),
        PROBE(execvp),
        PROBE(execvpe),
        PROBE(tight_limit),
        PROBE(threads),
        PROBE(awake),
        PROBE(awake_accept4),
        PROBE(awake_in_threads),
        PROBE(awake_in_processes),
        PROBE(awake_in_another_program),
        PROBE(awake_without_standard_error),
        PROBE(inert),
};

int main(int argc, char **argv) {
        self = argv[0];
        (void) alarm(2 * PATIENCE_MS / 1000); /* a probe that waits for what never comes has failed */
        for (size_t i = 0; argc == 2 && i < sizeof probes / sizeof *probes; i++)
                if (strcmp(argv[1], probes[i].name) == 0) {
                        probes[i].run();
                        return 0;
                }
        return 2;
}
