/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* For a program that cannot be given the inherited socket, since nothing can be preloaded into it: the program runs as a child and listens
 * on a loopback port, and once it does, systemd-socket-proxyd takes the inherited socket and connects the two. */
#pragma once

#include <stdint.h>

#define PROXY_PROGRAM "/lib/systemd/systemd-socket-proxyd"

typedef struct {
        const char *program;
        char *const *argv, *const *environment;
        int listener;
        uint16_t port;
        int64_t woken_us; /* 0: nobody waits yet */
} ProxyApp;

/* Until the app has ended, and the proxy with it. Signals to this process are the app's; without the proxy the app is told to stop. The
 * app's exit code; does not return when a signal ended it, but ends by the same one. */
int proxy_run(const ProxyApp *app);
