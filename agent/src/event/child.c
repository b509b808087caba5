/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "event/child.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>

enum { OUTPUT_FD = 3, READ_SIZE = 16 * 1024 };

struct Child {
        pid_t pid; /* 0 once it is reaped */
        int output_fd;
        sd_event_source *exit_source;
        Watch *readable;
        Timer *timeout;
        char *output;
        size_t length, size, limit;
        bool timed_out;
        ChildDone done;
        void *owner;
};

/* What both kinds of child do first; runs in the child, so it only returns or exits. */
static void settle(pid_t parent) {
        (void) setpgid(0, 0);
        /* A parent that was gone before prctl() would never be noticed: so look once afterwards. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
                _exit(126);
        const struct sigaction standard = { .sa_handler = SIG_DFL };
        for (int i = 1; i <= SIGRTMAX; i++)
                (void) sigaction(i, &standard, NULL); /* KILL, STOP and the two of libc refuse: they need none */
        sigset_t none;
        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Makes from[i] descriptor i for 0 and 1 and, when n is 4, for 3; 2 stays; nothing else remains open. */
static void place_descriptors(const int *from, int n) {
        int lifted[4];
        for (int i = 0; i < n; i++) {
                /* First out of the way of the targets, which a source may occupy. */
                lifted[i] = i == STDERR_FILENO ? STDERR_FILENO : fcntl(from[i], F_DUPFD_CLOEXEC, 16);
                if (lifted[i] < 0)
                        _exit(126);
        }
        for (int i = 0; i < n; i++)
                if (i != STDERR_FILENO && dup2(lifted[i], i) < 0)
                        _exit(126);
        if (close_range((unsigned) n, ~0U, 0) < 0)
                _exit(126);
}

static void collect(Child *c, const char *data, size_t length) {
        if (length > c->limit - c->length)
                length = c->limit - c->length; /* the rest is read, so that the child does not block, and dropped */
        if (c->length + length + 1 > c->size) {
                size_t size = c->size * 2 > c->length + length + 1 ? c->size * 2 : c->length + length + 1;
                char *bigger = realloc(c->output, size);
                if (!bigger)
                        return;
                c->output = bigger;
                c->size = size;
        }
        memcpy(c->output + c->length, data, length);
        c->length += length;
        c->output[c->length] = '\0';
}

/* Reads once. False when there is nothing more to come. */
static bool read_some(Child *c) {
        char buffer[READ_SIZE];
        ssize_t n = read(c->output_fd, buffer, sizeof buffer);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR;
        if (n > 0)
                collect(c, buffer, (size_t) n);
        return n > 0;
}

static void on_readable(void *owner, uint32_t revents) {
        Child *c = owner;
        (void) revents;
        if (!read_some(c))
                c->readable = watch_drop(c->readable);
}

static void kill_group(pid_t pid) {
        (void) kill(-pid, SIGKILL);
        (void) kill(pid, SIGKILL); /* it may not have made its group yet */
}

static void on_timeout(void *owner) {
        Child *c = owner;
        if (c->pid > 0) {
                c->timed_out = true;
                kill_group(c->pid);
        }
}

static int on_exit_child(sd_event_source *source, const siginfo_t *info, void *userdata) {
        Child *c = userdata;
        (void) source;
        if (!c)
                return 0; /* killed in child_drop(): only to be reaped, which sd-event does after this call */
        /* What it wrote before it ended is in the pipe; what others still write is not its output, so no waiting for the end of file. */
        int waiting = 0;
        while (c->readable && ioctl(c->output_fd, FIONREAD, &waiting) == 0 && waiting > 0)
                if (!read_some(c) || waiting <= READ_SIZE)
                        break;
        c->readable = watch_drop(c->readable);
        c->timeout = timer_drop(c->timeout);
        c->pid = 0;

        auto_free char *output = handover(c->output); /* the callback may drop c */
        const ChildResult result = {
                .exit_code = info->si_code == CLD_EXITED ? info->si_status : -1,
                .signal = info->si_code == CLD_EXITED ? 0 : info->si_status,
                .timed_out = c->timed_out,
                .output = output,
                .length = c->length,
        };
        c->done(c->owner, &result);
        return 0;
}

Child *child_drop(Child *c) {
        if (!c)
                return NULL;
        (void) watch_drop(c->readable);
        (void) timer_drop(c->timeout);
        if (c->exit_source && c->pid > 0) {
                /* Waiting here could block (a child in disk sleep), so the loop reaps it, or the end of the loop. */
                kill_group(c->pid);
                (void) sd_event_source_set_userdata(c->exit_source, NULL);
                (void) sd_event_source_set_child_process_own(c->exit_source, 1);
                if (sd_event_source_set_floating(c->exit_source, 1) < 0)
                        (void) sd_event_source_disable_unref(c->exit_source);
                else
                        (void) sd_event_source_unref(c->exit_source);
        } else {
                (void) sd_event_source_disable_unref(c->exit_source);
        }
        cleanup_close(&c->output_fd);
        free(c->output);
        free(c);
        return NULL;
}

DEFINE_CLEANUP(Child, child_drop)

static int child_prepare(size_t output_limit, ChildDone done, void *owner, int *ret_write_fd, Child **ret_child) {
        auto_call(child_drop_cleanup) Child *c = calloc(1, sizeof *c);
        if (!c)
                return -ENOMEM;
        c->output_fd = -1;
        c->limit = output_limit;
        c->size = 256;
        c->done = done;
        c->owner = owner;
        c->output = calloc(1, c->size);
        if (!c->output)
                return -ENOMEM;
        int pipe_fds[2];
        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return -errno;
        c->output_fd = pipe_fds[0];
        *ret_write_fd = pipe_fds[1];
        *ret_child = handover(c);
        /* Ours only: a child may not expect a write to say EAGAIN. */
        return fcntl((*ret_child)->output_fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

/* In the parent, after fork. */
static int child_adopt(Loop *l, Child *c, pid_t pid, uint64_t timeout_us) {
        (void) setpgid(pid, pid); /* here and in the child, so that neither has to wait for the other */
        int r = sd_event_add_child(loop_event(l), &c->exit_source, pid, WEXITED, on_exit_child, c);
        if (r < 0) {
                kill_group(pid);
                (void) waitpid(pid, NULL, 0);
                return r;
        }
        c->pid = pid;
        r = watch_start(l, c->output_fd, EPOLLIN, on_readable, c, &c->readable);
        if (r >= 0 && timeout_us > 0)
                r = timer_start(l, timeout_us, on_timeout, c, &c->timeout);
        return r;
}

int child_call(Loop *l, int (*work)(void *argument, int output_fd), void *argument, size_t output_limit, uint64_t timeout_us,
               ChildDone done, void *owner, Child **ret_child) {
        auto_call(child_drop_cleanup) Child *c = NULL;
        auto_close int write_fd = -1;
        int r = child_prepare(output_limit, done, owner, &write_fd, &c);
        if (r < 0)
                return r;
        auto_close int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null_fd < 0)
                return -errno;
        pid_t parent = getpid();
        pid_t pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                settle(parent);
                place_descriptors((const int[]){ null_fd, null_fd, STDERR_FILENO, write_fd }, 4);
                _exit(work(argument, OUTPUT_FD)); /* not exit(): the handlers and buffers are the agent's */
        }
        r = child_adopt(l, c, pid, timeout_us);
        if (r < 0)
                return r;
        *ret_child = handover(c);
        return 0;
}

/* A file in memory instead of a pipe: written at once, whatever the child reads of it and when. */
static int input_open(const char *input, size_t length, int *ret_fd) {
        if (!input || length == 0) {
                *ret_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
                return *ret_fd < 0 ? -errno : 0;
        }
        auto_close int fd = memfd_create("input", MFD_CLOEXEC);
        if (fd < 0)
                return -errno;
        for (size_t done = 0; done < length;) {
                ssize_t n = pwrite(fd, input + done, length - done, (off_t) done);
                if (n < 0 && errno != EINTR)
                        return -errno;
                done += n > 0 ? (size_t) n : 0;
        }
        *ret_fd = handover_fd(fd);
        return 0;
}

int child_exec(Loop *l, char *const argv[], char *const envp[], const char *input, size_t input_length, size_t output_limit,
               uint64_t timeout_us, ChildDone done, void *owner, Child **ret_child) {
        auto_call(child_drop_cleanup) Child *c = NULL;
        auto_close int write_fd = -1;
        if (!argv[0] || argv[0][0] != '/')
                return -EINVAL;
        int r = child_prepare(output_limit, done, owner, &write_fd, &c);
        if (r < 0)
                return r;
        auto_close int input_fd = -1;
        r = input_open(input, input_length, &input_fd);
        if (r < 0)
                return r;
        pid_t parent = getpid();
        pid_t pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                settle(parent);
                place_descriptors((const int[]){ input_fd, write_fd, STDERR_FILENO }, 3);
                (void) execve(argv[0], argv, envp);
                (void) dprintf(STDERR_FILENO, "cannot execute %s: %s\n", argv[0], strerrordesc_np(errno));
                _exit(127);
        }
        r = child_adopt(l, c, pid, timeout_us);
        if (r < 0)
                return r;
        *ret_child = handover(c);
        return 0;
}
