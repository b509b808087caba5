/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a slot's cgroup has used: processor time since it was made, and memory now. Two files are opened for a reading, and nobody is asked:
 * where the cgroups of this machine are is found once (v2, v1, and both beside each other as in containers). */
#pragma once

#include <stdint.h>

typedef struct SlotUsage SlotUsage;

typedef struct {
        uint64_t cpu_us; /* of all its processes, since the service was started last */
        uint64_t anon;   /* bytes in RAM that are no file's */
} SlotReading;

#define SLOT_CGROUPS "/sys/fs/cgroup"
#define SLOT_OWN_CGROUP "/proc/self/cgroup"

/* cgroups: where they are mounted; own_cgroup: the file that says which one is ours. On a node: the two above. */
int slot_usage_new(const char *cgroups, const char *own_cgroup, SlotUsage **ret_usage);
SlotUsage *slot_usage_free(SlotUsage *u); /* NULL-safe, returns NULL */
/* -ENOENT: no such cgroup, as of a slot that does not run; costs no more than one failed open where there ever was one. */
int slot_usage_read(SlotUsage *u, const char *project, const char *slot, SlotReading *ret);

/* The number in the line `KEY NUMBER` of text, or with key NULL the one that text is. -EBADMSG: there is none. Pure. */
int parse_cgroup_number(const char *text, const char *key, uint64_t *ret);
