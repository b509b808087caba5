/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Step release: what was built becomes source/{release}, whole or not at all.
 *
 * Of a Next.js build with `output: "standalone"` only that tree is kept: it runs by itself, and is a tenth of the size. It lies in
 * .next/standalone, in a monorepo some directories below, and Next leaves it to others to put the static files beside it. */
#include "build_internal.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "say.h"
#include "script.h"
#include "security/validate.h"
#include "static.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEARCH_DEPTH = 5, FLUSH_FILES = 6000 };

static bool is_file(const char *directory, const char *name) {
        Path p;
        struct stat st;
        return path_format(&p, "%s/%s", directory, name) == 0 && lstat(p.s, &st) == 0 && S_ISREG(st.st_mode);
}

/* Finds the directory below `directory` that has server.js beside its own .next. ret_below is relative, "" for the directory itself. */
static bool find_server(const char *directory, const char *below, int depth, Path *ret_below) {
        if (is_file(directory, "server.js") && is_file(directory, ".next/BUILD_ID"))
                return path_format(ret_below, "%s", below) == 0;
        auto_closedir DIR *dir = depth > 0 ? opendir(directory) : NULL;
        if (!dir)
                return false;
        for (struct dirent *d; (d = readdir(dir));) {
                Path deeper, name;
                if (d->d_type != DT_DIR || d->d_name[0] == '.' || strcmp(d->d_name, "node_modules") == 0)
                        continue;
                if (path_format(&deeper, "%s/%s", directory, d->d_name) == 0 &&
                    path_format(&name, "%s%s%s", below, *below ? "/" : "", d->d_name) == 0 &&
                    find_server(deeper.s, name.s, depth - 1, ret_below))
                        return true;
        }
        return false;
}

