/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* How long until the last byte of an answer is here, in microseconds, on one line. No process is started in the measured time but the app
 * itself.
 *
 *     firstanswer ask PORT HOST PATH                  one request to a server on 127.0.0.1 that is there
 *     firstanswer start PORT PATH PROGRAM ARGUMENT…   starts PROGRAM, tries to connect every 0.5 ms, asks, and ends it
 *     firstanswer wait PORT                           no figure: returns when the port accepts (a unit's readiness)
 *
 * The answer must be one of 200, with something in it. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EVERY_US = 500, LIMIT_S = 60 };

static void die(const char *what) {
        fprintf(stderr, "firstanswer: %s: %s\n", what, strerror(errno));
        exit(1);
}

static int64_t now_us(void) {
        struct timespec t;
        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t) t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* A connection, or -1 when nobody listens. */
static int dial(int port) {
        struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t) port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
        struct timeval limit = { .tv_sec = LIMIT_S };
        int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0)
                die("socket");
        if (connect(fd, (struct sockaddr *) &to, sizeof to) == 0) {
                (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                return fd;
        }
        if (errno != ECONNREFUSED)
                die("connect");
        (void) close(fd);
        return -1;
}

static int dial_until(int port, pid_t app) {
        int64_t end = now_us() + LIMIT_S * (int64_t) 1000000;
        for (int fd; now_us() < end; (void) usleep(EVERY_US)) {
                if ((fd = dial(port)) >= 0)
                        return fd;
                if (app > 0 && waitpid(app, NULL, WNOHANG) == app) {
                        errno = ECHILD;
                        die("the app ended");
                }
        }
        errno = ETIMEDOUT;
        die("nobody listens");
        return -1;
}

/* When the last byte came. */
static int64_t ask(int fd, const char *host, const char *path) {
        char request[1024], answer[64 * 1024];
        int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host);
        int64_t last = 0;
        size_t total = 0;
        char status[16] = "";
        if (send(fd, request, (size_t) length, MSG_NOSIGNAL) != length)
                die("send");
        for (ssize_t n; (n = recv(fd, answer, sizeof answer - 1, 0)) != 0; total += (size_t) n) {
                if (n < 0)
                        die("recv");
                last = now_us();
                if (total == 0) {
                        answer[n] = '\0';
                        (void) snprintf(status, sizeof status, "%.12s", answer);
                }
        }
        if (strcmp(status, "HTTP/1.1 200") != 0 || total < 50) {
                fprintf(stderr, "firstanswer: answered with %s and %zu bytes\n", status, total);
                exit(1);
        }
        return last;
}

static pid_t start(char **argv) {
        pid_t app = fork();
        if (app < 0)
                die("fork");
        if (app == 0) {
                int null = open("/dev/null", O_RDWR);
                (void) setpgid(0, 0);
                for (int i = 0; i < 3; i++)
                        (void) dup2(null, i);
                (void) execv(argv[0], argv);
                _exit(127);
        }
        return app;
}

int main(int argc, char **argv) {
        const char *verb = argc > 2 ? argv[1] : "";
        int port = argc > 2 ? atoi(argv[2]) : 0;
        int64_t begin = now_us(), end;
        if (strcmp(verb, "wait") == 0 && argc == 3) {
                (void) close(dial_until(port, 0));
                return 0;
        }
        if (strcmp(verb, "ask") == 0 && argc == 5) {
                int fd = dial(port);
                if (fd < 0)
                        die("connect");
                end = ask(fd, argv[3], argv[4]);
        } else if (strcmp(verb, "start") == 0 && argc >= 5) {
                pid_t app = start(argv + 4);
                end = ask(dial_until(port, app), "localhost", argv[3]);
                (void) kill(-app, SIGKILL);
                (void) waitpid(app, NULL, 0);
        } else {
                fprintf(stderr, "usage: firstanswer ask PORT HOST PATH | start PORT PATH PROGRAM ARGUMENT... | wait PORT\n");
                return 2;
        }
        printf("%lld\n", (long long) (end - begin));
        return 0;
}
