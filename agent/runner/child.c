/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "child.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum {
        GRACE_MS = 2000,  /* from SIGTERM to SIGKILL, when told to stop */
        KILL_MS = 5000,   /* for the offspring to be gone; what is left then, systemd kills with the unit */
        OOM_ADJUST = 900, /* the kernel is to choose the build, not the one who reports it */
};

struct Watch {
        int signals; /* owned */
        bool stopped;
};

int watch_new(Watch **ret_watch) {
        auto_call(watch_free_cleanup) Watch *w = calloc(1, sizeof *w);
        if (!w)
                return -ENOMEM;
        w->signals = -1;
        sigset_t set;
        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGCHLD);
        (void) sigaddset(&set, SIGTERM);
        (void) sigaddset(&set, SIGINT);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
                return -errno;
        w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (w->signals < 0)
                return -errno;
        *ret_watch = handover(w);
        return 0;
}

Watch *watch_free(Watch *w) {
        if (w) {
                cleanup_close(&w->signals);
                free(w);
        }
        return NULL;
}

void watch_free_cleanup(Watch **w) {
        (void) watch_free(*w);
}

bool watch_stopped(Watch *w) {
        struct signalfd_siginfo info;
        while (read(w->signals, &info, sizeof info) == (ssize_t) sizeof info)
                if (info.ssi_signo != SIGCHLD)
                        w->stopped = true;
        return w->stopped;
}

static long now_ms(void) {
        struct timespec t;
        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void write_small(const char *path, const char *text) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd >= 0) {
                (void) !write(fd, text, strlen(text));
                (void) close(fd);
        }
}

/* In the child. The runner is not dumpable, so that the build cannot write to its standard output through /proc; the child gives that up
 * only when it has nothing of the runner's any more. */
_Noreturn static void become(const ChildSpec *spec, int out, int answer) {
        char number[16];
        sigset_t none;
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        (void) setsid();
        if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(answer >= 0 ? answer : out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
                _exit(126);
        if (close_range(STDERR_FILENO + 1, UINT_MAX, 0) < 0)
                for (int fd = STDERR_FILENO + 1; fd < 256; fd++)
                        (void) close(fd);
        (void) prctl(PR_SET_DUMPABLE, 1);
        (void) snprintf(number, sizeof number, "%d", OOM_ADJUST);
        write_small("/proc/self/oom_score_adj", number);
        (void) sigemptyset(&none);
        (void) signal(SIGPIPE, SIG_DFL);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        if (chdir(spec->directory) < 0)
                (void) dprintf(STDERR_FILENO, "%s: %s\n", spec->directory, strerror(errno));
        else {
                (void) execve(spec->program, spec->argv, spec->environment);
                (void) dprintf(STDERR_FILENO, "%s: %s\n", spec->program,
                               errno == ENOEXEC ? "neither a program nor a script with #!" : strerror(errno));
        }
        _exit(126);
}

/* Kills every child of ours; their children become ours as they die. Reads a list that needs no permission over the processes in it. */
static void kill_children(void) {
        char path[64], list[4096];
        (void) snprintf(path, sizeof path, "/proc/self/task/%d/children", (int) getpid());
        auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, list, sizeof list - 1);
        if (n <= 0)
                return;
        list[n] = '\0';
        for (char *p = list; *p;) {
                char *end;
                long pid = strtol(p, &end, 10);
                /* A number that was cut off by the buffer's end has no space behind it. */
                if (end == p || *end != ' ')
                        break;
                if (pid > 1)
                        (void) kill((pid_t) pid, SIGKILL);
                p = end + 1;
        }
}

/* Reaps what there is; the status of child goes to *status. True while any process is left. */
static bool reap(pid_t child, int *status, bool *ended) {
        for (;;) {
                int s;
                pid_t pid = waitpid(-1, &s, WNOHANG);
                if (pid == child) {
                        *status = s;
                        *ended = true;
                }
                if (pid == 0 || (pid < 0 && errno == EINTR))
                        return true;
                if (pid < 0)
                        return false;
        }
}

