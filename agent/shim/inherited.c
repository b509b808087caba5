/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "inherited.h"

#include "real.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/un.h>

/* How many numbers from the lowest one on are looked at for a copy that an earlier program of the exec chain kept. */
enum { KEPT_SPAN = 8 };

static int port; /* written once before main() */
static char path[sizeof(((struct sockaddr_un *) NULL)->sun_path)];
static size_t path_length;
static int passed_fd = -1;
static atomic_int kept_fd = -1;
static atomic_bool serving;

/* Abstract name of each of the app's connections to itself, and random bytes: the mark goes along with dup, fork and exec. */
static const char client_mark[] = "\0nanoscale-own-client-";
enum { MARK_LENGTH = sizeof client_mark - 1, MARK_RANDOM = 8 };

/* Decimal number within [min, max], nothing else; -1 otherwise. getenv() text is as hostile as any. */
static int parse_number(const char *s, int min, int max) {
        if (!s || !*s || strlen(s) > 5)
                return -1;
        int n = 0;
        for (; *s; s++) {
                if (*s < '0' || *s > '9')
                        return -1;
                n = n * 10 + (*s - '0');
        }
        return n < min || n > max ? -1 : n;
}

static bool has_path(const struct sockaddr_un *sun, size_t length) {
        return length >= path_length && memcmp(sun->sun_path, path, path_length) == 0 &&
               (length == path_length || sun->sun_path[path_length] == '\0');
}

InheritedKind inherited_kind(int fd) {
        if (path_length == 0 || fd < 0)
                return INHERITED_NOT;
        struct sockaddr_un sun;
        socklen_t length = sizeof sun;
        int kept_errno = errno;
        bool is_unix = real()->getsockname(fd, (struct sockaddr *) &sun, &length) == 0 && sun.sun_family == AF_UNIX && length <= sizeof sun;
        errno = kept_errno;
        if (!is_unix || length < offsetof(struct sockaddr_un, sun_path))
                return INHERITED_NOT;
        size_t named = length - offsetof(struct sockaddr_un, sun_path);
        if (named == MARK_LENGTH + MARK_RANDOM && memcmp(sun.sun_path, client_mark, MARK_LENGTH) == 0)
                return INHERITED_CLIENT;
        return has_path(&sun, named) ? INHERITED_SERVER : INHERITED_NOT;
}

static bool is_listening_one(int fd) {
        int listening = 0;
        socklen_t length = sizeof listening;
        int kept_errno = errno;
        bool is = inherited_kind(fd) == INHERITED_SERVER && real()->getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0 &&
                  listening;
        errno = kept_errno;
        return is;
}

static int lowest_kept(void) {
        struct rlimit limit;
        /* A tight limit on open files leaves no room up there: then the copy goes to the top of what there is. */
        if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < INHERITED_LOWEST_FD + 2 * KEPT_SPAN)
                return limit.rlim_cur > 2 * KEPT_SPAN ? (int) limit.rlim_cur - 2 * KEPT_SPAN : 3;
        return INHERITED_LOWEST_FD;
}

/* A descriptor that is the listening socket, a copy up high if there is one. */
static int search(int lowest) {
        for (int fd = lowest; fd < lowest + KEPT_SPAN; fd++)
                if (is_listening_one(fd))
                        return fd;
        return is_listening_one(passed_fd) ? passed_fd : -1;
}

void inherited_find(void) {
        int kept_errno = errno;
        const char *text = getenv("NANOSCALE_LISTEN_SOCKET");
        int wanted_port = parse_number(getenv("NANOSCALE_LISTEN_PORT"), 1, 65535);
        if (!text || wanted_port < 0 || strlen(text) < 1 || strlen(text) >= sizeof path)
                return;
        passed_fd = parse_number(getenv("NANOSCALE_LISTEN_FD"), 3, 65535);
        path_length = strlen(text);
        memcpy(path, text, path_length);

        int lowest = lowest_kept(), found = search(lowest);
        if (found == passed_fd && found >= 0 && found < lowest) {
                /* Not close-on-exec: `npm start` is node → sh → node, and the last of them binds. */
                int copy = fcntl(found, F_DUPFD, lowest);
                if (copy >= 0)
                        found = copy;
        }
        atomic_store(&kept_fd, found);
        if (found >= 0)
                port = wanted_port;
        else
                path_length = 0;
        errno = kept_errno;
}

int inherited_port(void) {
        return port;
}

int inherited_fd(void) {
        int fd = atomic_load(&kept_fd);
        if (is_listening_one(fd))
                return fd;
        return port ? search(lowest_kept()) : -1;
}

int inherited_kept(void) {
        int fd = atomic_load_explicit(&kept_fd, memory_order_relaxed);
        return fd == passed_fd ? -1 : fd;
}

void inherited_pass_on(void) {
        int fd = atomic_load(&kept_fd), kept_errno = errno;
        if (is_listening_one(fd))
                (void) fcntl(fd, F_SETFD, 0);
        errno = kept_errno;
}

void inherited_serve(void) {
        atomic_store(&serving, true);
}

bool inherited_is_served(void) {
        if (atomic_load(&serving))
                return true;
        /* Who called listen() last: systemd at first, which may not be signalled, then whichever program of the app did. */
        struct ucred listener;
        socklen_t length = sizeof listener;
        int kept_errno = errno;
        bool is = real()->getsockopt(inherited_fd(), SOL_SOCKET, SO_PEERCRED, &listener, &length) == 0 && listener.pid > 0 &&
                  kill(listener.pid, 0) == 0;
        errno = kept_errno;
        return is;
}

static void copy_time_limit(int from, int to, int name) {
        struct timeval limit;
        socklen_t length = sizeof limit;
        if (real()->getsockopt(from, SOL_SOCKET, name, &limit, &length) == 0)
                (void) real()->setsockopt(to, SOL_SOCKET, name, &limit, length);
}

int inherited_connect(int like) {
        struct sockaddr_un me = { .sun_family = AF_UNIX }, to = { .sun_family = AF_UNIX };
        int status = fcntl(like, F_GETFL);
        if (status < 0)
                return -1;
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (status & O_NONBLOCK ? SOCK_NONBLOCK : 0), 0);
        if (fd < 0)
                return -1;
        copy_time_limit(like, fd, SO_SNDTIMEO);
        copy_time_limit(like, fd, SO_RCVTIMEO);
        memcpy(me.sun_path, client_mark, MARK_LENGTH);
        memcpy(to.sun_path, path, path_length);
        if (getrandom(me.sun_path + MARK_LENGTH, MARK_RANDOM, 0) == MARK_RANDOM &&
            real()->bind(fd, (struct sockaddr *) &me, (socklen_t) offsetof(struct sockaddr_un, sun_path) + MARK_LENGTH + MARK_RANDOM) ==
                            0 &&
            real()->connect(fd, (struct sockaddr *) &to, (socklen_t) (offsetof(struct sockaddr_un, sun_path) + path_length)) == 0)
                return fd;
        /* EINTR: nothing has been done yet, and the same call again is what both kinds of socket expect. */
        int error = errno == EINTR ? EINTR : ECONNREFUSED;
        (void) real()->close(fd);
        errno = error;
        return -1;
}
