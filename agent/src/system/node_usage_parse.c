/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "system/node_usage.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

/* A decimal number at *at, which then is behind it. Saturates: no counter of a kernel comes near. */
static bool take_number(const char **at, uint64_t *ret) {
        const char *s = *at + strspn(*at, " \t");
        uint64_t n = 0;

        if (*s < '0' || *s > '9')
                return false;
        for (; *s >= '0' && *s <= '9'; s++)
                if (__builtin_mul_overflow(n, UINT64_C(10), &n) || __builtin_add_overflow(n, (uint64_t) (*s - '0'), &n))
                        n = UINT64_MAX / 16; /* several can be added */
        *at = s;
        *ret = n > UINT64_MAX / 16 ? UINT64_MAX / 16 : n;
        return true;
}

int parse_cpu_ticks(const char *text, CpuTicks *ret) {
        CpuTicks t = { 0 };
        uint64_t *const fields[] = { &t.user, &t.nice, &t.system, &t.idle, &t.iowait, &t.irq, &t.softirq, &t.steal };
        const char *at = text + 4;
        size_t n = 0;

        if (strncmp(text, "cpu ", 4) != 0)
                return -EBADMSG;
        while (n < ELEMENTS(fields) && take_number(&at, fields[n]))
                n++;
        if (n < 4)
                return -EBADMSG;
        *ret = t;
        return 0;
}

uint64_t cpu_ticks_busy(const CpuTicks *t) {
        return t->user + t->nice + t->system + t->irq + t->softirq;
}

uint64_t cpu_ticks_total(const CpuTicks *t) {
        return cpu_ticks_busy(t) + t->idle + t->iowait + t->steal;
}

static const char *next_line(const char *line) {
        const char *end = strchr(line, '\n');

        return end ? end + 1 : NULL;
}

int parse_memory_usage(const char *text, MemoryUsage *ret) {
        uint64_t total = 0, available = UINT64_MAX, swap_total = 0, swap_free = 0;
        const struct {
                const char *key;
                uint64_t *kib;
        } wanted[] = {
                { "MemTotal:", &total }, { "MemAvailable:", &available }, { "SwapTotal:", &swap_total }, { "SwapFree:", &swap_free }
        };

        for (const char *line = text; line && *line; line = next_line(line))
                for (size_t i = 0; i < ELEMENTS(wanted); i++) {
                        const char *at = line + strlen(wanted[i].key);

                        if (text_starts(line, wanted[i].key) && !take_number(&at, wanted[i].kib))
                                return -EBADMSG;
                }
        if (total == 0 || total > UINT64_MAX / 1024 || available == UINT64_MAX)
                return -EBADMSG;
        /* Not so in some containers, whose files are made up. */
        if (available > total)
                available = total;
        if (swap_total > UINT64_MAX / 1024)
                swap_total = 0;
        if (swap_free > swap_total)
                swap_free = swap_total;
        *ret = (MemoryUsage){ total * 1024, available * 1024, swap_total * 1024, swap_free * 1024 };
        return 0;
}

int parse_load(const char *text, uint32_t ret[static 3]) {
        uint32_t load[3] = { 0 };
        const char *at = text;

        for (size_t i = 0; i < ELEMENTS(load); i++) {
                uint64_t whole = 0;

                if (!take_number(&at, &whole) || at[0] != '.' || at[1] < '0' || at[1] > '9' || at[2] < '0' || at[2] > '9')
                        return -EBADMSG;
                if (whole > 1000000)
                        whole = 1000000;
                load[i] = (uint32_t) (whole * 100 + (uint64_t) (at[1] - '0') * 10 + (uint64_t) (at[2] - '0'));
                at += 3;
        }
        memcpy(ret, load, sizeof(load));
        return 0;
}

int parse_network_usage(const char *text, bool (*counts)(void *owner, const char *interface), void *owner, NetworkUsage *ret) {
        NetworkUsage sum = { 0 };
        const char *line = next_line(text);

        /* Two lines of headings. */
        line = line ? next_line(line) : NULL;
        if (!line)
                return -EBADMSG;
        for (; line && *line; line = next_line(line)) {
                const char *name = line + strspn(line, " "), *colon = name + strcspn(name, ":\n"), *at = colon + 1;
                size_t length = (size_t) (colon - name);
                char interface[IF_NAMESIZE];
                uint64_t received = 0, skipped, sent = 0;

                if (*colon != ':' || length == 0 || length >= sizeof(interface))
                        return -EBADMSG;
                memcpy(interface, name, length);
                interface[length] = '\0';
                if (!take_number(&at, &received))
                        return -EBADMSG;
                for (unsigned i = 0; i < 7; i++)
                        if (!take_number(&at, &skipped))
                                return -EBADMSG;
                if (!take_number(&at, &sent))
                        return -EBADMSG;
                if (counts(owner, interface) &&
                    (__builtin_add_overflow(sum.received, received, &sum.received) || __builtin_add_overflow(sum.sent, sent, &sum.sent)))
                        return -EBADMSG;
        }
        *ret = sum;
        return 0;
}