/* Moves from to to, in place of what is there. An absent from is fine. */
static int move_over(const char *from, const char *to_directory, const char *name) {
        Path to;
        struct stat st;
        if (lstat(from, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        int r = path_format(&to, "%s/%s", to_directory, name);
        if (r < 0)
                return r;
        auto_close int dir = open(to_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
                return -errno;
        r = fs_remove_tree(dir, name);
        if (r < 0)
                return r;
        return rename(from, to.s) < 0 ? -errno : 0;
}

/* public may be a link to a directory elsewhere in the repository, which the release will not have: then its target is what moves. */
static int move_public(const Build *b, const char *server_directory) {
        Path from, real;
        char target[4096];
        int r = path_format(&from, "%s/public", b->app_path.s);
        if (r < 0)
                return r;
        ssize_t n = readlink(from.s, target, sizeof target - 1);
        if (n >= 0) {
                target[n] = '\0';
                if (target[0] == '/' || path_format(&real, "%s/%s", b->app_path.s, target) < 0)
                        return 0;
                from = real;
        }
        return move_over(from.s, server_directory, "public");
}

/* Puts the standalone tree in the place of the work tree. */
static int use_standalone(Build *b, const char *standalone, const char *below) {
        Path server, next, from, tree, target;
        char name[64];
        int r = path_format(&server, "%s%s%s", standalone, *below ? "/" : "", below);
        if (r == 0)
                r = path_format(&next, "%s/.next", server.s);
        if (r == 0)
                r = path_format(&from, "%s/.next/static", b->app_path.s);
        if (r == 0)
                r = move_over(from.s, next.s, "static");
        if (r == 0)
                r = move_public(b, server.s);
        if (r < 0)
                return r;

        /* Both names end as the work tree's does, so that the next build clears away what a power cut leaves. */
        (void) snprintf(name, sizeof name, "%s.standalone.building", b->release_name);
        r = path_format(&tree, "%s/source/%s", b->home_path.s, name);
        if (r == 0)
                r = fs_remove_tree(b->source, name);
        if (r < 0)
                return r;
        const char *root = spec_get(b->spec, "root");
        if (*root && !*below) {
                /* The project's directory stays the app's directory. */
                r = path_format(&target, "%s/%s", tree.s, root);
                for (char *p = r == 0 ? target.s + strlen(tree.s) : NULL; p; p = strchr(p + 1, '/')) {
                        *p = '\0';
                        int made = mkdir(target.s, 0700);
                        *p = '/';
                        if (made < 0 && errno != EEXIST)
                                return -errno;
                }
        } else if (r == 0)
                r = path_format(&target, "%s", tree.s);
        if (r == 0 && rename(standalone, target.s) < 0)
                r = -errno;
        if (r == 0)
                r = fs_remove_tree(b->source, b->work_name);
        if (r == 0 && renameat(b->source, name, b->source, b->work_name) < 0)
                r = -errno;
        return r;
}

static int keep_all(const Build *b) {
        char command[1024];
        if (b->has_package && !b->has_start)
                say("note package.json has no start script; set a start command");
        int r = script_direct(b, command, sizeof command);
        if (r == 0 && *command) {
                say("note the start script is plain words: started without bun around it");
                say("start %s", command);
        }
        return r;
}

/* A static site, Next.js as it is built for standalone; anything else is left as it is. */
static int choose_tree(Build *b) {
        Path standalone, below;
        int r = path_format(&standalone, "%s/.next/standalone", b->app_path.s);
        if (r < 0)
                return r;
        bool built = access(standalone.s, F_OK) == 0;
        if (strcmp(spec_get(b->spec, "default_start"), "1") != 0) {
                if (built)
                        say("note the build made standalone output, but the project has a start command of its own: keeping all");
                if (spec_is_set(b->spec, "static"))
                        say("note the project has a start command of its own: not a static site");
                return BUILD_OK;
        }
        if (spec_is_set(b->spec, "static") || !built || !find_server(standalone.s, "", SEARCH_DEPTH, &below)) {
                const char *place;
                r = static_find(b, &place);
                if (r != BUILD_OK)
                        return r;
                return place ? static_use(b, place) : keep_all(b);
        }
        if (*below.s && !valid_relative_directory(below.s))
                return build_fail(b, "the standalone output lies in a directory whose name cannot be used");
        r = use_standalone(b, standalone.s, below.s);
        if (r < 0)
                return r;
        say("note standalone output: the release is that tree alone");
        say("start node server.js");
        if (*below.s && strcmp(below.s, spec_get(b->spec, "root")) != 0)
                say("root %s", below.s);
        return BUILD_OK;
}

/* Visits every file and directory of the tree; 0, 1 when there are more than FLUSH_FILES, or a negative errno. */
static int flush_pass(const char *tree, int (*flush)(int fd)) {
        char *const roots[] = { (char *) (uintptr_t) tree, NULL };
        size_t n = 0;
        int r = 0;
        FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
        if (!walk)
                return -errno;
        for (FTSENT *e; r == 0 && (e = fts_read(walk));) {
                if (e->fts_info != FTS_F && e->fts_info != FTS_NSOK && e->fts_info != FTS_DP)
                        continue;
                auto_close int fd = open(e->fts_accpath, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
                if (++n > FLUSH_FILES)
                        r = 1;
                else if (fd >= 0 && flush(fd) < 0)
                        r = -errno;
        }
        (void) fts_close(walk);
        return r;
}

static int begin_writing(int fd) {
        (void) sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* a directory has no ranges, and needs none */
        return 0;
}

/* Has the release on the disk before it gets its name. Only the release: flushing the whole file system would wait for the package cache
 * and for what other builds write too. Writing begins for all files at once, so that the fsync of each finds most of its work done. A tree
 * of very many files (a node_modules) is flushed with everything else after all, which is less than a commit for each. */
static int flush_tree(const Build *b) {
        int r = flush_pass(b->work_path.s, begin_writing);
        if (r == 0)
                r = flush_pass(b->work_path.s, fsync);
        if (r <= 0)
                return r;
        return syncfs(b->source) < 0 ? -errno : 0;
}

int step_release(Build *b) {
        int r = choose_tree(b);
        if (r != BUILD_OK)
                return r;
        r = flush_tree(b);
        if (r < 0)
                return r;
        if (renameat2(b->source, b->work_name, b->source, b->release_name, RENAME_NOREPLACE) < 0)
                return -errno;
        return fsync(b->source) < 0 ? -errno : BUILD_OK;
}
