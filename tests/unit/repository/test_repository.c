/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "deployment/repository_call.h"
#include "repository/answer.h"
#include "repository/request.h"

#define A "0123456789abcdef0123456789abcdef01234567"
#define B "89abcdef0123456789abcdef0123456789abcdef"

static Refs refs;
static Tree tree;

/* --- refs --- */

static void branches(void **state) {
        static const char text[] =
                        "ref: refs/heads/trunk\tHEAD\n" A "\tHEAD\n" B "\trefs/heads/dev\n" A "\trefs/heads/trunk\n" A "\trefs/tags/v1\n";
        (void) state;
        refs_parse(text, sizeof text - 1, "", &refs);
        assert_int_equal(refs.n, 2);
        assert_string_equal(refs.head, "trunk");
        assert_string_equal(refs.wanted.name, "trunk");
        assert_string_equal(refs.wanted.commit, A);
        refs_parse(text, sizeof text - 1, "dev", &refs);
        assert_string_equal(refs.wanted.commit, B);
        refs_parse(text, sizeof text - 1, "absent", &refs);
        assert_string_equal(refs.wanted.name, "");
}

static void hostile_refs(void **state) {
        static const char text[] =
                        "ref: refs/heads/--upload-pack=x\tHEAD\n" A "\trefs/heads/-x\n" A "\trefs/heads/a..b\n" A " refs/heads/space\n"
                        "xyz\trefs/heads/short\n" A "\trefs/heads/nul\0x\n" A "\trefs/heads/\n\n\n" A "\trefs/heads/cut-off";
        (void) state;
        refs_parse(text, sizeof text - 1, "", &refs);
        assert_int_equal(refs.n, 0);
        assert_string_equal(refs.head, "");
        assert_string_equal(refs.wanted.name, "");
}

static void many_refs(void **state) {
        auto_free char *text = malloc(100000);
        size_t n = 0;
        (void) state;
        assert_non_null(text);
        for (int i = 0; i < 500; i++)
                n += (size_t) snprintf(text + n, 100000 - n, "%s\trefs/heads/b%d\n", A, i);
        refs_parse(text, n, "b499", &refs);
        assert_int_equal(refs.n, REFS_MAX);
        assert_true(refs.has_more);
        assert_string_equal(refs.wanted.name, "b499");
}

/* --- files --- */

#define FILE_(object, path) "100644 blob " object "\t" path "\0"

static void one_app(void **state) {
        static const char text[] =
                        FILE_(A, "README.md") FILE_(B, "package.json") FILE_(A, "yarn.lock") FILE_(A, "bun.lock") FILE_(A, "index.html");
        (void) state;
        tree_parse(text, sizeof text - 1, "", &tree);
        assert_true(tree.has_root && tree.has_page);
        assert_string_equal(tree.package, B);
        assert_int_equal(tree.lock, LOCK_BUN);
        assert_int_equal(tree.n_apps, 1);
        assert_string_equal(tree.apps[0], "");
}

static void monorepo(void **state) {
        static const char text[] = FILE_(A, "bun.lock") FILE_(A, "package.json") FILE_(B, "apps/web/package.json")
                        FILE_(A, "apps/web/index.html") FILE_(A, "apps/api/package.json") FILE_(A, "apps/api/package-lock.json")
                                        FILE_(A, "a/b/c/d/package.json") FILE_(A, "node_modules/x/package.json")
                                                        FILE_(A, "apps/webshop/yarn.lock");
        (void) state;
        tree_parse(text, sizeof text - 1, "apps/web", &tree);
        assert_string_equal(tree.package, B);
        assert_int_equal(tree.lock, LOCK_BUN);
        assert_int_equal(tree.n_apps, 3);
        assert_true(tree.has_page);
        tree_parse(text, sizeof text - 1, "apps/api", &tree);
        assert_int_equal(tree.lock, LOCK_NPM);
        tree_parse(text, sizeof text - 1, "apps/we", &tree);
        assert_false(tree.has_root);
        tree_parse(text, sizeof text - 1, "apps", &tree);
        assert_true(tree.has_root);
        assert_string_equal(tree.package, "");
}

static void hostile_tree(void **state) {
        static const char text[] = "120000 blob " A "\tpackage.json\0"
                                   "160000 commit " A "\tbun.lock\0"
                                   "100644 blob " A " package.json\0"
                                   "100644 blob xyz\tpackage.json\0\0" FILE_(A, "../package.json")
                                                   FILE_(A, "-x/package.json") "100644 blob " A "\tpackage.json";
        char longer[600];
        (void) state;
        tree_parse(text, sizeof text - 1, "", &tree);
        assert_string_equal(tree.package, "");
        assert_int_equal(tree.lock, LOCK_NONE);
        assert_int_equal(tree.n_apps, 0);
        (void) snprintf(longer, sizeof longer, "100644 blob %s\t%0500d/package.json", A, 0);
        tree_parse(longer, strlen(longer) + 1, "", &tree);
        assert_int_equal(tree.n_apps, 0);
}

