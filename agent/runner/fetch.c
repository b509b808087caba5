/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Step fetch: the wanted commit into source/{release}.building, by way of a bare repository in cache/git that makes the next fetch small.
 *
 * URL, branch and server are hostile; git.h says what git is held to. */
#include "build_internal.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/text.h"
#include "git.h"
#include "say.h"
#include "security/validate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        PACKS_MAX = 20, /* each fetch adds one; beyond this the cache starts over */
        NOT_FOUND = 2,  /* exit code of ls-remote --exit-code */
};

#define REF "refs/nanoscale/current"

/* Runs git in directory with these words. *ret_code has the exit code where it failed by one, else -1. */
static int git(Build *b, const char *directory, char *answer, size_t answer_size, int *ret_code, const char *const *words) {
        GitWords g;
        Path index;
        int r = git_words(&g, spec_get(b->spec, "ca"), spec_get(b->spec, "resolve"), words);
        if (r < 0)
                return r;
        auto_call(environment_free_cleanup) Environment *e = environment_new((char *const *) (uintptr_t) git_variables);
        if (!e || path_format(&index, "%s/git.index", b->cache_path.s) < 0)
                return -ENOMEM;
        environment_set(e, "GIT_INDEX_FILE", "%s", index.s);
        return build_run(b, directory, (char *const *) (uintptr_t) g.argv, e, answer, answer_size, ret_code);
}

#define GIT(b, directory, answer, size, ret_code, ...) \
        git((b), (directory), (answer), (size), (ret_code), (const char *const[]){ __VA_ARGS__, NULL })

/* The commit at the branch's tip. This talks to the server without touching the cache: what fails here is the network or the name. */
static int ask_tip(Build *b, char *ret_commit) {
        const char *branch = spec_get(b->spec, "branch");
        char answer[32768], wanted[300];
        int code = -1;
        (void) snprintf(wanted, sizeof wanted, "refs/heads/%s", branch);
        int r = GIT(b, b->home_path.s, answer, sizeof answer, &code, "ls-remote", "--exit-code", "--refs", "--", spec_get(b->spec, "repo"),
                    wanted);
        if (r == BUILD_FAILED && code == NOT_FOUND)
                return build_fail(b, "the repository has no branch %s", branch);
        if (r == BUILD_FAILED && code > 0)
                return build_fail(b,
                                  "the repository cannot be read (git ls-remote ended with code %d); is the URL right, and is it public?",
                                  code);
        if (r != BUILD_OK)
                return r;
        /* A pattern also matches the end of longer names. */
        for (char *line = answer, *next; line; line = next) {
                next = strchr(line, '\n');
                if (next)
                        *next++ = '\0';
                char *name = strchr(line, '\t');
                if (!name)
                        continue;
                *name++ = '\0';
                if (strcmp(name, wanted) == 0 && valid_commit(line)) {
                        memcpy(ret_commit, line, 41);
                        return BUILD_OK;
                }
        }
        return build_fail(b, "the repository has no branch %s", branch);
}

static size_t count_packs(int cache) {
        auto_close int fd = fs_open_directory(cache, "git/objects/pack");
        int readable = fd < 0 ? -1 : openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        auto_closedir DIR *dir = readable < 0 ? NULL : fdopendir(readable);
        size_t n = 0;
        if (!dir) {
                cleanup_close(&readable);
                return 0;
        }
        for (struct dirent *d; (d = readdir(dir));)
                n += strlen(d->d_name) > 5 && strcmp(d->d_name + strlen(d->d_name) - 5, ".pack") == 0;
        return n;
}

/* True in *ret_fresh when there is no history in it. */
static int prepare_cache(Build *b, bool start_over, bool *ret_fresh) {
        struct stat st;
        bool there = fstatat(b->cache, "git/HEAD", &st, AT_SYMLINK_NOFOLLOW) == 0;
        *ret_fresh = !there || start_over || count_packs(b->cache) > PACKS_MAX;
        if (!*ret_fresh)
                return BUILD_OK;
        int r = fs_remove_tree(b->cache, "git");
        return r < 0 ? r : GIT(b, b->cache_path.s, NULL, 0, NULL, "init", "-q", "--bare", "--template=", "--", "git");
}

