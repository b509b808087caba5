/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "system/node_usage.h"

static void ticks_of_processors(void **state) {
        CpuTicks t = { .user = 77 };

        (void) state;
        assert_int_equal(parse_cpu_ticks("cpu  19852 2207 13325 27494 576 1 174 372 5 6\ncpu0 1 2 3 4\n", &t), 0);
        assert_int_equal(t.user, 19852);
        assert_int_equal(t.steal, 372);
        assert_int_equal(cpu_ticks_busy(&t), 19852 + 2207 + 13325 + 1 + 174);
        assert_int_equal(cpu_ticks_total(&t), cpu_ticks_busy(&t) + 27494 + 576 + 372);
        assert_int_equal(parse_cpu_ticks("cpu  1 2 3 4\n", &t), 0); /* Linux 2.4 */
        assert_int_equal(t.idle, 4);
        assert_int_equal(t.iowait, 0);
        t.user = 77;
        assert_int_equal(parse_cpu_ticks("", &t), -EBADMSG);
        assert_int_equal(parse_cpu_ticks("cpu", &t), -EBADMSG);
        assert_int_equal(parse_cpu_ticks("cpu  1 2 3\ncpu0 4 5 6", &t), -EBADMSG);
        assert_int_equal(parse_cpu_ticks("cpu0 1 2 3 4\n", &t), -EBADMSG);
        assert_int_equal(t.user, 77);
}

static void memory(void **state) {
        MemoryUsage m;

        (void) state;
        assert_int_equal(parse_memory_usage("MemTotal:       24684096 kB\nMemFree:   1 kB\nMemAvailable:   23872932 kB\nSwapTotal:  10 kB\n"
                                            "SwapFree:  4 kB\n",
                                            &m),
                         0);
        assert_true(m.total == UINT64_C(24684096) * 1024 && m.available == UINT64_C(23872932) * 1024);
        assert_int_equal(m.swap_total, 10240);
        assert_int_equal(m.swap_free, 4096);
        assert_int_equal(parse_memory_usage("MemTotal: 10 kB\nMemAvailable: 20 kB\nSwapFree: 5 kB\n", &m), 0);
        assert_int_equal(m.available, 10240);
        assert_int_equal(m.swap_free, 0);
        assert_int_equal(parse_memory_usage("", &m), -EBADMSG);
        assert_int_equal(parse_memory_usage("MemTotal: 10 kB\n", &m), -EBADMSG);
        assert_int_equal(parse_memory_usage("MemTotal: x kB\nMemAvailable: 1 kB\n", &m), -EBADMSG);
        assert_int_equal(parse_memory_usage("XMemTotal: 10 kB\nMemAvailable: 1 kB\n", &m), -EBADMSG);
}

static void load(void **state) {
        uint32_t l[3] = { 9, 9, 9 };

        (void) state;
        assert_int_equal(parse_load("5.54 2.08 10.87 3/321 4711\n", l), 0);
        assert_int_equal(l[0], 554);
        assert_int_equal(l[1], 208);
        assert_int_equal(l[2], 1087);
        l[0] = 9;
        assert_int_equal(parse_load("5.54 2.08", l), -EBADMSG);
        assert_int_equal(parse_load("5 2 1", l), -EBADMSG);
        assert_int_equal(parse_load("5.5 2.0 1.0 ", l), -EBADMSG);
        assert_int_equal(l[0], 9);
}

static bool is_not_lo(void *owner, const char *interface) {
        (*(unsigned *) owner)++;
        return strcmp(interface, "lo") != 0;
}

#define HEADS                                                                                                      \
        "Inter-|   Receive                                                |  Transmit\n"                           \
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls " \
        "carrier compressed\n"

static void network(void **state) {
        NetworkUsage n = { 7, 7 };
        unsigned asked = 0;

        (void) state;
        assert_int_equal(parse_network_usage(
                                         HEADS
                                         "    lo: 4470585    4439    0    0    0     0          0         0  4470585    4439 0 0 0 0 0 0\n"
                                         "  eth0: 100   2    0    0    0     0          0         0 200    5778    0 0 0 0 0 0\n"
                                         "abcdefghijklmno:1 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0\n",
                                         is_not_lo, &asked, &n),
                         0);
        assert_int_equal(asked, 3);
        assert_int_equal(n.received, 101);
        assert_int_equal(n.sent, 202);
        assert_int_equal(parse_network_usage(HEADS, is_not_lo, &asked, &n), 0);
        assert_int_equal(n.received, 0);
        assert_int_equal(parse_network_usage("", is_not_lo, &asked, &n), -EBADMSG);
        assert_int_equal(parse_network_usage(HEADS "eth0 1 2 3\n", is_not_lo, &asked, &n), -EBADMSG);
        assert_int_equal(parse_network_usage(HEADS "eth0: 1 2 3\neth1: 1 2 3 4 5 6 7 8 9\n", is_not_lo, &asked, &n), -EBADMSG);
        assert_int_equal(parse_network_usage(HEADS "anamethatistoolong: 1 2 3 4 5 6 7 8 9\n", is_not_lo, &asked, &n), -EBADMSG);
}

static void this_machine(void **state) {
        NodeUsage *u = NULL;
        NodeReading first, second;

        (void) state;
        assert_int_equal(node_usage_new("/nowhere", &u), 0);
        assert_int_equal(node_usage_read(u, &first), -ENOENT);
        u = node_usage_free(u);
        assert_int_equal(node_usage_new("/", &u), 0);
        assert_int_equal(node_usage_read(u, &first), 0);
        assert_int_equal(node_usage_read(u, &second), 0);
        assert_true(first.processors > 0 && first.memory.total > 0 && first.memory.available <= first.memory.total);
        assert_true(cpu_ticks_busy(&second.cpu) >= cpu_ticks_busy(&first.cpu) && cpu_ticks_busy(&first.cpu) > 0);
        assert_true(second.network.received >= first.network.received);
        assert_true(first.disk_total > 0 && first.disk_used <= first.disk_total);
        node_usage_free(u);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ticks_of_processors), cmocka_unit_test(memory), cmocka_unit_test(load), cmocka_unit_test(network),
                cmocka_unit_test(this_machine),
        };

        return cmocka_run_group_tests_name("node-usage", tests, NULL, NULL);
}
