/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Memory of the cgroup that this process is in, on cgroup v2 and on v1 (systemd in a container on an old host). */
#pragma once

#include <stdbool.h>

typedef struct {
        unsigned long oom_kills;
        unsigned long limit_mib; /* 0: no limit, or not to be seen */
} CgroupMemory;

/* root is "" or, for tests, what stands before /proc and /sys. False when there is nothing to read; *ret is zero then. */
bool cgroup_memory(const char *root, CgroupMemory *ret);
