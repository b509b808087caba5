/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "helper/job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define LOCK_SECONDS 120

int job_fail(Job *j, const char *word, const char *format, ...) {
        va_list args;

        va_start(args, format);
        (void) vsnprintf(j->sentence, sizeof(j->sentence), format, args);
        va_end(args);
        j->word = word;
        return -ECANCELED;
}

int job_result(Job *j, int r, const char *what) {
        return r < 0 ? job_fail(j, "system", "%s: %s", what, strerror(-r)) : r;
}

/* One request at a time changes users, files and nginx: useradd, nginx -t and the pick of a free uid see a state that holds still. */
int job_lock(Job *j) {
        auto_close int run = job_open_directory(j, NS_RUN);
        int fd;

        if (run < 0)
                return run;
        fd = openat(run, "helper.lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return job_result(j, -errno, "opening the lock");
        /* fd stays open: the lock is this process's until it ends, however it ends. */
        for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; tries++) {
                if (errno != EWOULDBLOCK || tries >= LOCK_SECONDS * 20)
                        return job_result(j, -errno, "waiting for another request");
                (void) nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
        }
        return 0;
}

int job_open_directory(Job *j, const char *path) {
        return job_result(j, fs_open_directory(j->root, path + 1), path);
}

int job_write(Job *j, const char *directory, const char *name, const char *text, size_t length, mode_t mode, gid_t group) {
        auto_close int dir = job_open_directory(j, directory);

        return dir < 0 ? dir : job_result(j, fs_write_atomic(dir, name, text, length, mode, 0, group), name);
}

int job_link(Job *j, const char *directory, const char *name, const char *target, uid_t owner) {
        auto_close int dir = job_open_directory(j, directory);

        return dir < 0 ? dir : job_result(j, fs_link_atomic(dir, name, target, owner, owner), name);
}

int job_remove(Job *j, const char *directory, const char *name) {
        auto_close int dir = fs_open_directory(j->root, directory + 1);
        int r = dir < 0 ? dir : fs_remove_file(dir, name);

        return r == -ENOENT ? 0 : job_result(j, r, name);
}

int job_read(Job *j, const char *directory, const char *name, char **ret_text, size_t *ret_length) {
        auto_close int dir = fs_open_directory(j->root, directory + 1);

        return dir < 0 ? dir : fs_read_file(dir, name, 1024 * 1024, ret_text, ret_length);
}

int job_run(Job *j, unsigned seconds, Output *ret_output, const char *const argv[]) {
        int r = program_run(seconds, ret_output, argv);

        if (r == -ETIME)
                return job_fail(j, "system", "%s did not finish within %u seconds", argv[0], seconds);
        if (r >= PROGRAM_SIGNAL)
                return job_fail(j, "system", "%s was ended by signal %d", argv[0], r - PROGRAM_SIGNAL);
        return job_result(j, r, argv[0]);
}

int job_run_checked(Job *j, unsigned seconds, const char *const argv[]) {
        Output o;
        int code = job_run(j, seconds, &o, argv);

        return code <= 0 ? code : job_fail(j, "system", "%s: exit code %d: %s", argv[0], code, program_last_line(&o));
}
