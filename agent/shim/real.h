/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The functions behind the ones that the shim replaces. Looked up once before main(); a call that comes even earlier looks them up. */
#pragma once

#include <sys/socket.h>
#include <unistd.h>

typedef struct {
        __typeof__(bind) *bind;
        __typeof__(connect) *connect;
        __typeof__(listen) *listen;
        __typeof__(accept) *accept;
        __typeof__(accept4) *accept4;
        __typeof__(getsockname) *getsockname;
        __typeof__(getpeername) *getpeername;
        __typeof__(getsockopt) *getsockopt;
        __typeof__(setsockopt) *setsockopt;
        __typeof__(close) *close;
        __typeof__(close_range) *close_range;
        __typeof__(closefrom) *closefrom;
        __typeof__(execve) *execve;
        __typeof__(execv) *execv;
        __typeof__(execvp) *execvp;
        __typeof__(execvpe) *execvpe;
} RealCalls;

const RealCalls *real(void);
