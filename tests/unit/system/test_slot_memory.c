/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* On trees of files as the kernel shows them, in each layout. The kernel's own is tests/system/test_slots.py. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "system/slot_memory_internal.h"

#define ID "abc0123456zz"
#define SLICES "/nanoscale.slice/nanoscale-apps.slice/nanoscale-" ID "@a.service"

static char root[64];

static int set_up(void **state) {
        (void) state;
        (void) snprintf(root, sizeof(root), "/tmp/ns-memory-XXXXXX");
        return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state) {
        char *const command[] = { (char[]){ "rm" }, (char[]){ "-r" }, root, NULL };
        pid_t pid = fork();
        int status;

        (void) state;
        if (pid == 0) {
                (void) execvp(command[0], command);
                _exit(1);
        }
        return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

static void put(const char *name, const char *text) {
        char path[512];
        FILE *f;

        assert_true((size_t) snprintf(path, sizeof(path), "%s%s", root, name) < sizeof(path));
        for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')); at++) {
                *at = '\0';
                assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
                *at = '/';
        }
        f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static int ask(uint64_t *ret_anon, uint64_t *ret_swap) {
        char own[128];

        (void) snprintf(own, sizeof(own), "%s/own", root);
        return slot_memory_in(root, own, ID, "a", ret_anon, ret_swap);
}

static void expect(uint64_t anon, uint64_t swap) {
        uint64_t a = 1, s = 1;

        assert_int_equal(ask(&a, &s), 0);
        assert_int_equal(a, anon);
        assert_int_equal(s, swap);
}

static void version_2(void **state) {
        (void) state;
        put(SLICES "/memory.stat", "anon 8675309\nfile 4096\nkernel 1\nanon_thp 3\n");
        put(SLICES "/memory.swap.current", "5000000000\n");
        expect(8675309, UINT64_C(5000000000));
}

static void version_2_that_counts_no_swap(void **state) {
        (void) state;
        put(SLICES "/memory.stat", "inactive_anon 7\nanon_thp 3\nanon 12\n");
        expect(12, 0);
}

/* As in a container of this kernel: the same cgroup in all hierarchies, and memory counted in one of them. */
static void version_1(void **state) {
        (void) state;
        put("/unified" SLICES "/cgroup.procs", "1\n");
        put("/memory" SLICES "/memory.stat", "cache 5\nrss 106496\nrss_huge 9\nswap 2048\ntotal_rss 77\ntotal_swap 78\n");
        expect(106496, 2048);
}

static void version_1_that_counts_no_swap(void **state) {
        (void) state;
        put("/memory" SLICES "/memory.stat", "cache 5\nrss 106496\n");
        expect(106496, 0);
}

static void below_another_cgroup(void **state) {
        (void) state;
        put("/own", "1:name=systemd:/x/y/system.slice/nanoscale-agent.service\n4:memory:/lxc/n1/system.slice/nanoscale-agent.service\n"
                    "0::/lxc/wrong/init.scope\n");
        put("/memory/lxc/n1" SLICES "/memory.stat", "rss 11\nswap 12\n");
        expect(11, 12);
        put("/own", "0::/machine.slice/n2/system.slice/nanoscale-agent.service\n");
        put("/machine.slice/n2" SLICES "/memory.stat", "anon 13\n");
        put("/machine.slice/n2" SLICES "/memory.swap.current", "14\n");
        expect(13, 14);
}

static void no_such_cgroup(void **state) {
        static const char *const own[] = { "", "\n", ":", "::", "0::", "0::/system.slice", "0::/system.slice/a.service\n", "0:memory\n" };
        uint64_t a, s;

        (void) state;
        assert_int_equal(ask(&a, &s), -ENOENT);
        for (size_t i = 0; i < ELEMENTS(own); i++) {
                put("/own", own[i]);
                assert_int_equal(ask(&a, &s), -ENOENT);
        }
        assert_int_equal(slot_memory(ID, "a", &a, &s), -ENOENT);
        assert_int_equal(slot_memory("../../..", "a", &a, &s), -EINVAL);
        assert_int_equal(slot_memory(ID, "/", &a, &s), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(version_2, set_up, tear_down),
                cmocka_unit_test_setup_teardown(version_2_that_counts_no_swap, set_up, tear_down),
                cmocka_unit_test_setup_teardown(version_1, set_up, tear_down),
                cmocka_unit_test_setup_teardown(version_1_that_counts_no_swap, set_up, tear_down),
                cmocka_unit_test_setup_teardown(below_another_cgroup, set_up, tear_down),
                cmocka_unit_test_setup_teardown(no_such_cgroup, set_up, tear_down),
        };

        return cmocka_run_group_tests_name("slot-memory", tests, NULL, NULL);
}