static int fetch_commit(Build *b, const char *commit, bool exact) {
        Path cache, refspec, branch;
        bool fresh;
        int code = -1;
        const char *repo = spec_get(b->spec, "repo");
        if (path_format(&cache, "%s/git", b->cache_path.s) < 0 || path_format(&refspec, "+%s:" REF, commit) < 0 ||
            path_format(&branch, "+refs/heads/%s:" REF, spec_get(b->spec, "branch")) < 0)
                return -ENAMETOOLONG;
        for (int attempt = 0; attempt < 2; attempt++) {
                int r = prepare_cache(b, attempt > 0, &fresh);
                if (r == BUILD_OK)
                        r = GIT(b, cache.s, NULL, 0, &code, "fetch", "-q", "--depth", "1", "--no-tags", "--no-recurse-submodules",
                                "--no-write-fetch-head", "--", repo, refspec.s);
                if (r != BUILD_FAILED || watch_stopped(b->watch))
                        return r;
                if (fresh)
                        break;
                say("note the cached repository could not be used; fetching anew");
        }
        if (!exact)
                return build_fail(b, "git fetch ended with code %d", code);
        /* A server that does not give out single commits: go back from the branch's tip. */
        say("note the server does not give out single commits; looking for it in the branch");
        int r = GIT(b, cache.s, NULL, 0, &code, "fetch", "-q", "--depth", "500", "--no-tags", "--no-recurse-submodules",
                    "--no-write-fetch-head", "--", repo, branch.s);
        if (r == BUILD_OK) {
                Path object;
                (void) path_format(&object, "%s^{commit}", commit);
                r = GIT(b, cache.s, NULL, 0, &code, "cat-file", "-e", object.s);
        }
        return r == BUILD_FAILED && !watch_stopped(b->watch)
                               ? build_fail(b, "commit %s is not in branch %s", commit, spec_get(b->spec, "branch"))
                               : r;
}

static void say_author(void *owner, const char *line) {
        auto_free char *bare = text_without_styles(line);

        (void) owner;
        say("author %.256s", bare ? bare : "");
}

static void say_subject(void *owner, const char *line) {
        auto_free char *bare = text_without_styles(line);

        (void) owner;
        say("subject %.500s", bare ? bare : "");
}

/* What a commit says of itself is text of a stranger's, like all output. */
static int say_cleaned(const Build *b, const char *text, OutputLine line) {
        auto_call(output_free_cleanup) Output *o = NULL;
        int r = output_new(b->secrets, line, NULL, &o);
        if (r < 0)
                return r;
        size_t n = strcspn(text, "\r\n");
        output_feed(o, text, n < 240 ? n : 240);
        output_finish(o);
        return 0;
}

static int describe(Build *b, const char *cache, const char *commit) {
        char answer[16384];
        int r = GIT(b, cache, answer, sizeof answer, NULL, "log", "-1", "--no-show-signature", "--no-color", "--encoding=UTF-8",
                    "--format=%H%x00%an%x00%s", commit, "--");
        if (r != BUILD_OK)
                return r;
        const char *end = answer + sizeof answer, *author = answer + strlen(answer) + 1;
        if (author >= end || strncmp(answer, commit, 40) != 0)
                return build_fail(b, "git log gave no sensible answer");
        const char *subject = author + strlen(author) + 1;
        say("commit %s", commit);
        r = say_cleaned(b, author, say_author);
        return r == 0 && subject < end ? say_cleaned(b, subject, say_subject) : r;
}

static int check_out(Build *b, const char *cache, const char *commit) {
        Path tree;
        if (mkdirat(b->source, b->work_name, 0700) < 0)
                return -errno;
        if (path_format(&tree, "--work-tree=%s", b->work_path.s) < 0)
                return -ENAMETOOLONG;
        (void) fs_remove_file(b->cache, "git.index");
        (void) fs_remove_file(b->cache, "git.index.lock");
        int r = GIT(b, cache, NULL, 0, NULL, "--git-dir=.", tree.s, "read-tree", commit);
        if (r == BUILD_OK)
                r = GIT(b, cache, NULL, 0, NULL, "--git-dir=.", tree.s, "checkout-index", "-a", "-f", "-q");
        (void) fs_remove_file(b->cache, "git.index");
        return r;
}

static void remark(const Build *b) {
        Path file;
        char text[32768];
        if (path_format(&file, "%s/.gitmodules", b->work_path.s) == 0 && access(file.s, F_OK) == 0)
                say("note the repository has submodules; they are not fetched");
        if (path_format(&file, "%s/.gitattributes", b->work_path.s) < 0)
                return;
        auto_close int fd = open(file.s, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        if (n > 0) {
                text[n] = '\0';
                if (strstr(text, "filter=lfs"))
                        say("note the repository uses Git LFS; its files are not fetched, only the pointers to them");
        }
}

int step_fetch(Build *b) {
        char commit[41] = { 0 };
        const char *exact = spec_get(b->spec, "commit");
        Path cache;
        if (path_format(&cache, "%s/git", b->cache_path.s) < 0)
                return -ENAMETOOLONG;
        int r = BUILD_OK;
        if (*exact)
                memcpy(commit, exact, sizeof commit);
        else
                r = ask_tip(b, commit);
        if (r == BUILD_OK)
                r = fetch_commit(b, commit, *exact);
        if (r == BUILD_OK)
                r = describe(b, cache.s, commit);
        if (r == BUILD_OK)
                r = check_out(b, cache.s, commit);
        if (r != BUILD_OK)
                return r;
        remark(b);
        struct stat st;
        if (stat(b->app_path.s, &st) < 0 || !S_ISDIR(st.st_mode))
                return build_fail(b, "the repository has no directory %s", spec_get(b->spec, "root"));
        return BUILD_OK;
}
