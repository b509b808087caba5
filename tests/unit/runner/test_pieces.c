/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The runner's small parts that need no process: package.json, cgroups, the report, programs, environments. */
#include "base/cleanup.h"
#include "base/fs.h"
#include "cgroup.h"
#include "environment.h"
#include "package.h"
#include "program.h"
#include "report.h"

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

static char root[] = "/tmp/nanoscale-pieces-XXXXXX";

static int set_up(void **state) {
        (void) state;
        return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state) {
        (void) state;
        auto_close int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return tmp < 0 ? -1 : fs_remove_tree(tmp, strrchr(root, '/') + 1);
}

static void put(const char *name, const char *text, mode_t mode) {
        Path p;
        assert_int_equal(path_format(&p, "%s/%s", root, name), 0);
        for (char *slash = p.s + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
                *slash = '\0';
                assert_true(mkdir(p.s, 0755) == 0 || errno == EEXIST);
                *slash = '/';
        }
        auto_fclose FILE *f = fopen(p.s, "we");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(chmod(p.s, mode), 0);
}

static const struct {
        const char *text;
        bool work, build, start;
} packages[] = {
        { "{}", false, false, false },
        { " { \"name\" : \"x\" } ", false, false, false },
        { "{\"dependencies\":{}}", false, false, false },
        { "{\"dependencies\": { \"a\": \"1\" }}", true, false, false },
        { "{\"devDependencies\":{\"a\":\"1\"},\"scripts\":{\"build\":\"x\"}}", true, true, false },
        { "{\"workspaces\":[]}", false, false, false },
        { "{\"workspaces\":[\"apps/*\"]}", true, false, false },
        { "{\"scripts\":{\"postinstall\":\"x\"}}", true, false, false },
        { "{\"scripts\":{\"start\":\"a \\\"b\\\" {\", \"x\": [1, {\"build\": 2}]}}", false, false, true },
        { "{\"scripts\":{\"test\":\"\\\"build\\\": \"}}", false, false, false },
        { "{\"nested\":{\"scripts\":{\"build\":\"x\"},\"dependencies\":{\"a\":1}}}", false, false, false },
        { "{\"scripts\":{\"build\":\"x\"},\"scripts\":{\"start\":\"x\"}}", false, false, true },
        { "{\"a\":-1.5e3,\"b\":null,\"c\":[true,false,[]],\"scripts\":{\"build\":\"x\"}}", false, true, false },
        /* what is not understood counts as there */
        { "", true, true, true },
        { "nonsense", true, true, true },
        { "[]", true, true, true },
        { "{\"a\":", true, true, true },
        { "{\"a\":\"unclosed", true, true, true },
        { "{\"a\":1", true, true, true },
        { "{a:1}", true, true, true },
};

static void test_packages(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(packages); i++) {
                /* An exact copy, so that a sanitizer sees a step beyond the end. */
                size_t length = strlen(packages[i].text);
                auto_free char *text = malloc(length ? length : 1);
                assert_non_null(text);
                memcpy(text, packages[i].text, length);
                Package p;
                package_look(text, length, &p);
                assert_int_equal(p.has_work, packages[i].work);
                assert_int_equal(p.has_build, packages[i].build);
                assert_int_equal(p.has_start, packages[i].start);
                for (size_t cut = 0; cut < length; cut++)
                        package_look(text, cut, &p);
        }
}

static void test_package_texts(void **state) {
        (void) state;
        static const struct {
                const char *text, *start, *name, *version;
                bool hooks;
        } cases[] = {
                { "{\"scripts\":{\"start\":\"next start -p 1\"}}", "next start -p 1", "", "", false },
                { "{\"name\":\"@a/b\",\"version\":\"1.0.0\",\"scripts\":{\"poststart\":\"x\"}}", "", "@a/b", "1.0.0", true },
                { "{\"name\": 1,\"version\":[\"1\"],\"scripts\":{\"start\": [\"x\"],\"prestart\":\"\"}}", "", "", "", true },
                { "{\"scripts\":{\"start\":\"a \\\"b\\\"\"}}", "", "", "", false },
                { "{\"name\":\"\u00e4\",\"scripts\":{\"start\":\"a\tb\"}}", "", "", "", false },
                { "{\"dependencies\":{\"name\":\"x\",\"version\":\"y\"}}", "", "", "", false },
        };
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                Package p;
                package_look(cases[i].text, strlen(cases[i].text), &p);
                assert_string_equal(p.start, cases[i].start);
                assert_string_equal(p.name, cases[i].name);
                assert_string_equal(p.version, cases[i].version);
                assert_int_equal(p.has_start_hooks, cases[i].hooks);
        }
        static char text[2000];
        Package p;
        for (size_t length = 120; length < 140; length++) {
                int n = snprintf(text, sizeof text, "{\"version\":\"%0*d\"}", (int) length, 1);
                assert_true(n > 0);
                package_look(text, (size_t) n, &p);
                assert_int_equal(strlen(p.version), length < sizeof p.version ? length : 0);
        }
}

