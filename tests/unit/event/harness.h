/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the tests of this folder share: a loop that is turned by hand, and a client that speaks raw bytes. */
#pragma once

#include "event/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-event.h>
#include <unistd.h>

/* How long a test waits for what must come. Only a hang takes so long, so it is far more than a busy machine needs. */
#define PATIENCE_US (60 * USEC_PER_SEC)

static inline void turn(Loop *l, uint64_t at_most_us) {
        assert_true(sd_event_run(loop_event(l), at_most_us) >= 0);
}

/* Turns the loop until condition holds; fails the test when it does not come true. */
#define turn_until(l, condition)                                         \
        do {                                                             \
                uint64_t began_ = clock_monotonic_us();                  \
                while (!(condition)) {                                   \
                        if (clock_monotonic_us() - began_ > PATIENCE_US) \
                                fail_msg("never: %s", #condition);       \
                        turn(l, 20 * USEC_PER_MSEC);                     \
                }                                                        \
        } while (0)

static inline void turn_for(Loop *l, uint64_t us) {
        uint64_t began = clock_monotonic_us();
        while (clock_monotonic_us() - began < us)
                turn(l, 5 * USEC_PER_MSEC);
}

static inline int listen_unix(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        assert_true(strlen(path) < sizeof address.sun_path);
        strcpy(address.sun_path, path);
        (void) unlink(path);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof address), 0);
        assert_int_equal(listen(fd, 128), 0);
        return fd;
}

typedef struct {
        int fd;
        size_t length;
        bool closed;
        char in[256 * 1024];
} Client;

static inline Client *client_open(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        strcpy(address.sun_path, path);
        Client *c = calloc(1, sizeof *c);
        assert_non_null(c);
        c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(c->fd, (struct sockaddr *) &address, sizeof address), 0);
        assert_int_equal(fcntl(c->fd, F_SETFL, O_NONBLOCK), 0);
        return c;
}

static inline void client_send(Client *c, const char *text) {
        assert_int_equal(send(c->fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t) strlen(text));
}

/* Takes in what is there. Always true, for use in conditions. */
static inline bool client_poll(Client *c) {
        for (;;) {
                assert_true(c->length < sizeof c->in - 1);
                ssize_t n = recv(c->fd, c->in + c->length, sizeof c->in - 1 - c->length, 0);
                if (n > 0) {
                        c->length += (size_t) n;
                        continue;
                }
                if (n == 0 || errno != EAGAIN)
                        c->closed = true;
                return true;
        }
}

static inline bool client_has(Client *c, const char *text) {
        return client_poll(c) && strstr(c->in, text) != NULL;
}

static inline bool client_is_closed(Client *c) {
        return client_poll(c) && c->closed;
}

static inline void client_forget(Client *c) {
        c->length = 0;
        memset(c->in, 0, sizeof c->in);
}

static inline void client_close(Client *c) {
        (void) close(c->fd);
        free(c);
}
