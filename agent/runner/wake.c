/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "wake.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int64_t read_clock(clockid_t clock) {
        struct timespec t;
        return clock_gettime(clock, &t) < 0 ? 0 : (int64_t) t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t wake_clock(void) {
        return read_clock(CLOCK_MONOTONIC);
}

/* Field 22 of /proc/self/stat. The name, field 2, may have spaces and parentheses, but none follows it. */
static bool read_start_ticks(unsigned long long *ret_ticks) {
        char text[1024];
        int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return false;
        ssize_t n = read(fd, text, sizeof text - 1);
        (void) close(fd);
        if (n <= 0)
                return false;
        text[n] = '\0';
        char *p = strrchr(text, ')');
        for (int field = 2; p && field < 22; field++)
                p = strchr(p + 1, ' ');
        if (!p)
                return false;
        char *end;
        *ret_ticks = strtoull(p + 1, &end, 10);
        return end > p + 1;
}

int64_t wake_process_start(void) {
        unsigned long long ticks;
        long per_second = sysconf(_SC_CLK_TCK);
        if (per_second <= 0 || !read_start_ticks(&ticks))
                return wake_clock();
        /* Counted since boot, with the time in which the machine slept. The other clock is read after it: should the processor be taken
         * away between the two, the start seems later than it was, and never earlier than what led to it. */
        int64_t age = read_clock(CLOCK_BOOTTIME) - (int64_t) (ticks * 1000000 / (unsigned long) per_second), now = wake_clock();
        return age > 0 && age < now ? now - age : now;
}

bool wake_is_due(int listener) {
        struct pollfd p = { listener, POLLIN, 0 };
        return poll(&p, 1, 0) > 0;
}

static void on_signal(int number) {
        (void) number;
        _exit(0);
}

void wake_end_on_signals(void) {
        const struct sigaction act = { .sa_handler = on_signal };
        (void) sigaction(SIGTERM, &act, NULL);
        (void) sigaction(SIGINT, &act, NULL);
}

int64_t wake_wait(int listener) {
        struct pollfd p = { listener, POLLIN, 0 };
        (void) wake_clock(); /* maps the clock's pages, which the wake then need not */
        while (poll(&p, 1, -1) < 1)
                ;
        return wake_clock();
}
