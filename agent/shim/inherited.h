/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The inherited listening socket, as the shim sees it: which port stands for it, and on which descriptor a copy is kept.
 *
 * Programs close, mark close-on-exec or reuse the descriptors that they did not open (node marks 0 to 15 and on; daemons close all from 3
 * up), so a copy is kept on a high number, open across exec. Each process verifies what it finds by the socket's path, and is inert when
 * it finds nothing. All functions are safe in threads and between vfork and exec, and keep errno. */
#pragma once

#include <stdbool.h>

/* Lowest number for the copy: above what a program opens in a row, below the usual limit of 1024. */
#define INHERITED_LOWEST_FD 900

/* Once, before main(). */
void inherited_find(void);

/* The port that stands for the socket; 0 when this process has none, and then the shim does nothing at all. */
int inherited_port(void);

/* The kept copy if it still is the socket, else any other descriptor that is; -1 if the program has destroyed all. */
int inherited_fd(void);

/* Number of the kept copy, which the program never opened itself; -1 if there is none. */
int inherited_kept(void);

typedef enum {
        INHERITED_NOT,
        INHERITED_SERVER, /* the socket, or a connection accepted from it */
        INHERITED_CLIENT, /* made by inherited_connect(), in whichever process and on whichever descriptor */
} InheritedKind;

InheritedKind inherited_kind(int fd);

/* The program listens on the socket from now on. */
void inherited_serve(void);

/* True once this program or another one of the app listens: until then nobody would ever answer a connection. */
bool inherited_is_served(void);

/* A new connection to the socket, with time limits and non-blocking mode of `like`, close-on-exec. -1 and errno as TCP would have it: who
 * cannot be reached refuses. A full backlog does too, where TCP would try again by itself: a runtime's event loop gives up on EAGAIN,
 * and what tries again by itself does so on ECONNREFUSED. */
int inherited_connect(int like);

/* Undoes a close-on-exec mark on the kept copy, just before exec. */
void inherited_pass_on(void);