/* --- what is said --- */

static Fields *said(const char *package, LockKind lock) {
        FieldWriter w = { 0 };
        auto_free char *text = NULL;
        size_t length = 0;
        Fields *f = NULL;
        tree = (Tree){ .lock = lock, .n_apps = 1, .has_page = true };
        answer_app(&w, &tree, package, package ? strlen(package) : 0);
        assert_int_equal(fields_finish(&w, &text, &length), 0);
        assert_int_equal(repository_answer_parse(text, length, &f), 0);
        return f;
}

static void frameworks(void **state) {
        static const struct {
                const char *package;
                LockKind lock;
                const char *framework, *version, *install, *build, *start;
        } cases[] = {
                { "{\"dependencies\":{\"next\":\"^15.1.0\"},\"scripts\":{\"build\":\"next build\",\"start\":\"next start\"}}", LOCK_BUN,
                  "nextjs", "^15.1.0", "bun install --frozen-lockfile", "bun run build", "bun run start" },
                { "{\"devDependencies\":{\"vite\":\"7\"},\"scripts\":{\"build\":\"vite build\"}}", LOCK_NPM, "vite", "7",
                  "npm ci --no-audit --no-fund", "bun run build", NULL },
                { "{\"dependencies\":{\"astro\":\"5\",\"vite\":\"7\"}}", LOCK_OTHER, "astro", "5", "bun install", NULL, NULL },
                { "{\"scripts\":{\"start\":\"node server.js\"}}", LOCK_NONE, "node", NULL, NULL, NULL, "bun run start" },
                { "{\"scripts\":{\"start\":\"bun server.ts\"}}", LOCK_NONE, "bun", NULL, NULL, NULL, "bun run start" },
                { "{\"dependencies\":{\"next\":\"\\u0031\"}}", LOCK_NONE, "nextjs", NULL, "bun install", NULL, NULL },
                { NULL, LOCK_NONE, "static", NULL, NULL, NULL, NULL },
        };
        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                auto_call(fields_free_cleanup) Fields *f = said(cases[i].package, cases[i].lock);
                const char *const pairs[][2] = { { "framework", cases[i].framework },
                                                 { "framework_version", cases[i].version },
                                                 { "install", cases[i].install },
                                                 { "build", cases[i].build },
                                                 { "start", cases[i].start } };
                for (size_t k = 0; k < ELEMENTS(pairs); k++)
                        if (pairs[k][1])
                                assert_string_equal(fields_get(f, pairs[k][0]), pairs[k][1]);
                        else
                                assert_null(fields_get(f, pairs[k][0]));
        }
}

static void commits(void **state) {
        FieldWriter w = { 0 };
        auto_free char *text = NULL;
        auto_call(fields_free_cleanup) Fields *f = NULL;
        size_t length = 0;
        (void) state;
        answer_commit(&w, A, "Ada \x1b[31m\nfix: a\ttab\nmore");
        assert_int_equal(fields_finish(&w, &text, &length), 0);
        assert_int_equal(repository_answer_parse(text, length, &f), 0);
        assert_string_equal(fields_get(f, "author"), "Ada ?[31m");
        assert_string_equal(fields_get(f, "subject"), "fix: a?tab");
}

static void requests(void **state) {
        static const struct {
                const char *text;
                int result;
        } cases[] = {
                { "repo https://git.test/a.git\nend\n", 0 },
                { "repo https://git.test/a.git\nbranch main\nroot apps/web\nresolve git.test:443:10.0.0.2,[::1]\nca /etc/ca.pem\nend\n",
                  0 },
                { "repo http://git.test/a.git\nend\n", -EBADMSG },
                { "repo https://u:p@git.test/a.git\nend\n", -EBADMSG },
                { "repo https://git.test/a.git\nbranch --upload-pack=x\nend\n", -EBADMSG },
                { "repo https://git.test/a.git\nroot ../x\nend\n", -EBADMSG },
                { "repo https://git.test/a.git\nresolve a b\nend\n", -EBADMSG },
                { "repo https://git.test/a.git\nca ca.pem\nend\n", -EBADMSG },
                { "repo https://git.test/a.git\nrepo https://git.test/b.git\nend\n", -EBADMSG },
                { "branch main\nend\n", -EBADMSG },
                { "repo https://git.test/a.git\n", -EBADMSG },
        };
        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                auto_call(fields_free_cleanup) Fields *f = NULL;
                const char *sentence = NULL;
                assert_int_equal(repository_request_parse(cases[i].text, strlen(cases[i].text), &f, &sentence), cases[i].result);
                assert_true(cases[i].result == 0 ? f != NULL : sentence != NULL);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(branches),   cmocka_unit_test(hostile_refs), cmocka_unit_test(many_refs),
                cmocka_unit_test(one_app),    cmocka_unit_test(monorepo),     cmocka_unit_test(hostile_tree),
                cmocka_unit_test(frameworks), cmocka_unit_test(commits),      cmocka_unit_test(requests),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
