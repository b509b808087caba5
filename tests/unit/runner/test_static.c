/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Which builds are static sites, and what becomes of their files; whole releases are in test_build.py. */
#include "base/cleanup.h"
#include "base/fs.h"
#include "static.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SPEC "deployment d1d1d1d1d1d1\nrelease 1\nrepo https://git.test/x.git\nbranch main\nnode 22\nbun 1\ninstall x\nbuild x\nstart x\n"

static char root[] = "/tmp/nanoscale-static-XXXXXX";
static const Place here = { .root = root, .run = root };

static void put(const char *name, const char *text) {
        Path p;
        assert_int_equal(path_format(&p, "%s/%s", root, name), 0);
        for (char *slash = p.s + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
                *slash = '\0';
                assert_true(mkdir(p.s, 0700) == 0 || errno == EEXIST);
                *slash = '/';
        }
        auto_fclose FILE *f = fopen(p.s, "we");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
}

/* The content is the last part of the name. */
static void put_in_work(const char *name) {
        Path p;
        const char *slash = strrchr(name, '/');
        assert_int_equal(path_format(&p, "home/source/1.building/%s", name), 0);
        put(p.s, slash ? slash + 1 : name);
}

static bool is_there(const char *name) {
        Path p;
        struct stat st;
        assert_int_equal(path_format(&p, "%s/home/source/1.building/%s", root, name), 0);
        return lstat(p.s, &st) == 0;
}

/* A build that has come to step release, with these files (names, closed by NULL). */
static void begin(Build *b, const char *spec, const char *start, const char *const *files) {
        const char *why;
        Path p;
        auto_free char *text = NULL;
        auto_close int top = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        *b = (Build){ .place = &here, .has_package = true, .has_start = *start, .work_name = "1.building", .release_name = "1" };
        assert_true(top >= 0);
        assert_int_equal(fs_remove_tree(top, "home"), 0);
        (void) snprintf(b->start_script, sizeof b->start_script, "%s", start);
        assert_true(asprintf(&text, SPEC "%send\n", spec) > 0);
        put("specs/x/build", text);
        assert_int_equal(spec_read(&here, "x", "build", SPEC_BUILD, &b->spec, &why), 0);
        put_in_work("package.json");
        for (; *files; files++)
                put_in_work(*files);
        assert_int_equal(path_format(&b->home_path, "%s/home", root), 0);
        assert_int_equal(path_format(&b->app_path, "%s/home/source/1.building", root), 0);
        assert_int_equal(path_format(&p, "%s/home/source", root), 0);
        b->source = open(p.s, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(b->source >= 0);
}

static void end(Build *b) {
        (void) spec_free(b->spec);
        cleanup_close(&b->source);
}

#define FILES(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

static const struct {
        const char *start, *found;
        const char *files[4];
} finds[] = {
        { "", "out", { "out/index.html", "dist/index.html", "public/index.html" } },
        { "", "dist", { "dist/index.html", "build/index.html" } },
        { "", "build", { "build/index.html", ".output/public/index.html" } },
        { "", ".output/public", { ".output/public/index.html", "_site/index.html" } },
        { "", "_site", { "_site/index.html", "public/index.html" } },
        { "", "public", { "public/index.html" } },
        { "", "dist", { "out/page.html", "dist/index.html" } },
        { "", NULL, { "dist/server.js", "out/index.html/x" } },
        { "", NULL, { "index.html", "src/main.ts" } },
        { "node server.js", NULL, { "dist/index.html" } },
        { "serve dist", NULL, { "dist/index.html" } },
        { "vitest", NULL, { "dist/index.html" } },
        { "vite build && node server.js", NULL, { "dist/index.html" } },
        { "vite & node api.js", NULL, { "dist/index.html" } },
        { "vite", "dist", { "dist/index.html" } },
        { "vite preview --port 1", "dist", { "dist/index.html" } },
        { "astro dev", "dist", { "dist/index.html" } },
        { "react-scripts start", "build", { "build/index.html", "public/index.html" } },
        { "react-scripts start", NULL, { "src/index.js" } },
        /* an export of this very build, and one that was committed at some time */
        { "next start", "out", { ".next/BUILD_ID", "out/index.html", "out/_next/static/BUILD_ID/_buildManifest.js" } },
        { "next start -p 1", NULL, { ".next/BUILD_ID", "out/index.html", "out/_next/static/abc/_buildManifest.js" } },
        { "next start", NULL, { "out/index.html", "out/_next/static/abc/_buildManifest.js" } },
        { "next dev", NULL, { ".next/BUILD_ID", "out/index.html" } },
};

static void test_find(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(finds); i++) {
                Build b;
                const char *found = "unset";
                begin(&b, "", finds[i].start, finds[i].files);
                assert_int_equal(static_find(&b, &found), BUILD_OK);
                if (!finds[i].found)
                        assert_null(found);
                else {
                        assert_non_null(found);
                        assert_string_equal(found, finds[i].found);
                }
                end(&b);
        }
}

