/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A release that is a static site: its files alone, in source/{release}/static, readable by nginx, which serves them without an app.
 *
 * nginx is no process of the project's, so that the tree is made plain: only regular files and directories, no symbolic link (not even one
 * that stays inside: to tell is harder than to leave it out), and no name that begins with a dot (.git, .env). */
#include "static.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "say.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 64 };

/* Where builds put a site, in the order in which they are looked at. public comes last: with many tools it holds what goes into a build. */
static const char *const places[] = { "out", "dist", "build", ".output/public", "_site", "public" };

/* Start scripts that run a tool's development server, or show what it has built: where a built site is there, that is what is meant. Not
 * with more behind it (`vite build && node server.js`). */
static const char *const developer_starts[] = {
        "astro dev", "astro preview", "docusaurus start", "eleventy --serve", "gatsby develop", "react-scripts start", "vite",
};

typedef struct {
        size_t links, hidden, others, pages;
        bool has_not_found, has_fallback;
} Tally;

static bool begins_with_words(const char *s, const char *words) {
        size_t n = strlen(words);
        return strncmp(s, words, n) == 0 && (s[n] == '\0' || s[n] == ' ');
}

static bool ends_with(const char *s, const char *end) {
        size_t n = strlen(s), m = strlen(end);
        return n >= m && strcmp(s + n - m, end) == 0;
}

