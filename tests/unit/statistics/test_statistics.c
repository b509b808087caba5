/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The sampler on a tree of files as the kernel shows cgroups, with a clock of ours. The kernel's own is tests/system/test_statistics.py. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "statistics/statistics_internal.h"

#define ID "abc0123456zz"
#define OTHER "zzz0123456zz"
#define START INT64_C(1764000000000)

static char root[64], directory[96], own[96];
static Loop *loop;
static Statistics *s;
static StatisticsProject list[2];
static size_t n_list;
static unsigned step; /* samples of ten seconds */

static void projects(void *owner, void (*each)(void *user, const StatisticsProject *p), void *user) {
        (void) owner;
        for (size_t i = 0; i < n_list; i++)
                each(user, &list[i]);
}

static void open_it(void) {
        const StatisticsConfig config = { .directory = directory, .disk = "/", .projects = projects };

        assert_int_equal(statistics_new_in(loop, &config, root, own, &s), 0);
}

static int set_up(void **state) {
        (void) state;
        (void) snprintf(root, sizeof(root), "/tmp/ns-statistics-XXXXXX");
        if (!mkdtemp(root))
                return -1;
        (void) snprintf(directory, sizeof(directory), "%s/data", root);
        (void) snprintf(own, sizeof(own), "%s/own", root);
        n_list = 1;
        list[0] = (StatisticsProject){ .id = ID, .slot = "a", .is_awake = true };
        list[1] = (StatisticsProject){ .id = OTHER, .slot = "a" };
        step = 1;
        open_it();
        return 0;
}

static int tear_down(void **state) {
        (void) state;
        s = statistics_free(s);
        return fs_remove_tree(AT_FDCWD, root);
}