static void kill_offspring(void) {
        long until = now_ms() + KILL_MS;
        int status;
        bool ended;
        while (reap(0, &status, &ended) && now_ms() < until) {
                kill_children();
                const struct timespec pause = { .tv_nsec = 2000000 };
                (void) nanosleep(&pause, NULL);
        }
}

typedef struct {
        const ChildSpec *spec;
        int out, answer; /* read ends; -1 when at their end */
        size_t answered;
} Reading;

/* One read of each that is ready; false when there was nothing. */
static bool take(Reading *r, int *fd, bool is_answer) {
        char buffer[16384];
        if (*fd < 0)
                return false;
        ssize_t n = read(*fd, buffer, sizeof buffer);
        if (n < 0)
                return false;
        if (n == 0) {
                (void) close(*fd);
                *fd = -1;
                return false;
        }
        if (!is_answer) {
                r->spec->on_output(r->spec->owner, buffer, (size_t) n);
                return true;
        }
        size_t room = r->spec->answer_size - 1 - r->answered, kept = (size_t) n < room ? (size_t) n : room;
        memcpy(r->spec->answer + r->answered, buffer, kept);
        r->answered += kept;
        return true;
}

/* Until the child has ended. Its pipe may stay open beyond that, in the hands of what it left behind. */
static bool follow(Watch *w, pid_t child, Reading *r, int *status) {
        bool ended = false, told = false, drop = false;
        long kill_at = 0;
        while (!ended) {
                struct pollfd fds[] = { { w->signals, POLLIN, 0 }, { r->out, POLLIN, 0 }, { r->answer, POLLIN, 0 } };
                int timeout = -1;
                if (told) {
                        long left = kill_at - now_ms();
                        timeout = left > 0 ? (int) left : 0;
                }
                (void) poll(fds, ELEMENTS(fds), timeout);
                if (watch_stopped(w) && !told) {
                        told = true;
                        kill_at = now_ms() + GRACE_MS;
                        (void) kill(-child, SIGTERM);
                }
                if (told && !drop && now_ms() >= kill_at) {
                        drop = true;
                        kill_at = now_ms() + GRACE_MS;
                        (void) kill(-child, SIGKILL);
                }
                if (fds[1].revents)
                        (void) take(r, &r->out, false);
                if (fds[2].revents)
                        (void) take(r, &r->answer, true);
                (void) reap(child, status, &ended);
        }
        return told;
}

static int make_pipe(int *ret_read, int *ret_write) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        *ret_read = ends[0];
        *ret_write = ends[1];
        return fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static void close_now(int *fd) {
        cleanup_close(fd);
        *fd = -1;
}

int child_run(Watch *w, const ChildSpec *spec, ChildEnd *ret_end) {
        auto_close int out = -1, out_write = -1, answer = -1, answer_write = -1;
        int r = make_pipe(&out, &out_write);
        if (r == 0 && spec->answer)
                r = make_pipe(&answer, &answer_write);
        if (r < 0)
                return r;
        pid_t child = fork();
        if (child < 0)
                return -errno;
        if (child == 0)
                become(spec, out_write, answer_write);
        close_now(&out_write);
        close_now(&answer_write);

        Reading reading = { .spec = spec, .out = out, .answer = answer };
        int status = 0;
        bool stopped = follow(w, child, &reading, &status);
        kill_offspring();
        /* Nobody writes any more: the rest is in the pipes. Bounded, should one have got away. */
        for (int i = 0; i < 1024 && take(&reading, &reading.out, false); i++)
                ;
        for (int i = 0; i < 1024 && take(&reading, &reading.answer, true); i++)
                ;
        out = reading.out;
        answer = reading.answer;
        if (spec->answer) {
                spec->answer[reading.answered] = '\0';
                if (spec->ret_answer_length)
                        *spec->ret_answer_length = reading.answered;
        }
        *ret_end = stopped               ? (ChildEnd){ CHILD_STOPPED, SIGTERM }
                   : WIFSIGNALED(status) ? (ChildEnd){ CHILD_SIGNALED, WTERMSIG(status) }
                                         : (ChildEnd){ CHILD_EXITED, WEXITSTATUS(status) };
        return 0;
}