static const struct {
        const char *spec;
        int answer;
        const char *found, *files[3];
} wanted[] = {
        { "static web/app\n", BUILD_OK, "web/app", { "web/app/index.html", "dist/index.html" } },
        { "static web/app\n", BUILD_OK, "web/app", { "web/app/data.json" } },
        { "static .\n", BUILD_OK, ".", { "dist/index.html" } },
        { "static absent\n", BUILD_FAILED, NULL, { "dist/index.html" } },
        { "static package.json\n", BUILD_FAILED, NULL, { "dist/index.html" } },
};

/* The project's own word counts, whatever package.json would start. */
static void test_wanted(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(wanted); i++) {
                Build b;
                const char *found = NULL;
                begin(&b, wanted[i].spec, "node server.js", wanted[i].files);
                assert_int_equal(static_find(&b, &found), wanted[i].answer);
                if (wanted[i].found) {
                        assert_non_null(found);
                        assert_string_equal(found, wanted[i].found);
                }
                end(&b);
        }
}

static void test_link_is_no_place(void **state) {
        (void) state;
        Build b;
        const char *found;
        begin(&b, "static out\n", "", FILES("real/index.html"));
        assert_int_equal(symlinkat("1.building/real", b.source, "1.building/out"), 0);
        assert_int_equal(static_find(&b, &found), BUILD_FAILED);
        assert_non_null(strstr(b.failure, "out, the directory"));
        end(&b);
}

static void test_plain_pages(void **state) {
        (void) state;
        Build b;
        const char *found;
        begin(&b, "", "", FILES("index.html"));
        b.has_package = false;
        assert_int_equal(static_find(&b, &found), BUILD_OK);
        assert_non_null(found);
        assert_string_equal(found, ".");
        end(&b);
}

static const struct {
        bool fallback;
        const char *files[4];
} pages[] = {
        { true, { "dist/index.html", "dist/assets/a.js" } },
        { false, { "dist/index.html", "dist/404.html" } },
        { false, { "dist/index.html", "dist/about.html" } },
        { false, { "dist/index.html", "dist/docs/index.html" } },
        { false, { "dist/docs/index.html" } },
};

static void test_single_page_apps(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(pages); i++) {
                Build b;
                begin(&b, "", "", pages[i].files);
                assert_int_equal(static_use(&b, "dist"), BUILD_OK);
                assert_int_equal(is_there("static/200.html"), pages[i].fallback);
                assert_false(is_there("package.json"));
                end(&b);
        }
}

static void test_fallback_of_the_project(void **state) {
        (void) state;
        Build b;
        begin(&b, "", "", FILES("dist/index.html", "dist/200.html"));
        assert_int_equal(static_use(&b, "dist"), BUILD_OK);
        auto_free char *text = NULL;
        size_t length;
        auto_close int dir = fs_open_directory(b.source, "1.building/static");
        assert_true(dir >= 0);
        assert_int_equal(fs_read_file(dir, "200.html", 100, &text, &length), 0);
        assert_string_equal(text, "200.html");
        end(&b);
}

static void test_too_deep(void **state) {
        (void) state;
        Build b;
        char name[256] = "dist/";
        for (size_t i = 0; i < 100; i++)
                memcpy(name + 5 + 2 * i, "d/", 3);
        memcpy(name + strlen(name), "x", 2);
        begin(&b, "", "", FILES(name));
        assert_int_equal(static_use(&b, "dist"), BUILD_FAILED);
        assert_non_null(strstr(b.failure, "nested too deeply"));
        end(&b);
}

static int set_up(void **state) {
        (void) state;
        return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state) {
        (void) state;
        auto_close int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return tmp < 0 ? -1 : fs_remove_tree(tmp, strrchr(root, '/') + 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_find),        cmocka_unit_test(test_wanted),           cmocka_unit_test(test_link_is_no_place),
                cmocka_unit_test(test_plain_pages), cmocka_unit_test(test_single_page_apps), cmocka_unit_test(test_fallback_of_the_project),
                cmocka_unit_test(test_too_deep),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
