/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/cleanup.h"

static int64_t now_ms(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int spawn(const char *const argv[], int output, pid_t *ret_pid) {
        static const char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "SYSTEMD_COLORS=0",
                                                   "SYSTEMD_PAGER=", NULL };
        posix_spawn_file_actions_t files;
        int r = posix_spawn_file_actions_init(&files);

        if (r != 0)
                return -r;
        r = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&files, output, 1);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&files, output, 2);
        if (r == 0) {
                union {
                        const char *const *in;
                        char *const *out;
                } a = { .in = argv }, e = { .in = environment }; /* posix_spawn() does not change them, but cannot say so */

                r = posix_spawn(ret_pid, argv[0], &files, NULL, a.out, e.out);
        }
        (void) posix_spawn_file_actions_destroy(&files);
        return -r;
}

/* Keeps the end: of a long output, what went wrong stands there. */
static void keep(Output *o, const char *text, size_t length) {
        size_t room = sizeof(o->text) - 1 - o->length;

        if (length > room) {
                size_t drop = length - room;

                memmove(o->text, o->text + drop, o->length - drop);
                o->length -= drop;
        }
        memcpy(o->text + o->length, text, length);
        o->length += length;
        o->text[o->length] = '\0';
}

/* Reads until the program has closed its outputs. 1 in time, 0 when time is over. */
static int collect(int fd, Output *o, int64_t until) {
        for (;;) {
                struct pollfd p = { .fd = fd, .events = POLLIN };
                char chunk[4096];
                int64_t left = until - now_ms();
                ssize_t n;

                if (left <= 0)
                        return 0;
                if (poll(&p, 1, (int) left) < 0 && errno != EINTR)
                        return -errno;
                if (p.revents == 0)
                        continue;
                n = read(fd, chunk, sizeof(chunk));
                if (n == 0)
                        return 1;
                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0)
                        keep(o, chunk, (size_t) n);
        }
}

int program_run(unsigned seconds, Output *ret_output, const char *const argv[]) {
        auto_close int reader = -1, writer = -1;
        int fds[2], status, r;
        pid_t pid;

        *ret_output = (Output){ 0 };
        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        reader = fds[0];
        writer = fds[1];
        r = spawn(argv, writer, &pid);
        if (r < 0)
                return r;
        (void) close(handover_fd(writer));
        r = collect(reader, ret_output, now_ms() + (int64_t) seconds * 1000);
        if (r <= 0)
                (void) kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        if (r <= 0)
                return r < 0 ? r : -ETIME;
        return WIFEXITED(status) ? WEXITSTATUS(status) : PROGRAM_SIGNAL + WTERMSIG(status);
}

const char *program_last_line(Output *o) {
        char *line;

        while (o->length > 0 && (o->text[o->length - 1] == '\n' || o->text[o->length - 1] == ' '))
                o->text[--o->length] = '\0';
        line = memrchr(o->text, '\n', o->length);
        return line ? line + 1 : o->text;
}
