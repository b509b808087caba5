/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* On trees of files as the kernel shows them, in each layout. The kernel's own is tests/system/test_statistics.py. */
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
#include "system/slot_usage.h"

#define ID "abc0123456zz"
#define SLICES "/nanoscale.slice/nanoscale-apps.slice/nanoscale-" ID "@a.service"

static char root[64];

static int set_up(void **state) {
        (void) state;
        (void) snprintf(root, sizeof(root), "/tmp/ns-usage-XXXXXX");
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

static SlotUsage *open_it(void) {
        SlotUsage *u = NULL;
        char own[128];

        (void) snprintf(own, sizeof(own), "%s/own", root);
        assert_int_equal(slot_usage_new(root, own, &u), 0);
        return u;
}

static void expect(SlotUsage *u, uint64_t cpu_us, uint64_t anon) {
        SlotReading reading = { 1, 1 };

        assert_int_equal(slot_usage_read(u, ID, "a", &reading), 0);
        assert_int_equal(reading.cpu_us, cpu_us);
        assert_int_equal(reading.anon, anon);
}

static void once(uint64_t cpu_us, uint64_t anon) {
        SlotUsage *u = open_it();

        expect(u, cpu_us, anon);
        expect(u, cpu_us, anon); /* as it was found */
        slot_usage_free(u);
}

static void version_2(void **state) {
        (void) state;
        put(SLICES "/memory.stat", "anon 8675309\nfile 4096\nkernel 1\nanon_thp 3\n");
        put(SLICES "/cpu.stat", "usage_usec 12345678901\nuser_usec 5\nsystem_usec 6\n");
        once(UINT64_C(12345678901), 8675309);
}

static void version_1(void **state) {
        (void) state;
        put("/memory" SLICES "/memory.stat", "cache 5\nrss 106496\nrss_huge 9\n");
        put("/cpu,cpuacct" SLICES "/cpuacct.usage", "5000999\n");
        once(5000, 106496);
}

/* As in a container: memory in v1, the time of processors in v2, and what is above differs. */
static void both_below_other_cgroups(void **state) {
        (void) state;
        put("/own", "1:name=systemd:/x/y/system.slice/nanoscale-agent.service\n4:memory:/n1/system.slice/nanoscale-agent.service\n"
                    "0::/n1/payload/system.slice/nanoscale-agent.service\n");
        put("/memory/n1" SLICES "/memory.stat", "cache 1\nrss 4096\n");
        put("/unified/n1/payload" SLICES "/cpu.stat", "usage_usec 17\n");
        once(17, 4096);
}

static void one_that_stops_and_comes_back(void **state) {
        SlotUsage *u = open_it();
        SlotReading reading = { 1, 1 };
        char path[512];

        (void) state;
        assert_int_equal(slot_usage_read(u, ID, "a", &reading), -ENOENT);
        put(SLICES "/memory.stat", "anon 1\n");
        put(SLICES "/cpu.stat", "usage_usec 2\n");
        expect(u, 2, 1);
        assert_int_equal(slot_usage_read(u, ID, "b", &reading), -ENOENT);
        (void) snprintf(path, sizeof(path), "%s" SLICES "/memory.stat", root);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(slot_usage_read(u, ID, "a", &reading), -ENOENT);
        put(SLICES "/memory.stat", "anon 3\n");
        expect(u, 2, 3);
        put(SLICES "/memory.stat", "what\n");
        assert_int_equal(slot_usage_read(u, ID, "a", &reading), -EBADMSG);
        assert_int_equal(slot_usage_read(u, "../../..", "a", &reading), -EINVAL);
        assert_int_equal(slot_usage_read(u, ID, "c", &reading), -EINVAL);
        slot_usage_free(u);
}

static void numbers(void **state) {
        uint64_t n = 7;

        (void) state;
        assert_int_equal(parse_cgroup_number("a 1\nab 2\n", "ab", &n), 0);
        assert_int_equal(n, 2);
        assert_int_equal(parse_cgroup_number("18446744073709551615", NULL, &n), 0);
        assert_true(n == UINT64_MAX);
        n = 7;
        assert_int_equal(parse_cgroup_number("18446744073709551616", NULL, &n), -EBADMSG);
        assert_int_equal(parse_cgroup_number("max\n", NULL, &n), -EBADMSG);
        assert_int_equal(parse_cgroup_number("a -1\n", "a", &n), -EBADMSG);
        assert_int_equal(parse_cgroup_number("", "a", &n), -EBADMSG);
        assert_int_equal(n, 7);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(version_2, set_up, tear_down),
                cmocka_unit_test_setup_teardown(version_1, set_up, tear_down),
                cmocka_unit_test_setup_teardown(both_below_other_cgroups, set_up, tear_down),
                cmocka_unit_test_setup_teardown(one_that_stops_and_comes_back, set_up, tear_down),
                cmocka_unit_test(numbers),
        };

        return cmocka_run_group_tests_name("slot-usage", tests, NULL, NULL);
}