static void test_deep_package(void **state) {
        (void) state;
        static char text[100000];
        Package p;
        memset(text, '[', sizeof text);
        memcpy(text, "{\"a\":", 5);
        package_look(text, sizeof text, &p);
        assert_true(p.has_work);
}

static void test_cgroup_v2(void **state) {
        (void) state;
        CgroupMemory m;
        put("v2/proc/self/cgroup", "0::/nanoscale.slice/app.service\n", 0644);
        put("v2/sys/fs/cgroup/nanoscale.slice/app.service/memory.events", "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n",
            0644);
        put("v2/sys/fs/cgroup/nanoscale.slice/app.service/memory.max", "536870912\n", 0644);
        Path p;
        (void) path_format(&p, "%s/v2", root);
        assert_true(cgroup_memory(p.s, &m));
        assert_int_equal(m.oom_kills, 2);
        assert_int_equal(m.limit_mib, 512);
        put("v2/sys/fs/cgroup/nanoscale.slice/app.service/memory.max", "max\n", 0644);
        assert_true(cgroup_memory(p.s, &m));
        assert_int_equal(m.limit_mib, 0);
}

static void test_cgroup_v1(void **state) {
        (void) state;
        CgroupMemory m;
        put("v1/proc/self/cgroup",
            "9:name=systemd:/lab/system.slice/app.service\n5:hugetlb,memory:/lab/system.slice/app.service\n1:cpu:/x\n0::/lab/system.slice/"
            "app.service\n",
            0644);
        /* Seen from inside the container, the mount begins at /lab. */
        put("v1/sys/fs/cgroup/memory/system.slice/app.service/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n", 0644);
        put("v1/sys/fs/cgroup/memory/system.slice/app.service/memory.limit_in_bytes", "62914560\n", 0644);
        Path p;
        (void) path_format(&p, "%s/v1", root);
        assert_true(cgroup_memory(p.s, &m));
        assert_int_equal(m.oom_kills, 7);
        assert_int_equal(m.limit_mib, 60);
        put("v1/sys/fs/cgroup/memory/system.slice/app.service/memory.limit_in_bytes", "9223372036854771712\n", 0644);
        assert_true(cgroup_memory(p.s, &m));
        assert_int_equal(m.limit_mib, 0);
}

static void test_cgroup_absent(void **state) {
        (void) state;
        CgroupMemory m;
        assert_false(cgroup_memory("/nonexistent", &m));
        put("none/proc/self/cgroup", "0::/\n", 0644);
        Path p;
        (void) path_format(&p, "%s/none", root);
        assert_false(cgroup_memory(p.s, &m));
}

static const struct {
        ReportFacts facts;
        CgroupMemory memory;
        const char *sentence;
} reports[] = {
        { { "success", "exited", "0" }, { 0, 512 }, "" },
        { { "success", "killed", "TERM" }, { 0, 512 }, "" },
        { { "success", "killed", "TERM" }, { 1, 512 }, "" },
        { { "exit-code", "exited", "143" }, { 0, 512 }, "" },
        { { "exit-code", "exited", "1" }, { 0, 512 }, "exited with code 1" },
        { { "exit-code", "exited", "127" }, { 0, 512 }, "exited with code 127" },
        { { "signal", "killed", "SEGV" }, { 0, 512 }, "killed by signal SEGV" },
        { { "core-dump", "dumped", "ABRT" }, { 0, 512 }, "killed by signal ABRT" },
        { { "signal", "killed", "KILL" }, { 0, 512 }, "killed by signal KILL" },
        { { "signal", "killed", "KILL" }, { 1, 512 }, "out of memory (limit 512 MiB)" },
        { { "oom-kill", "killed", "KILL" }, { 1, 512 }, "out of memory (limit 512 MiB)" },
        { { "oom-kill", "exited", "1" }, { 0, 0 }, "out of memory" },
        { { "timeout", "killed", "KILL" }, { 0, 512 }, "did not stop in time and was killed" },
        { { NULL, NULL, NULL }, { 0, 0 }, "" },
        { { "exit-code", "exited", "x\ny" }, { 0, 0 }, "" },
};

