/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "repository/check.h"

#include "base/cleanup.h"
#include "repository/answer.h"
#include "runner/child.h"
#include "runner/git.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFS_BYTES ((size_t) 1 << 20)
#define TREE_BYTES ((size_t) 4 << 20)
#define PACKAGE_BYTES ((size_t) 256 << 10)

typedef struct {
        const Fields *request;
        const char *directory;
        Watch *watch;
        FieldWriter *w;
        Refs refs;
        Tree tree;
} Check;

static const char *field(const Check *c, const char *key) {
        const char *value = fields_get(c->request, key);

        return value ? value : "";
}

/* git's own words: a server's among them. They go to the journal, not to who asked. */
static void to_journal(void *owner, const char *data, size_t length) {
        (void) owner;
        (void) fwrite(data, 1, length < 2000 ? length : 2000, stderr);
}

/* 0 when git did it; -ECANCELED when time is up, -EIO when it failed. answer has room for size bytes and gets a NUL behind what there is.
 */
static int git(const Check *c, char *answer, size_t size, size_t *ret_length, const char *const *words) {
        GitWords g;
        ChildEnd end = { 0 };
        int r = git_words(&g, field(c, "ca"), field(c, "resolve"), words);
        const ChildSpec spec = {
                .program = "/usr/bin/git",
                .argv = (char *const *) (uintptr_t) g.argv,
                .environment = (char *const *) (uintptr_t) git_variables,
                .directory = c->directory,
                .on_output = to_journal,
                .answer = answer,
                .answer_size = size,
                .ret_answer_length = ret_length,
        };

        if (r < 0)
                return r;
        r = child_run(c->watch, &spec, &end);
        if (r < 0)
                return r;
        if (end.outcome == CHILD_STOPPED || watch_stopped(c->watch))
                return -ECANCELED;
        return end.outcome == CHILD_EXITED && end.code == 0 ? 0 : -EIO;
}

#define GIT(c, answer, size, ret_length, ...) git((c), (answer), (size), (ret_length), (const char *const[]){ __VA_ARGS__, NULL })

static int look_at_branches(Check *c) {
        auto_free char *text = malloc(REFS_BYTES);
        size_t length = 0;
        int r;

        if (!text)
                return -ENOMEM;
        r = GIT(c, text, REFS_BYTES, &length, "ls-remote", "--symref", "--", field(c, "repo"), "HEAD", "refs/heads/*");
        if (r < 0)
                return r;
        refs_parse(text, length, field(c, "branch"), &c->refs);
        answer_refs(c->w, &c->refs);
        return 0;
}

/* Without blobs: what a server sends all the same is bounded by the size that a file may have here (LimitFSIZE). */
static int fetch(const Check *c) {
        char refspec[128], text[1024];
        size_t length = 0;
        int r;

        (void) snprintf(refspec, sizeof refspec, "+%s:refs/nanoscale/current", c->refs.wanted.commit);
        r = GIT(c, NULL, 0, NULL, "init", "-q", "--bare", "--template=", "--", ".");
        if (r == 0)
                r = GIT(c, NULL, 0, NULL, "-c", "fetch.unpackLimit=1", "fetch", "-q", "--depth", "1", "--filter=blob:none", "--no-tags",
                        "--no-recurse-submodules", "--no-write-fetch-head", "--", field(c, "repo"), refspec);
        if (r == 0)
                r = GIT(c, text, sizeof text, &length, "log", "-1", "--no-show-signature", "--format=%an%n%s", c->refs.wanted.commit, "--");
        if (r == 0)
                answer_commit(c->w, c->refs.wanted.commit, text);
        return r;
}

static int look_at_files(Check *c) {
        auto_free char *text = malloc(TREE_BYTES);
        size_t length = 0;
        int r;

        if (!text)
                return -ENOMEM;
        r = GIT(c, text, TREE_BYTES, &length, "ls-tree", "-r", "-z", "--full-tree", c->refs.wanted.commit);
        if (r < 0)
                return r;
        tree_parse(text, length, field(c, "root"), &c->tree);
        if (*c->tree.package) {
                /* git fetches it now. One byte more than is allowed tells a file that is too large. */
                r = GIT(c, text, PACKAGE_BYTES + 2, &length, "cat-file", "blob", c->tree.package);
                if (r == -ECANCELED)
                        return r;
        }
        answer_app(c->w, &c->tree, *c->tree.package && r == 0 && length <= PACKAGE_BYTES ? text : NULL, length);
        return 0;
}

static int check(Check *c) {
        int r = look_at_branches(c);

        if (r == -ECANCELED)
                fields_put(c->w, "error", "The repository's server did not answer in time.");
        else if (r < 0)
                fields_put(c->w, "error", "The repository cannot be read. Is the URL right, and is it public?");
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        if (*field(c, "branch") && !*c->refs.wanted.name) {
                fields_put(c->w, "error", "The repository has no such branch.");
                return 0;
        }
        if (!*c->refs.wanted.name)
                return 0;
        r = fetch(c);
        if (r == 0)
                r = look_at_files(c);
        if (r < 0)
                fields_put_number(c->w, "incomplete", 1);
        else if (*field(c, "root") && !c->tree.has_root)
                fields_put(c->w, "error", "The repository has no such directory.");
        return r == -ENOMEM ? r : 0;
}

int repository_check(const Fields *request, const char *directory, FieldWriter *w) {
        auto_free Check *c = calloc(1, sizeof *c);
        int r;

        if (!c)
                return -ENOMEM;
        *c = (Check){ .request = request, .directory = directory, .w = w };
        r = watch_new(&c->watch);
        if (r < 0)
                return r;
        r = check(c);
        c->watch = watch_free(c->watch);
        return r;
}
