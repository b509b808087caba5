/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "build.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "build_internal.h"
#include "cgroup.h"
#include "program.h"
#include "say.h"
#include "security/command.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".building"

static const struct {
        const char *name;
        int (*act)(Build *b);
} steps[] = {
        { "fetch", step_fetch },
        { "install", step_install },
        { "build", step_build },
        { "release", step_release },
};

static void build_drop(Build *b) {
        (void) output_free(b->output);
        (void) secrets_free(b->secrets);
        (void) environment_free(b->inherited);
        (void) watch_free(b->watch);
        (void) spec_free(b->spec);
        cleanup_close(&b->home);
        cleanup_close(&b->source);
        cleanup_close(&b->cache);
}

int build_fail(Build *b, const char *format, ...) {
        char sentence[sizeof b->failure - 16];
        va_list list;
        va_start(list, format);
        (void) vsnprintf(sentence, sizeof sentence, format, list);
        va_end(list);
        (void) snprintf(b->failure, sizeof b->failure, "error %s", sentence);
        return BUILD_FAILED;
}

static void on_output(void *owner, const char *data, size_t length) {
        output_feed(owner, data, length);
}

static void on_line(void *owner, const char *line) {
        (void) owner;
        say("out %s", line);
}

/* Says how a child ended; an end by the out-of-memory killer shows in the cgroup's counter, whichever of its processes was hit. */
static int judge(Build *b, const ChildEnd *end, const CgroupMemory *before) {
        CgroupMemory after;
        if (end->outcome == CHILD_STOPPED)
                (void) snprintf(b->failure, sizeof b->failure, "signal TERM");
        else if (end->outcome == CHILD_EXITED && end->code == 0)
                return BUILD_OK;
        else if (cgroup_memory("", &after) && after.oom_kills > before->oom_kills)
                (void) snprintf(b->failure, sizeof b->failure, "oom %lu", after.limit_mib);
        else if (end->outcome == CHILD_EXITED)
                (void) snprintf(b->failure, sizeof b->failure, "exit %d", end->code);
        else {
                const char *name = sigabbrev_np(end->code);
                if (name)
                        (void) snprintf(b->failure, sizeof b->failure, "signal %s", name);
                else
                        (void) snprintf(b->failure, sizeof b->failure, "signal %d", end->code);
        }
        return BUILD_FAILED;
}

int build_run(Build *b, const char *directory, char *const *argv, Environment *environment, char *answer, size_t answer_size,
              int *ret_code) {
        Path program;
        auto_close int at = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (at < 0)
                return -errno;
        if (ret_code)
                *ret_code = -1;
        int r = program_find(at, argv[0], environment_get(environment, "PATH"), &program);
        if (r == -ENOENT || r == -EACCES)
                return build_fail(b, "%s: %s", argv[0], r == -ENOENT ? "no such program on this server" : "may not be executed");
        if (r < 0)
                return r;
        ChildSpec spec = {
                .program = program.s,
                .argv = argv,
                .environment = environment_list(environment),
                .directory = directory,
                .on_output = on_output,
                .owner = b->output,
                .answer = answer,
                .answer_size = answer_size,
        };
        if (!spec.environment)
                return -ENOMEM;
        CgroupMemory before;
        ChildEnd end;
        (void) cgroup_memory("", &before);
        if (watch_stopped(b->watch)) {
                (void) snprintf(b->failure, sizeof b->failure, "signal TERM");
                return BUILD_FAILED;
        }
        r = child_run(b->watch, &spec, &end);
        output_finish(b->output);
        if (r < 0)
                return r;
        if (ret_code && end.outcome == CHILD_EXITED)
                *ret_code = end.code;
        return judge(b, &end, &before);
}

int build_command(Build *b, const char *directory, const char *command, Environment *environment) {
        auto_free char **argv = NULL;
        int r = command_split(command, &argv, NULL);
        if (r < 0)
                return r;
        if (r != COMMAND_OK)
                return build_fail(b, "%s: %s", command, command_explain(r));
        say("note $ %s", command);
        return build_run(b, directory, argv, environment, NULL, 0, NULL);
}

int build_environment(const Build *b, bool production, Environment **ret_environment) {
        static const struct {
                const char *key, *below;
        } caches[] = {
                { "HOME", "home" },
                { "BUN_INSTALL_CACHE_DIR", "bun" },
                { "npm_config_cache", "npm" },
                { "npm_config_store_dir", "pnpm" },
                { "YARN_CACHE_FOLDER", "yarn" },
        };
        Path bin;
        int r = path_format(&bin, "%s/node_modules/.bin", b->app_path.s);
        if (r < 0)
                return r;
        auto_call(environment_free_cleanup) Environment *e = environment_new(environment_list(b->inherited));
        if (!e)
                return -ENOMEM;
        environment_set_path(e, b->place, spec_get(b->spec, "node"), spec_get(b->spec, "bun"), bin.s);
        for (size_t i = 0; i < ELEMENTS(caches); i++)
                environment_set(e, caches[i].key, "%s/%s", b->cache_path.s, caches[i].below);
        if (spec_is_set(b->spec, "registry")) {
                environment_set(e, "npm_config_registry", "%s", spec_get(b->spec, "registry"));
                environment_set(e, "BUN_CONFIG_REGISTRY", "%s", spec_get(b->spec, "registry"));
        }
        if (spec_is_set(b->spec, "ca"))
                environment_default(e, "NODE_EXTRA_CA_CERTS", spec_get(b->spec, "ca"));
        environment_default(e, "NEXT_TELEMETRY_DISABLED", "1");
        environment_default(e, "CI", "1");
        environment_set(e, "npm_config_update_notifier", "false");
        /* With NODE_ENV=production an install leaves out what the build needs. */
        if (production)
                environment_default(e, "NODE_ENV", "production");
        else
                environment_unset(e, "NODE_ENV");
        *ret_environment = handover(e);
        return 0;
}

