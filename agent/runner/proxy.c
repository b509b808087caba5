/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "proxy.h"

#include "base/cleanup.h"
#include "listener.h"
#include "notice.h"
#include "wake.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Each connection costs it six descriptors of the unit's 65536. More wait in the socket's queue for the moment it takes to refuse them. */
#define CONNECTIONS_MAX "--connections-max=10000"

enum {
        LOOK_MIN_US = 1000,
        LOOK_MAX_US = 50 * 1000,
        LAST_BYTES_US = 2 * 1000 * 1000, /* for what the proxy has of the app's last answers */
        STOP_US = 10 * 1000 * 1000,      /* for an app whose proxy has died */
};

static const int passed_on[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH };

typedef struct {
        const ProxyApp *app;
        sigset_t wanted, before;
        pid_t pid, proxy;   /* 0: not there */
        int64_t started_us; /* the app */
        int64_t kill_us;    /* 0: it may live */
        bool proxy_failed;
} Proxy;

static void become_app(const ProxyApp *a) {
        (void) execve(a->program, a->argv, a->environment);
        (void) notice_cannot_start("%s: %s", a->program, strerror(errno));
}

static void become_proxy(const ProxyApp *a) {
        char pid[32], to[32];
        (void) snprintf(pid, sizeof pid, "LISTEN_PID=%d", (int) getpid());
        (void) snprintf(to, sizeof to, "127.0.0.1:%u", a->port);
        char fds[] = "LISTEN_FDS=1", program[] = PROXY_PROGRAM, max[] = CONNECTIONS_MAX;
        char *const argv[] = { program, max, to, NULL }, *const environment[] = { fds, pid, NULL };
        (void) fcntl(a->listener, F_SETFD, 0);
        (void) execve(program, argv, environment);
        (void) notice_cannot_start("%s: %s", program, strerror(errno));
}

static int spawn(const Proxy *p, void (*become)(const ProxyApp *app), pid_t *ret_pid) {
        pid_t pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                /* A runner that is killed leaves nothing behind, in a unit or not. */
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void) setpgid(0, 0);
                (void) sigprocmask(SIG_SETMASK, &p->before, NULL);
                become(p->app);
                _exit(NOTICE_CANNOT_START);
        }
        *ret_pid = pid;
        return 0;
}

static void block_signals(Proxy *p) {
        (void) sigemptyset(&p->wanted);
        (void) sigaddset(&p->wanted, SIGCHLD);
        for (size_t i = 0; i < ELEMENTS(passed_on); i++)
                (void) sigaddset(&p->wanted, passed_on[i]);
        (void) sigprocmask(SIG_BLOCK, &p->wanted, &p->before);
}

static void open_up(Proxy *p) {
        int r = spawn(p, become_proxy, &p->proxy);
        if (r < 0) {
                (void) notice_cannot_start("%s: %s", PROXY_PROGRAM, strerror(-r));
                p->proxy_failed = true;
        } else if (p->app->woken_us > 0) {
                char text[64];
                (void) snprintf(text, sizeof text, "awake after %lld ms", (long long) (wake_clock() - p->app->woken_us + 500) / 1000);
                notice(text);
        }
}

/* Until a signal comes, or it is time to look again. The signal, or 0. */
static int wait_for_signal(const Proxy *p) {
        int64_t now = wake_clock(), us = -1;
        if (p->kill_us)
                us = p->kill_us > now ? p->kill_us - now : 0;
        else if (!p->proxy && !p->proxy_failed) {
                us = (now - p->started_us) / 16;
                us = us < LOOK_MIN_US ? LOOK_MIN_US : us > LOOK_MAX_US ? LOOK_MAX_US : us;
        }
        const struct timespec limit = { us / 1000000, us % 1000000 * 1000 };
        int number = sigtimedwait(&p->wanted, NULL, us < 0 ? NULL : &limit);
        return number < 0 ? 0 : number;
}

/* True when the app has ended. */
static bool reap(Proxy *p, int *ret_status) {
        int status;
        if (p->proxy && waitpid(p->proxy, &status, WNOHANG) == p->proxy) {
                p->proxy = 0;
                p->proxy_failed = true;
                notice("the proxy in front of the app has ended");
        }
        siginfo_t info = { 0 };
        if (waitid(P_PID, (id_t) p->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != p->pid)
                return false;
        (void) kill(-p->pid, SIGKILL); /* while the number still is its own */
        return waitpid(p->pid, ret_status, 0) == p->pid;
}

static int supervise(Proxy *p) {
        for (;;) {
                int number = wait_for_signal(p), status = 0;
                if (number == SIGCHLD && reap(p, &status))
                        return status;
                if (number && number != SIGCHLD)
                        (void) kill(p->pid, number);
                if (p->proxy_failed && !p->kill_us) {
                        (void) kill(p->pid, SIGTERM);
                        p->kill_us = wake_clock() + STOP_US;
                } else if (p->kill_us && wake_clock() >= p->kill_us)
                        (void) kill(p->pid, SIGKILL);
                else if (!p->proxy && listener_is_own(p->app->port))
                        open_up(p);
        }
}

/* It has pipes for as long as there are bytes to carry, or an end from which some may come. */
static bool proxy_is_busy(pid_t proxy) {
        char path[32], target[8];
        (void) snprintf(path, sizeof path, "/proc/%d/fd", (int) proxy);
        auto_closedir DIR *dir = opendir(path);
        for (struct dirent *d; dir && (d = readdir(dir));)
                if (strlen(d->d_name) > 1 || *d->d_name > '2') {
                        ssize_t n = readlinkat(dirfd(dir), d->d_name, target, sizeof target);
                        if (n >= 5 && memcmp(target, "pipe:", 5) == 0)
                                return true;
                }
        return false;
}

static void end_proxy(pid_t proxy) {
        const struct timespec pause = { 0, 5 * 1000 * 1000 };
        for (int64_t until = wake_clock() + LAST_BYTES_US; proxy_is_busy(proxy) && wake_clock() < until;)
                (void) nanosleep(&pause, NULL);
        (void) kill(proxy, SIGKILL);
        (void) waitpid(proxy, NULL, 0);
}

static int end_as(int status) {
        if (WIFEXITED(status))
                return WEXITSTATUS(status);
        sigset_t set;
        (void) sigemptyset(&set);
        (void) sigaddset(&set, WTERMSIG(status));
        (void) signal(WTERMSIG(status), SIG_DFL);
        (void) raise(WTERMSIG(status));
        (void) sigprocmask(SIG_UNBLOCK, &set, NULL);
        return 128 + WTERMSIG(status);
}

int proxy_run(const ProxyApp *app) {
        Proxy p = { .app = app, .started_us = wake_clock() };
        block_signals(&p);
        if (fcntl(app->listener, F_SETFD, FD_CLOEXEC) < 0)
                return notice_cannot_start("%s", strerror(errno));
        int r = spawn(&p, become_app, &p.pid);
        if (r < 0)
                return notice_cannot_start("%s", strerror(-r));
        int status = supervise(&p);
        if (p.proxy)
                end_proxy(p.proxy);
        /* Stopped for want of a proxy, it has not ended well, whatever it says. */
        return p.proxy_failed && (WIFSIGNALED(status) || WEXITSTATUS(status) == 0) ? 1 : end_as(status);
}