static void put(const char *slot, const char *file, const char *text) {
        char path[512];
        FILE *f;

        assert_true((size_t) snprintf(path, sizeof(path), "%s/nanoscale.slice/nanoscale-apps.slice/nanoscale-" ID "@%s.service/%s", root,
                                      slot, file) < sizeof(path));
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

static void uses(const char *slot, uint64_t cpu_us, uint64_t anon) {
        char text[128];

        (void) snprintf(text, sizeof(text), "usage_usec %" PRIu64 "\nuser_usec 1\n", cpu_us);
        put(slot, "cpu.stat", text);
        (void) snprintf(text, sizeof(text), "anon %" PRIu64 "\nfile 9\n", anon);
        put(slot, "memory.stat", text);
}

static int64_t now_ms(void) {
        return START + step * INT64_C(10000);
}

static void sample(void) {
        step++;
        statistics_sample(s, now_ms(), step * UINT64_C(10000000));
}

static uint64_t read_one(const char *project, Range range, unsigned series, unsigned back) {
        uint64_t values[20];

        statistics_read(s, project, range, series, range_period(range, now_ms()), ELEMENTS(values), values);
        return values[ELEMENTS(values) - 1 - back];
}

static void processors_and_memory_of_a_project(void **state) {
        StatisticsProjectNow now;

        (void) state;
        uses("a", 5000000, 8 << 20);
        assert_false(statistics_project(s, ID, &now));
        sample();
        /* Nobody knows when it used these five seconds. */
        assert_true(read_one(ID, RANGE_HOUR, PROJECT_CPU, 0) == SAMPLE_UNKNOWN);
        assert_int_equal(read_one(ID, RANGE_HOUR, PROJECT_MEMORY, 0), 8 << 10);
        uses("a", 10000000, 16 << 20);
        sample();
        assert_int_equal(read_one(ID, RANGE_HOUR, PROJECT_CPU, 0), 500);
        assert_int_equal(read_one(ID, RANGE_HOUR, PROJECT_MEMORY, 0), 16 << 10);
        assert_true(statistics_project(s, ID, &now));
        assert_int_equal(now.values[PROJECT_CPU], 500);
        assert_int_equal(now.cpu_us, 10000000);
        /* A new release in the other slot: all that it used is new. */
        uses("b", 20000000, 4096);
        list[0].slot = "b";
        sample();
        assert_int_equal(read_one(ID, RANGE_HOUR, PROJECT_CPU, 0), 2000);
        /* Started anew in the same slot. */
        uses("b", 1000000, 4096);
        sample();
        assert_int_equal(read_one(ID, RANGE_HOUR, PROJECT_CPU, 0), 100);
        assert_true(statistics_project(s, ID, &now));
        assert_int_equal(now.cpu_us, 31000000);
        assert_int_equal(read_one(ID, RANGE_HOUR, PROJECT_CPU, 2), 500);
        /* A moment without an answer: what it used meanwhile is in the total, and not in the rate of ten seconds. */
        put("b", "cpu.stat", "");
        sample();
        assert_true(read_one(ID, RANGE_HOUR, PROJECT_MEMORY, 0) == SAMPLE_UNKNOWN);
        uses("b", 4000000, 4096);
        sample();
        assert_true(read_one(ID, RANGE_HOUR, PROJECT_CPU, 0) == SAMPLE_UNKNOWN);
        assert_int_equal(read_one(ID, RANGE_HOUR, PROJECT_MEMORY, 0), 4);
        assert_true(statistics_project(s, ID, &now));
        assert_int_equal(now.cpu_us, 34000000);
        /* Before it was ever measured. */
        assert_true(read_one(ID, RANGE_HOUR, PROJECT_CPU, 7) == SAMPLE_UNKNOWN);
}

static void asleep_is_zero_and_costs_no_file(void **state) {
        char path[256];

        (void) state;
        uses("a", 1000000, 8 << 20);
        sample();
        uses("a", 2000000, 8 << 20);
        sample();
        list[0].is_awake = false;
        uses("a", 9000000, 8 << 20); /* nobody looks */
        sample();
        sample();
        assert_int_equal(read_one(ID, RANGE_HOUR, PROJECT_CPU, 0), 0);
        assert_int_equal(read_one(ID, RANGE_HOUR, PROJECT_MEMORY, 0), 0);
        assert_int_equal(read_one(ID, RANGE_HOUR, PROJECT_CPU, 2), 100);
        /* The means go down meanwhile. */
        assert_in_range(read_one(ID, RANGE_DAY, PROJECT_MEMORY, 0), (8 << 10) / 2 - 2, (8 << 10) / 2 + 2);
        /* One that never was awake has no file. */
        n_list = 2;
        sample();
        (void) snprintf(path, sizeof(path), "%s/" OTHER, directory);
        assert_int_equal(access(path, F_OK), -1);
        assert_true(read_one(OTHER, RANGE_HOUR, PROJECT_CPU, 0) == SAMPLE_UNKNOWN);
}

static void a_stopped_agent_leaves_a_hole(void **state) {
        StatisticsNode node;
        StatisticsProjectNow now;

        (void) state;
        uses("a", 1000000, 8 << 20);
        sample();
        sample();
        s = statistics_free(s);
        step += 4;
        uses("a", 3000000, 8 << 20);
        open_it();
        assert_false(statistics_node(s, &node));
        sample();
        assert_true(statistics_node(s, &node));
        for (unsigned back = 1; back <= 4; back++) {
                assert_true(read_one(NULL, RANGE_HOUR, NODE_MEMORY, back) == SAMPLE_UNKNOWN);
                assert_true(read_one(ID, RANGE_HOUR, PROJECT_MEMORY, back) == SAMPLE_UNKNOWN);
        }
        assert_true(read_one(NULL, RANGE_HOUR, NODE_MEMORY, 5) < SAMPLE_UNKNOWN);
        assert_int_equal(read_one(ID, RANGE_HOUR, PROJECT_MEMORY, 5), 8 << 10);
        /* The total goes on; a rate over the hole there is not. */
        assert_true(read_one(ID, RANGE_HOUR, PROJECT_CPU, 0) == SAMPLE_UNKNOWN);
        assert_true(statistics_project(s, ID, &now));
        assert_int_equal(now.cpu_us, 3000000);
        /* Asleep now: its old samples are there all the same. */
        list[0].is_awake = false;
        s = statistics_free(s);
        open_it();
        sample();
        assert_true(statistics_project(s, ID, &now));
        assert_int_equal(now.cpu_us, 3000000);
        assert_int_equal(now.values[PROJECT_MEMORY], 0);
        assert_int_equal(read_one(ID, RANGE_HOUR, PROJECT_MEMORY, 0), 0);
        assert_int_equal(read_one(ID, RANGE_HOUR, PROJECT_MEMORY, 1), 8 << 10);
}

static void a_removed_project_leaves_no_file(void **state) {
        char path[256];

        (void) state;
        (void) snprintf(path, sizeof(path), "%s/" ID, directory);
        uses("a", 1, 1);
        sample();
        assert_int_equal(access(path, F_OK), 0);
        n_list = 0;
        sample();
        assert_int_equal(access(path, F_OK), -1);
        /* At once when that is told. */
        n_list = 1;
        sample();
        assert_int_equal(access(path, F_OK), 0);
        statistics_forget(s, "nobodynobody");
        assert_int_equal(access(path, F_OK), 0);
        statistics_forget(s, ID);
        assert_int_equal(access(path, F_OK), -1);
        n_list = 0;
        sample();
        assert_int_equal(access(path, F_OK), -1);
        /* Also when it was removed while no agent ran. */
        n_list = 1;
        sample();
        s = statistics_free(s);
        assert_int_equal(access(path, F_OK), 0);
        n_list = 0;
        open_it();
        sample();
        assert_int_equal(access(path, F_OK), -1);
}

static void the_node_itself(void **state) {
        StatisticsNode node;

        (void) state;
        assert_false(statistics_node(NULL, &node));
        sample();
        assert_true(read_one(NULL, RANGE_HOUR, NODE_CPU, 0) == SAMPLE_UNKNOWN);
        /* Until the kernel has counted some ticks of 10 ms. */
        for (volatile unsigned i = 0; i < 100000000; i++)
                ;
        sample();
        assert_true(statistics_node(s, &node));
        assert_true(node.values[NODE_CPU] > 0 && node.values[NODE_CPU] <= node.reading.processors * UINT64_C(1000));
        assert_true(node.values[NODE_MEMORY] > 0 && node.values[NODE_MEMORY] * 1024 < node.reading.memory.total);
        assert_true(node.values[NODE_DISK] > 0 && node.reading.disk_total > node.reading.disk_used);
        assert_true(node.values[NODE_LOAD] < SAMPLE_UNKNOWN && node.values[NODE_SENT] < SAMPLE_UNKNOWN);
        assert_true(node.reading.uptime_seconds > 0);
        assert_int_equal(read_one(NULL, RANGE_HOUR, NODE_CPU, 0), node.values[NODE_CPU]);
        /* At once again: no sample, as its rates would mean nothing. */
        statistics_sample(s, now_ms() + 1, step * UINT64_C(10000000) + 1);
        assert_int_equal(read_one(NULL, RANGE_HOUR, NODE_CPU, 0), node.values[NODE_CPU]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(processors_and_memory_of_a_project, set_up, tear_down),
                cmocka_unit_test_setup_teardown(asleep_is_zero_and_costs_no_file, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_stopped_agent_leaves_a_hole, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_removed_project_leaves_no_file, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_node_itself, set_up, tear_down),
        };

        if (loop_new(&loop) < 0)
                return 1;
        return cmocka_run_group_tests_name("statistics", tests, NULL, NULL);
}
