/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Texts of /proc and of cgroups: whatever they are, what is free is no more than what there is, sums do not run over, an interface's name
 * is one, and a text that is refused leaves the output alone. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "system/node_usage.h"
#include "system/slot_usage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool counts(void *owner, const char *interface) {
        (void) owner;
        if (!*interface || strlen(interface) > 15 || strpbrk(interface, ":\n"))
                abort();
        return interface[0] != 'l';
}

static void check_cpu(const char *text) {
        CpuTicks t;

        memset(&t, 0xaa, sizeof(t));
        if (parse_cpu_ticks(text, &t) == 0) {
                if (cpu_ticks_total(&t) < cpu_ticks_busy(&t) || cpu_ticks_busy(&t) < t.user)
                        abort();
        } else if (t.user != UINT64_C(0xaaaaaaaaaaaaaaaa))
                abort();
}

static void check_memory(const char *text) {
        MemoryUsage m = { .total = 77 };

        if (parse_memory_usage(text, &m) == 0) {
                if (m.total == 0 || m.available > m.total || m.swap_free > m.swap_total)
                        abort();
        } else if (m.total != 77)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        auto_free char *text = calloc(1, size + 1);
        uint32_t load[3] = { 7, 7, 7 };
        NetworkUsage n = { 77, 77 };
        uint64_t number = 77;

        if (!text)
                abort();
        memcpy(text, data, size);
        check_cpu(text);
        check_memory(text);
        if (parse_load(text, load) == 0 ? load[0] > 100000099 : load[0] != 7 || load[1] != 7 || load[2] != 7)
                abort();
        if (parse_network_usage(text, counts, NULL, &n) < 0 && (n.received != 77 || n.sent != 77))
                abort();
        if (parse_cgroup_number(text, NULL, &number) < 0 && number != 77)
                abort();
        number = 77;
        if (parse_cgroup_number(text, "usage_usec", &number) == 0 ? !strstr(text, "usage_usec ") : number != 77)
                abort();
        return 0;
}