static bool is_regular(int dir, const char *name) {
        struct stat st;
        return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

static bool has_site(int app, const char *place) {
        auto_close int dir = fs_open_directory(app, place);
        return dir >= 0 && is_regular(dir, "index.html");
}

/* `next start` is in the package.json of nearly every Next.js app and refuses to serve an export. out is one of this very build if it has
 * the files of its BUILD_ID. */
static bool is_next_export(int app) {
        Path files;
        auto_free char *id = NULL;
        size_t n = 0;
        if (fs_read_file(app, ".next/BUILD_ID", 256, &id, &n) < 0 || n == 0 || strchr(id, '/') ||
            path_format(&files, "out/_next/static/%s", id) < 0)
                return false;
        auto_close int dir = fs_open_directory(app, files.s);
        return dir >= 0;
}

static bool start_gives_way(const Build *b, int app) {
        if (!b->has_start)
                return true;
        for (size_t i = 0; i < ELEMENTS(developer_starts) && !strpbrk(b->start_script, "&|;"); i++)
                if (begins_with_words(b->start_script, developer_starts[i]))
                        return true;
        return begins_with_words(b->start_script, "next start") && is_next_export(app);
}

int static_find(Build *b, const char **ret_place) {
        *ret_place = NULL;
        auto_close int app = open(b->app_path.s, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (app < 0)
                return -errno;
        const char *wanted = spec_get(b->spec, "static");
        if (*wanted) {
                auto_close int dir = strcmp(wanted, ".") == 0 ? -1 : fs_open_directory(app, wanted);
                if (dir < 0 && strcmp(wanted, ".") != 0)
                        return build_fail(b, "%s, the directory of the static site, is not there after the build", wanted);
                *ret_place = wanted;
                return BUILD_OK;
        }
        if (!start_gives_way(b, app))
                return BUILD_OK;
        for (size_t i = 0; i < ELEMENTS(places) && !*ret_place; i++)
                if (has_site(app, places[i]))
                        *ret_place = places[i];
        /* With a package.json, what lies at the top is more likely the source of something. */
        if (!*ret_place && !b->has_package && is_regular(app, "index.html"))
                *ret_place = ".";
        return BUILD_OK;
}

static int tidy(int dir, int depth, Tally *t);

static int tidy_entry(int dir, const char *name, int depth, Tally *t) {
        struct stat st;
        if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        bool file = S_ISREG(st.st_mode), directory = S_ISDIR(st.st_mode);
        size_t *left_out = S_ISLNK(st.st_mode)                                                   ? &t->links
                           : name[0] == '.' && !(depth == 0 && strcmp(name, ".well-known") == 0) ? &t->hidden
                           : !file && !directory                                                 ? &t->others
                                                                                                 : NULL;
        if (left_out) {
                ++*left_out;
                return fs_remove_tree(dir, name);
        }
        if (fchmodat(dir, name, file ? 0644 : 0755, 0) < 0)
                return -errno;
        if (file) {
                t->pages += ends_with(name, ".html");
                t->has_not_found |= depth == 0 && strcmp(name, "404.html") == 0;
                t->has_fallback |= depth == 0 && strcmp(name, "200.html") == 0;
                return 0;
        }
        auto_close int below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below < 0)
                return -errno;
        return depth < DEPTH_MAX ? tidy(below, depth + 1, t) : -ELOOP;
}

static int tidy(int dir, int depth, Tally *t) {
        int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        auto_closedir DIR *entries = fd < 0 ? NULL : fdopendir(fd);
        int r = entries ? 0 : -errno;
        if (!entries)
                cleanup_close(&fd);
        for (struct dirent *d; r == 0 && (d = readdir(entries));)
                if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
                        r = tidy_entry(dir, d->d_name, depth, t);
        return r;
}

/* A single page app answers every address with its one page; the convention of static hosts for that is a file 200.html. Where there are
 * several pages, an unknown address is an error, unless the project brings that file. */
static int add_fallback(int site, const Tally *t) {
        if (t->has_not_found || t->has_fallback)
                return 0;
        if (t->pages != 1 || !is_regular(site, "index.html")) {
                say("note no 404.html: unknown addresses get a plain 404 page (a 200.html would answer them all)");
                return 0;
        }
        if (linkat(site, "index.html", site, "200.html", 0) < 0)
                return -errno;
        say("note one page and no 404.html: a single page app, index.html answers every address without a file");
        return 0;
}

/* Leaves a tree in the place of the work tree that has nothing but static. */
static int replace_tree(Build *b, const char *place) {
        Path from, to;
        char name[64];
        (void) snprintf(name, sizeof name, "%s.static.building", b->release_name);
        bool all = strcmp(place, ".") == 0;
        int r = path_format(&from, "%s%s%s", b->app_path.s, all ? "" : "/", all ? "" : place);
        if (r == 0)
                r = path_format(&to, "%s/source/%s/static", b->home_path.s, name);
        if (r == 0)
                r = fs_remove_tree(b->source, name);
        if (r == 0 && (mkdirat(b->source, name, 0711) < 0 || rename(from.s, to.s) < 0))
                r = -errno;
        if (r == 0)
                r = fs_remove_tree(b->source, b->work_name);
        if (r == 0 && renameat(b->source, name, b->source, b->work_name) < 0)
                r = -errno;
        return r;
}

int static_use(Build *b, const char *place) {
        Tally t = { 0 };
        int r = replace_tree(b, place);
        if (r < 0)
                return r;
        auto_close int work = fs_open_directory(b->source, b->work_name);
        if (work < 0)
                return work;
        auto_close int site = openat(work, "static", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (site < 0)
                return -errno;
        if (strcmp(place, ".") == 0)
                r = fs_remove_tree(site, "node_modules");
        if (r == 0)
                r = tidy(site, 0, &t);
        if (r == 0)
                r = add_fallback(site, &t);
        if (r == -ELOOP)
                return build_fail(b, "the directories of the static site are nested too deeply");
        /* Through all of them nginx has to pass. Into a release of an app nobody gets all the same: that one stays 0700. */
        if (r == 0 && (fchmod(site, 0755) < 0 || fchmodat(b->source, b->work_name, 0711, 0) < 0 || fchmod(b->source, 0711) < 0))
                r = -errno;
        if (r < 0)
                return r;
        if (t.links + t.hidden + t.others > 0)
                say("note not served: %zu symbolic links, %zu names that begin with a dot, %zu things that are no files", t.links, t.hidden,
                    t.others);
        say("static %s", place);
        return BUILD_OK;
}