/* Leftovers of a build that a power cut or a kill ended. There is one build at a time per project. */
static int clear_leftovers(const Build *b) {
        int fd = openat(b->source, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        auto_closedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        if (!dir) {
                int r = -errno;
                cleanup_close(&fd);
                return r;
        }
        for (struct dirent *d; (d = readdir(dir));) {
                size_t n = strlen(d->d_name), m = strlen(SUFFIX);
                if (n > m && strcmp(d->d_name + n - m, SUFFIX) == 0) {
                        int r = fs_remove_tree(b->source, d->d_name);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

static int open_directory(int at, const char *name) {
        if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
                return -errno;
        int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        return fd < 0 ? -errno : fd;
}

static int prepare(Build *b) {
        const char *root = spec_get(b->spec, "root");
        (void) snprintf(b->release_name, sizeof b->release_name, "%s", spec_get(b->spec, "release"));
        (void) snprintf(b->work_name, sizeof b->work_name, "%s" SUFFIX, b->release_name);
        if (path_format(&b->home_path, "%s/sites/%s", b->place->root, b->id) < 0 ||
            path_format(&b->cache_path, "%s/cache", b->home_path.s) < 0 ||
            path_format(&b->work_path, "%s/source/%s", b->home_path.s, b->work_name) < 0 ||
            path_format(&b->app_path, "%s%s%s", b->work_path.s, *root ? "/" : "", root) < 0)
                return -ENAMETOOLONG;
        b->home = open(b->home_path.s, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (b->home < 0)
                return -errno;
        b->source = open_directory(b->home, "source");
        b->cache = open_directory(b->home, "cache");
        if (b->source < 0 || b->cache < 0)
                return b->source < 0 ? b->source : b->cache;
        auto_close int home = open_directory(b->cache, "home");
        if (home < 0)
                return home;
        int r = clear_leftovers(b);
        if (r < 0)
                return r;
        struct stat st;
        if (fstatat(b->source, b->release_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
                return build_fail(b, "release %s is there already", b->release_name);
        return BUILD_OK;
}

static int set_up(Build *b) {
        /* Not dumpable: what the build starts runs as the same user, and must not reach our output or environment through /proc. */
        if (prctl(PR_SET_DUMPABLE, 0) < 0)
                return -errno;
        (void) signal(SIGPIPE, SIG_IGN);
        int r = watch_new(&b->watch);
        if (r == 0)
                r = secrets_new(environ, &b->secrets);
        if (r == 0)
                r = output_new(b->secrets, on_line, NULL, &b->output);
        if (r < 0)
                return r;
        b->inherited = environment_new(environ);
        if (!b->inherited)
                return -ENOMEM;
        static const char *const ours[] = { "LD_PRELOAD", "PORT", "JOURNAL_STREAM", "INVOCATION_ID", "NOTIFY_SOCKET", "MAINPID" };
        static const char *const ours_prefixes[] = { "NANOSCALE_", "LISTEN_", "GIT_", "SYSTEMD_" };
        for (size_t i = 0; i < ELEMENTS(ours); i++)
                environment_unset(b->inherited, ours[i]);
        for (size_t i = 0; i < ELEMENTS(ours_prefixes); i++)
                environment_unset_prefix(b->inherited, ours_prefixes[i]);
        return environment_list(b->inherited) ? 0 : -ENOMEM;
}

static int run_step(Build *b, size_t i, int (*act)(Build *b)) {
        int r = act(b);
        if (r < 0)
                r = build_fail(b, "%s", strerror(-r));
        if (r == BUILD_OK && i + 1 < ELEMENTS(steps) && watch_stopped(b->watch)) {
                (void) snprintf(b->failure, sizeof b->failure, "signal TERM");
                r = BUILD_FAILED;
        }
        if (r == BUILD_OK)
                say("end %s ok", steps[i].name);
        else
                say("end %s %s", steps[i].name, b->failure);
        return r;
}

int build_release(const Place *place, const char *id) {
        auto_call(build_drop) Build b = { .place = place, .id = id, .home = -1, .source = -1, .cache = -1 };
        const char *why = "";
        int r = spec_read(place, id, "build", SPEC_BUILD, &b.spec, &why);
        if (r < 0) {
                (void) dprintf(STDERR_FILENO, "nanoscale-run: what to build: %s (%s)\n", *why ? why : "unreadable", strerror(-r));
                return 2;
        }
        say("deployment %s", spec_get(b.spec, "deployment"));
        for (size_t i = 0; i < ELEMENTS(steps); i++) {
                say("begin %s", steps[i].name);
                if (i == 0) {
                        r = set_up(&b);
                        if (r == 0)
                                r = prepare(&b);
                        if (r != 0) {
                                if (r < 0)
                                        (void) build_fail(&b, "%s", strerror(-r));
                                say("end %s %s", steps[i].name, b.failure);
                                return 1;
                        }
                }
                if (run_step(&b, i, steps[i].act) != BUILD_OK) {
                        (void) clear_leftovers(&b);
                        return 1;
                }
        }
        say("done");
        return 0;
}
