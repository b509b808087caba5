/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is live, a slot or the files of a static release: for nginx the link `live`, for the next boot a tmpfiles entry and the links that
 * `systemctl enable` would make. We make them ourselves, since systemctl reloads systemd each time, which takes as long as the rest of a
 * switch together. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "helper/job.h"

#define TMPFILES "/etc/tmpfiles.d"

typedef char Target[96];

/* Where `live` points: `a.sock`, `b.sock`, the absolute path of a directory, or "" when there is none. */
static void live_target(Job *j, Target ret) {
        auto_free char *text = NULL;
        Target path;
        ssize_t n;

        (void) snprintf(path, sizeof(path), "%s/%s/live", &NS_APPS[1], j->id);
        n = readlinkat(j->root, path, ret, sizeof(Target) - 1);
        ret[n > 0 ? n : 0] = '\0';
        /* The runtime directory is gone: what the next boot would make. */
        if (n <= 0 && job_read(j, TMPFILES, j->file, &text, NULL) == 0)
                (void) sscanf(text, "d %*[^\n]\nL+ %*s - - - - %95s", ret);
}

char live_slot(Job *j) {
        Target target;

        live_target(j, target);
        return *target == '/' ? '\0' : *target;
}

int live_write_tmpfiles(Job *j) {
        auto_call(text_cleanup) Text t = { 0 };
        Target target;

        live_target(j, target);
        text_printf(&t, "d " NS_APPS "/%s 0750 root www-data -\n", j->id);
        if (*target)
                text_printf(&t, "L+ " NS_APPS "/%s/live - - - - %s\n", j->id, target);
        if (*target == '/') /* an L line has no owner */
                text_printf(&t, "z " NS_APPS "/%s/live - %s %s -\n", j->id, j->user, j->user);
        return t.error < 0 ? job_result(j, t.error, "the tmpfiles entry") : job_write(j, TMPFILES, j->file, t.data, t.length, 0644, 0);
}

/* 1 if the installed service says that it starts at boot. */
static int starts_on_boot(Job *j) {
        auto_free char *text = NULL;
        char name[64];
        int r;

        (void) snprintf(name, sizeof(name), "%s@.service", j->user);
        r = job_read(j, UNITS, name, &text, NULL);
        return r == -ENOENT ? 0 : r < 0 ? job_result(j, r, name) : strstr(text, "\nWantedBy=") != NULL;
}

/* One link in a .wants directory, made or removed. */
static int want(Job *j, const char *directory, const char *slot, const char *kind, bool wanted) {
        char name[64], target[96];

        (void) snprintf(name, sizeof(name), "%s@%s.%s", j->user, slot, kind);
        (void) snprintf(target, sizeof(target), UNITS "/%s@.%s", j->user, kind);
        return wanted ? job_link(j, directory, name, target, 0) : job_remove(j, directory, name);
}

int live_enable(Job *j, char slot) {
        int boot = slot ? starts_on_boot(j) : 0, r = boot < 0 ? boot : 0;

        for (const char *s = "ab"; r == 0 && *s; s++) {
                const char name[2] = { *s, '\0' };

                r = want(j, UNITS "/sockets.target.wants", name, "socket", *s == slot);
                if (r == 0)
                        r = want(j, UNITS "/multi-user.target.wants", name, "service", *s == slot && boot > 0);
        }
        return r;
}

static int point(Job *j, const char *target, uid_t owner) {
        Target directory;
        int r;

        (void) snprintf(directory, sizeof(directory), NS_APPS "/%s", j->id);
        r = job_link(j, directory, "live", target, owner);
        if (r == 0)
                r = live_write_tmpfiles(j);
        return r < 0 ? r : live_enable(j, live_slot(j));
}

int live_switch(Job *j) {
        Target target;

        (void) snprintf(target, sizeof(target), "%s.sock", j->argument);
        return point(j, target, 0);
}

/* The link is the project's own, since nginx follows links only to what has the link's owner. */
int live_static(Job *j) {
        Target target;

        (void) snprintf(target, sizeof(target), "%s/source/%s/static", j->home, j->argument);
        return point(j, target, j->uid);
}
