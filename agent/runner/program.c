/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int look(int at, const char *file) {
        struct stat st;
        if (fstatat(at, file, &st, 0) < 0)
                return errno == ENOTDIR ? -ENOENT : -errno;
        if (!S_ISREG(st.st_mode))
                return -EACCES;
        return faccessat(at, file, X_OK, 0) < 0 ? -errno : 0;
}

int program_find(int at, const char *name, const char *path, Path *ret) {
        if (strchr(name, '/')) {
                int r = look(at, name);
                return r < 0 ? r : path_format(ret, "%s", name);
        }
        int answer = -ENOENT;
        for (const char *p = path ? path : ""; *p;) {
                size_t n = strcspn(p, ":");
                /* An empty or relative part would mean the app's own directory. */
                if (n > 0 && *p == '/' && path_format(ret, "%.*s/%s", (int) n, p, name) == 0) {
                        int r = look(AT_FDCWD, ret->s);
                        if (r == 0)
                                return 0;
                        if (r != -ENOENT)
                                answer = r;
                }
                p += n + (p[n] == ':');
        }
        return answer;
}