static void test_reports(void **state) {
        (void) state;
        char sentence[128];
        for (size_t i = 0; i < ELEMENTS(reports); i++) {
                report_sentence(&reports[i].facts, &reports[i].memory, sentence, sizeof sentence);
                assert_string_equal(sentence, reports[i].sentence);
        }
}

static void test_programs(void **state) {
        (void) state;
        Path path, found, want;
        put("one/tool", "#!/bin/true\n", 0755);
        put("two/tool", "#!/bin/true\n", 0755);
        put("two/other", "#!/bin/true\n", 0755);
        put("one/plain", "", 0644);
        put("one/directory/x", "", 0755);
        (void) path_format(&path, "relative::%s/one:%s/two", root, root);
        assert_int_equal(program_find(AT_FDCWD, "tool", path.s, &found), 0);
        (void) path_format(&want, "%s/one/tool", root);
        assert_string_equal(found.s, want.s);
        assert_int_equal(program_find(AT_FDCWD, "other", path.s, &found), 0);
        (void) path_format(&want, "%s/two/other", root);
        assert_string_equal(found.s, want.s);
        assert_int_equal(program_find(AT_FDCWD, "absent", path.s, &found), -ENOENT);
        assert_int_equal(program_find(AT_FDCWD, "plain", path.s, &found), -EACCES);
        assert_int_equal(program_find(AT_FDCWD, "directory", path.s, &found), -EACCES);
        assert_int_equal(program_find(AT_FDCWD, "tool", NULL, &found), -ENOENT);
        auto_close int at = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(program_find(at, "./one/tool", NULL, &found), 0);
        assert_string_equal(found.s, "./one/tool");
        assert_int_equal(program_find(at, "one/tool/x", NULL, &found), -ENOENT);
}

static void test_environment(void **state) {
        (void) state;
        char *const list[] = { (char *) (uintptr_t) "A=1", (char *) (uintptr_t) "AB=2", (char *) (uintptr_t) "X_1=a",
                               (char *) (uintptr_t) "X_2=b", NULL };
        auto_call(environment_free_cleanup) Environment *e = environment_new(list);
        assert_non_null(e);
        environment_set(e, "A", "%d", 7);
        environment_default(e, "AB", "no");
        environment_default(e, "C", "yes");
        environment_unset_prefix(e, "X_");
        assert_string_equal(environment_get(e, "A"), "7");
        assert_string_equal(environment_get(e, "AB"), "2");
        assert_string_equal(environment_get(e, "C"), "yes");
        assert_null(environment_get(e, "X_1"));
        char **all = environment_list(e);
        assert_string_equal(all[0], "AB=2");
        assert_string_equal(all[1], "A=7");
        assert_string_equal(all[2], "C=yes");
        assert_null(all[3]);
        for (int i = 0; i < 500; i++) {
                char key[16];
                (void) snprintf(key, sizeof key, "K%d", i);
                environment_set(e, key, "%d", i);
        }
        assert_string_equal(environment_get(e, "K499"), "499");
        const Place place = { "/r", "/run" };
        environment_set_path(e, &place, "22.1.0", "1.2.20", "/app/bin");
        assert_string_equal(environment_get(e, "PATH"), "/r/runtimes/node-22.1.0/bin:/r/runtimes/bun-1.2.20/bin:/app/bin:/usr/bin:/bin");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_packages),  cmocka_unit_test(test_package_texts), cmocka_unit_test(test_deep_package),
                cmocka_unit_test(test_cgroup_v2), cmocka_unit_test(test_cgroup_v1),     cmocka_unit_test(test_cgroup_absent),
                cmocka_unit_test(test_reports),   cmocka_unit_test(test_programs),      cmocka_unit_test(test_environment),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
