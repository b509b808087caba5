/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "lock.h"

#include "notice.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/time.h>
#include <unistd.h>

/* Above the numbers that the shim keeps its copy of the socket on, and above what a program opens in a row. */
enum { LOWEST_FD = 920 };

int lock_open(const char *directory) {
        int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        int high = fcntl(fd, F_DUPFD, LOWEST_FD);
        if (high < 0 && errno == EINVAL) /* a tight limit on open files */
                high = fcntl(fd, F_DUPFD, 10);
        int r = high < 0 ? -errno : high;
        (void) close(fd);
        return r;
}

int lock_share(int fd) {
        return flock(fd, LOCK_SH | LOCK_NB) == 0 || errno == EWOULDBLOCK ? 0 : -errno;
}

static void on_alarm(int number) {
        int kept_errno = errno;
        (void) number;
        notice("waits until the other instance has ended");
        errno = kept_errno;
}

int lock_take(int fd) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
                return 0;
        if (errno != EWOULDBLOCK)
                return -errno;
        const struct sigaction act = { .sa_handler = on_alarm };
        const struct itimerval second = { .it_value = { .tv_sec = 1 } }, never = { 0 };
        (void) sigaction(SIGALRM, &act, NULL);
        (void) setitimer(ITIMER_REAL, &second, NULL);
        int r;
        do
                r = flock(fd, LOCK_EX) < 0 ? -errno : 0;
        while (r == -EINTR);
        (void) setitimer(ITIMER_REAL, &never, NULL); /* it would outlive exec, the handler does not */
        return r;
}
