/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the machine is doing: processors, memory, disk, network, load. The files of /proc stay open and are read anew each time, which costs
 * some hundred microseconds at most; nothing is allocated for a reading. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct NodeUsage NodeUsage;

/* Since boot, in hundredths of a second (USER_HZ), of all processors together. What a guest took is in user. */
typedef struct {
        uint64_t user, nice, system, idle, iowait, irq, softirq, steal;
} CpuTicks;

typedef struct {
        uint64_t total, available, swap_total, swap_free; /* bytes */
} MemoryUsage;

typedef struct {
        uint64_t received, sent; /* bytes since boot */
} NetworkUsage;

typedef struct {
        unsigned processors;
        CpuTicks cpu;
        MemoryUsage memory;
        NetworkUsage network;
        uint32_t load[3];                          /* hundredths, of 1, 5 and 15 minutes */
        uint64_t disk_total, disk_used, disk_free; /* bytes; free: for whom is not root */
        uint64_t uptime_seconds;
} NodeReading;

/* disk: a path on the file system that is measured. */
int node_usage_new(const char *disk, NodeUsage **ret_usage);
NodeUsage *node_usage_free(NodeUsage *u); /* NULL-safe, returns NULL */
int node_usage_read(NodeUsage *u, NodeReading *ret);

/* --- parsers, pure: the text of a file of /proc, with a NUL behind it; -EBADMSG when it is none. --- */

int parse_cpu_ticks(const char *text, CpuTicks *ret);       /* /proc/stat; what is behind its first line does not matter */
int parse_memory_usage(const char *text, MemoryUsage *ret); /* /proc/meminfo */
int parse_load(const char *text, uint32_t ret[static 3]);   /* /proc/loadavg */
/* /proc/net/dev: the sum over those interfaces for which counts() is true. */
int parse_network_usage(const char *text, bool (*counts)(void *owner, const char *interface), void *owner, NetworkUsage *ret);

/* All of it but the idle time, the waiting for a disk (which leaves the processor free) and what other machines on the host took. */
uint64_t cpu_ticks_busy(const CpuTicks *t);
uint64_t cpu_ticks_total(const CpuTicks *t);
