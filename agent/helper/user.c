/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A project's user and home. Root never acts inside a home, which its owner may be rearranging meanwhile: that is done by a child that has
 * become the user. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/text.h"
#include "helper/job.h"

#define APP_UIDS (NS_APP_UID_LAST - NS_APP_UID_FIRST + 1)
#define CHILD_SECONDS 600

static bool app_uid(uid_t uid) {
        return uid >= NS_APP_UID_FIRST && uid <= NS_APP_UID_LAST;
}

int user_find(Job *j) {
        const struct passwd *p;

        j->uid = 0;
        errno = 0;
        p = getpwnam(j->user);
        if (!p && errno != 0 && errno != ENOENT && errno != ESRCH)
                return job_result(j, -errno, "looking the user up");
        if (!p)
                return 0;
        if (!app_uid(p->pw_uid) || p->pw_gid != p->pw_uid || strcmp(p->pw_dir, j->home) != 0)
                return job_fail(j, "conflict", "user %s exists and is not one of ours", j->user);
        j->uid = p->pw_uid;
        return 0;
}

int user_need(Job *j) {
        int r = user_find(j);

        return r == 0 && j->uid == 0 ? job_fail(j, "absent", "there is no user %s", j->user) : r;
}

/* Does fn(sites, name of the home, argument) as the user; fn gives 0 or a negative errno. */
static int as_user(Job *j, int (*fn)(int home, const char *argument), const char *argument) {
        auto_close int sites = job_open_directory(j, NS_SITES);
        int status;
        pid_t pid;

        if (sites < 0)
                return sites;
        pid = fork();
        if (pid < 0)
                return job_result(j, -errno, "fork");
        if (pid == 0) {
                uid_t uid = j->uid;
                int home, r;

                if (!app_uid(uid) || setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0 ||
                    getuid() != uid || setuid(0) == 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                        _exit(EPERM);
                (void) alarm(CHILD_SECONDS);
                home = fs_open(sites, j->id, O_RDONLY | O_DIRECTORY, 0);
                r = home == -ENOENT ? 0 : home < 0 ? home : fn(home, argument);
                _exit(-r & 0xff);
        }
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return job_result(j, -errno, "waiting for the child");
        if (!WIFEXITED(status))
                return job_fail(j, "system", "working in the project's home took too long or was killed");
        return WEXITSTATUS(status) == 0 ? 0 : job_result(j, -WEXITSTATUS(status), "working in the project's home");
}

static int make_parts(int home, const char *argument) {
        static const char *const parts[] = { "source", "data", "cache" }; /* nginx passes through the first */
        int r = 0;

        (void) argument;
        for (size_t i = 0; r == 0 && i < ELEMENTS(parts); i++)
                r = fs_make_directory(home, parts[i], i == 0 ? 0711 : 0700, FS_KEEP_OWNER, (gid_t) FS_KEEP_OWNER);
        return r;
}

static int remove_release(int home, const char *release) {
        auto_close int source = fs_open(home, "source", O_RDONLY | O_DIRECTORY, 0);

        if (source < 0)
                return source == -ENOENT ? 0 : source;
        return fs_remove_tree(source, release);
}

static int remove_all(int home, const char *argument) {
        (void) argument;
        /* What a unit left running, if anything, would go on writing, and userdel would refuse. As this user it reaches no one else's. */
        (void) kill(-1, SIGKILL);
        return fs_empty_tree(home, ".");
}

/* A uid and gid that neither a user nor a group has. The search starts at a place that the id names, so that a uid that was just given up
 * is not the next project's, with whatever the old one may have left in /var/tmp. */
static int pick_uid(Job *j) {
        unsigned start = 2166136261u;

        for (const char *c = j->id; *c; c++) /* FNV-1a */
                start = (start ^ (unsigned char) *c) * 16777619u;
        for (unsigned i = 0; i < APP_UIDS; i++) {
                j->uid = NS_APP_UID_FIRST + (start + i) % APP_UIDS;
                if (!getpwuid(j->uid) && !getgrgid(j->uid))
                        return 0;
        }
        return job_fail(j, "conflict", "all %d user ids of projects are taken", APP_UIDS);
}

static int add_accounts(Job *j) {
        const struct group *g = getgrnam(j->user); /* there without a user: we were stopped between the two */
        char number[16];
        int r = 0;

        if (g && (!app_uid(g->gr_gid) || getpwuid(g->gr_gid)))
                return job_fail(j, "conflict", "group %s exists and is not one of ours", j->user);
        if (g)
                j->uid = g->gr_gid;
        else
                r = pick_uid(j);
        (void) snprintf(number, sizeof(number), "%u", j->uid);
        if (r == 0 && !g)
                r = job_run_checked(j, 60, ARGV("/usr/sbin/groupadd", "--gid", number, "--", j->user));
        if (r < 0)
                return r;
        /* No subordinate ids: they are for users that make containers. No lastlog: it would be a sparse file of uid × 292 bytes. */
        return job_run_checked(j, 60,
                               ARGV("/usr/sbin/useradd", "--uid", number, "--gid", number, "--no-create-home", "--no-log-init",
                                    "--home-dir", j->home, "--shell", "/usr/sbin/nologin", "--key", "SUB_UID_COUNT=0", "--key",
                                    "SUB_GID_COUNT=0", "--", j->user));
}

/* The home, its parts, and the directory of the sockets. */
static int make_directories(Job *j) {
        auto_close int sites = job_open_directory(j, NS_SITES), apps = job_open_directory(j, NS_APPS);
        const struct group *www = getgrnam("www-data");
        int r;

        if (sites < 0 || apps < 0)
                return sites < 0 ? sites : apps;
        if (!www)
                return job_fail(j, "system", "there is no group www-data");
        /* nginx passes through the home to the files of static sites; nobody else does. */
        r = fs_make_directory(sites, j->id, 0710, j->uid, www->gr_gid);
        if (r == 0) /* root's, since its `live` is where nginx sends the project's visitors */
                r = fs_make_directory(apps, j->id, 0750, 0, www->gr_gid);
        r = job_result(j, r, "making the project's directories");
        return r < 0 ? r : as_user(j, make_parts, NULL);
}

int user_add(Job *j) {
        int r = user_find(j);

        if (r == 0 && j->uid == 0)
                r = add_accounts(j);
        if (r == 0)
                r = make_directories(j);
        return r < 0 ? r : live_write_tmpfiles(j);
}

static int remove_accounts(Job *j) {
        int r = user_find(j);

        if (r == 0 && j->uid != 0)
                r = job_run_checked(j, 60, ARGV("/usr/sbin/userdel", "--", j->user));
        if (r == 0 && getgrnam(j->user)) /* userdel takes the group along, unless login.defs says otherwise */
                r = job_run_checked(j, 60, ARGV("/usr/sbin/groupdel", "--", j->user));
        return r;
}

int user_remove(Job *j) {
        auto_close int sites = job_open_directory(j, NS_SITES), apps = fs_open_directory(j->root, &NS_APPS[1]);
        int r = sites < 0 ? sites : units_refuse_active(j);

        if (r == 0)
                r = user_find(j);
        if (r == 0 && j->uid != 0)
                r = as_user(j, remove_all, NULL);
        if (r < 0)
                return r;
        if (unlinkat(sites, j->id, AT_REMOVEDIR) < 0 && errno != ENOENT)
                return job_result(j, -errno, "removing the home");
        r = job_lock(j);
        if (r == 0)
                r = remove_accounts(j);
        if (r == 0)
                r = job_remove(j, "/etc/default", j->user);
        if (r == 0)
                r = job_remove(j, "/etc/tmpfiles.d", j->file);
        if (r < 0 || apps < 0)
                return r;
        return job_result(j, fs_remove_tree(apps, j->id), NS_APPS);
}

int release_remove(Job *j) {
        return as_user(j, remove_release, j->argument);
}
