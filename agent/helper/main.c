/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* nanoscale-helper: the only program of ours that runs as root. One request on standard input, one line of answer on standard output, then
 * it is over (docs/design/interfaces.md). It trusts nothing that its caller gives it: environment, descriptors and limits are put in order
 * first, who calls comes from the kernel (socket) or from sudo, and the request is read and checked whole before anything is done. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fields.h"
#include "base/text.h"
#include "helper/request.h"

#define READ_SECONDS 20

/* Signals, descriptors, limits, directory and umask as if systemd had started us. sudo passes the caller's on. */
static int put_in_order(void) {
        const struct rlimit any = { RLIM_INFINITY, RLIM_INFINITY }, zero = { 0, 0 };
        sigset_t none;

        for (int fd = 0; fd <= 2; fd++) /* else the first file that we open would be standard output */
                if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
                        return -EBADF;
        (void) close_range(3, ~0U, 0);
        for (int s = 1; s < NSIG; s++)
                (void) signal(s, s == SIGPIPE ? SIG_IGN : SIG_DFL);
        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        (void) setrlimit(RLIMIT_FSIZE, &any);
        (void) setrlimit(RLIMIT_CORE, &zero);
        (void) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* a request has secrets in it */
        (void) umask(077);
        return chdir("/") < 0 ? -errno : 0;
}

/* Who asks: the socket's peer; or, on pipes, whom sudo names; or root itself. */
static int check_caller(Job *j, const char *sudo_uid) {
        struct ucred peer = { .uid = 0 };
        socklen_t length = sizeof(peer);
        const struct passwd *p;
        unsigned long uid;

        if (getuid() != 0 || geteuid() != 0)
                return job_fail(j, "denied", "this runs as root only");
        if (getsockopt(0, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) {
                if (errno != ENOTSOCK || (sudo_uid && !text_to_number(sudo_uid, 0, UINT32_MAX - 1, &uid)))
                        return job_fail(j, "denied", "the caller is unknown");
                peer.uid = sudo_uid ? (uid_t) uid : 0;
        }
        p = getpwnam(NS_USER);
        if (peer.uid != 0 && (!p || p->pw_uid != peer.uid))
                return job_fail(j, "denied", "user %u may not ask", peer.uid);
        return 0;
}

static int perform(Job *j, const char *sudo_uid) {
        auto_call(text_cleanup) Text request = { 0 };
        int r = check_caller(j, sudo_uid);

        if (r < 0)
                return r;
        r = fields_read(0, REQUEST_MAX, READ_SECONDS, &request);
        if (r < 0)
                return job_result(j, r, "reading the request");
        r = request_parse(j, request.data, request.length);
        if (r == 0 && j->verb->lock == LOCK_WHOLE)
                r = job_lock(j);
        if (r == 0 && j->verb->needs & NEEDS_USER)
                r = user_need(j);
        return r < 0 ? r : j->verb->act(j);
}

int main(int argc, char *argv[]) {
        const char *sudo_uid = getenv("SUDO_UID"); /* stays where it is, above the stack, when the environment is cleared */
        auto_call(job_drop) Job j = { .root = -1 };
        int r;

        (void) argv;
        if (clearenv() != 0 || put_in_order() < 0 || (j.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
                return 1;
        r = argc == 1 ? perform(&j, sudo_uid) : job_fail(&j, "request", "this takes no arguments");
        if (r == 0)
                (void) dprintf(1, "ok%s%s\n", *j.sentence ? " " : "", j.sentence);
        else {
                text_make_line(j.sentence); /* it may quote a program's output */
                (void) dprintf(1, "error %s %s\n", j.word, j.sentence);
        }
        /* The journal has every request; the values of fields may be secret and are not in it. */
        (void) dprintf(2, "%s %s %s: %s %s\n", j.verb ? j.verb->name : "-", j.id ? j.id : "-", j.argument ? j.argument : "-",
                       r == 0 ? "ok" : j.word, j.sentence);
        return r == 0 ? 0 : 1;
}
