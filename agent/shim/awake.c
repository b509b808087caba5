/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "awake.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static atomic_llong woken_us;         /* 0: nothing to say */
static unsigned long long journal[2]; /* device and inode of standard error as systemd gave it; written once before main() */

/* Decimal digits at s, as many as can be without overflow; where they end, or NULL if there are none. */
static const char *read_number(const char *s, unsigned long long *ret) {
        size_t n = strspn(s, "0123456789");
        *ret = 0;
        for (const char *p = s; p < s + n; p++)
                *ret = *ret * 10 + (unsigned long long) (*p - '0');
        return n > 0 && n <= 19 ? s + n : NULL;
}

void awake_find(void) {
        const char *s = getenv("NANOSCALE_WOKEN_US"), *j = getenv("JOURNAL_STREAM");
        unsigned long long us;
        if (!s || !j || !(s = read_number(s, &us)) || *s || us > LLONG_MAX)
                return;
        j = read_number(j, &journal[0]);
        if (!j || *j != ':' || !(j = read_number(j + 1, &journal[1])) || *j)
                return;
        atomic_store(&woken_us, (long long) us);
}

bool awake_is_due(void) {
        return atomic_load_explicit(&woken_us, memory_order_relaxed) != 0;
}

/* A program may have put anything in place of its standard error, a client's connection for one. */
static bool is_journal(int fd) {
        struct stat st;
        return fstat(fd, &st) == 0 && st.st_dev == journal[0] && st.st_ino == journal[1];
}

/* True for one caller among all processes of the app. /tmp is theirs alone, and goes when they do. */
static bool is_first(long long us) {
        char path[64];
        (void) snprintf(path, sizeof path, "/tmp/.nanoscale-awake-%lld", us);
        return mkdir(path, 0700) == 0;
}

void awake_tell(void) {
        int kept_errno = errno;
        long long us = atomic_exchange(&woken_us, 0);
        struct timespec now;
        if (us > 0 && clock_gettime(CLOCK_MONOTONIC, &now) == 0) {
                long long ms = ((long long) now.tv_sec * 1000000 + now.tv_nsec / 1000 - us + 500) / 1000;
                if (ms >= 0 && ms <= AWAKE_LIMIT_MS && is_journal(STDERR_FILENO) && is_first(us)) {
                        char line[64];
                        int n = snprintf(line, sizeof line, "<5>nanoscale: awake after %lld ms\n", ms);
                        (void) send(STDERR_FILENO, line, (size_t) n, MSG_DONTWAIT | MSG_NOSIGNAL);
                }
        }
        errno = kept_errno;
}
