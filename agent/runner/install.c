/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Steps install and build: the project's commands. Where they are the defaults, a repository that they do not fit is helped along, and
 * told. */
#include "build_internal.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "package.h"
#include "program.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The nearest lock file, from the app's directory up to the repository's: in a monorepo it lies at the top. */
static LockKind find_lock(const Build *b, Path *ret_directory, const char **ret_name) {
        *ret_directory = b->app_path;
        for (;;) {
                const char *name;
                for (size_t i = 0; (name = lock_name(i)); i++) {
                        Path file;
                        if (path_format(&file, "%s/%s", ret_directory->s, name) == 0 && access(file.s, F_OK) == 0) {
                                *ret_name = name;
                                return lock_kind(name);
                        }
                }
                char *slash = strrchr(ret_directory->s, '/');
                if (strlen(ret_directory->s) <= strlen(b->work_path.s) || !slash)
                        break;
                *slash = '\0';
        }
        *ret_directory = b->app_path;
        return LOCK_NONE;
}

static void look_at_package(Build *b) {
        Path file;
        Package package;
        if (path_format(&file, "%s/package.json", b->app_path.s) < 0)
                return;
        b->has_package = package_read(file.s, &package);
        b->has_work = package.has_work;
        b->has_build = package.has_build;
        b->has_start = package.has_start;
        b->has_start_hooks = package.has_start_hooks;
        (void) snprintf(b->start_script, sizeof b->start_script, "%s", package.start);
}

static bool has_program(const Environment *e, const char *name) {
        Path found;
        return program_find(AT_FDCWD, name, environment_get(e, "PATH"), &found) == 0;
}

int step_install(Build *b) {
        const char *command = spec_get(b->spec, "install"), *lock_name_found = "";
        Path directory;
        auto_call(environment_free_cleanup) Environment *e = NULL;
        look_at_package(b);
        if (!*command) {
                say("note no install command; skipped");
                return BUILD_OK;
        }
        int r = build_environment(b, false, &e);
        if (r < 0)
                return r;
        if (strcmp(command, DEFAULT_INSTALL) != 0)
                return build_command(b, b->app_path.s, command, e);
        if (!b->has_package) {
                say("note no package.json; nothing to install");
                return BUILD_OK;
        }
        LockKind kind = find_lock(b, &directory, &lock_name_found);
        bool has_npm = has_program(e, "npm");
        switch (kind) {
        case LOCK_BUN:
                break;
        case LOCK_NPM:
                if (has_npm)
                        say("note %s instead of bun.lock: using `npm ci`", lock_name_found);
                else
                        say("note %s instead of bun.lock, and no npm here: using `bun install`, which takes the versions from it",
                            lock_name_found);
                break;
        case LOCK_OTHER:
                say("note %s instead of bun.lock: using `bun install`; the installed versions may differ", lock_name_found);
                break;
        case LOCK_NONE:
                if (b->has_work)
                        say("note no lock file: using `bun install`; versions may change from build to build, so add bun.lock to the "
                            "repository");
                else
                        say("note package.json has no dependencies; nothing to install");
                break;
        }
        command = lock_install(kind, has_npm, b->has_work);
        return command ? build_command(b, directory.s, command, e) : BUILD_OK;
}

static int next_cache_paths(const Build *b, Path *ret_kept, Path *ret_used) {
        int r = path_format(ret_kept, "%s/next-cache", b->cache_path.s);
        return r < 0 ? r : path_format(ret_used, "%s/.next/cache", b->app_path.s);
}

/* What Next.js has compiled before. Renamed in and out again: no copy, and it is never in two places. */
static void bring_next_cache(const Build *b) {
        Path kept, used, parent;
        struct stat st;
        if (next_cache_paths(b, &kept, &used) < 0 || path_format(&parent, "%s/.next", b->app_path.s) < 0 || lstat(kept.s, &st) < 0)
                return;
        if (mkdir(parent.s, 0700) < 0 && errno != EEXIST)
                return;
        if (rename(kept.s, used.s) < 0)
                say("note the cache of the last build cannot be used: %s", strerror(errno));
}

static void keep_next_cache(Build *b) {
        Path kept, used;
        struct stat st;
        if (next_cache_paths(b, &kept, &used) < 0 || lstat(used.s, &st) < 0 || !S_ISDIR(st.st_mode))
                return;
        if (fs_remove_tree(b->cache, "next-cache") < 0 || rename(used.s, kept.s) < 0)
                say("note the cache of this build cannot be kept: %s", strerror(errno));
}

int step_build(Build *b) {
        const char *command = spec_get(b->spec, "build");
        bool is_default = strcmp(command, DEFAULT_BUILD) == 0;
        const char *why = !*command                       ? "no build command"
                          : is_default && !b->has_package ? "no package.json"
                          : is_default && !b->has_build   ? "package.json has no build script"
                                                          : NULL;
        if (why) {
                say("note %s; skipped", why);
                return BUILD_OK;
        }
        auto_call(environment_free_cleanup) Environment *e = NULL;
        int r = build_environment(b, true, &e);
        if (r < 0)
                return r;
        bring_next_cache(b);
        r = build_command(b, b->app_path.s, command, e);
        keep_next_cache(b);
        return r;
}
