/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "cgroup.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Above it the kernel means "none" (v1 has a huge number instead of a word). */
#define LIMIT_NONE_MIB (1UL << 40)

static const struct {
        const char *line;  /* in /proc/self/cgroup, after the number */
        const char *mount; /* below /sys/fs/cgroup */
        const char *events, *limit;
} hierarchies[] = {
        { "memory", "/memory", "memory.oom_control", "memory.limit_in_bytes" },
        { "", "", "memory.events", "memory.max" },
};

/* The path in the line whose controllers (between the colons) are exactly or include name. Cut off in place. */
static char *find_path(char *text, const char *name) {
        for (char *line = text, *next; line && *line; line = next) {
                next = strchr(line, '\n');
                size_t length = next ? (size_t) (next - line) : strlen(line);
                next = next ? next + 1 : NULL;
                char *controllers = memchr(line, ':', length);
                if (!controllers)
                        continue;
                controllers++;
                char *path = memchr(controllers, ':', length - (size_t) (controllers - line));
                if (!path)
                        continue;
                size_t n = strlen(name);
                for (char *c = controllers; c <= path; c += strcspn(c, ",:") + 1)
                        if (strcspn(c, ",:") == n && strncmp(c, name, n) == 0) {
                                line[length] = '\0';
                                return path + 1;
                        }
        }
        return NULL;
}

static bool read_small(const char *path, char *buffer, size_t size) {
        auto_fclose FILE *f = fopen(path, "re");
        if (!f)
                return false;
        size_t n = fread(buffer, 1, size - 1, f);
        buffer[n] = '\0';
        return n > 0;
}

static bool read_in(const char *root, const char *mount, const char *path, const char *file, char *buffer, size_t size) {
        Path full;
        /* Inside a container without a cgroup namespace the path begins with the container's own, which the mount does not show. */
        for (const char *p = path; p; p = strchr(p + 1, '/')) {
                if (*p != '/')
                        return false;
                if (path_format(&full, "%s/sys/fs/cgroup%s%s/%s", root, mount, strcmp(p, "/") == 0 ? "" : p, file) == 0 &&
                    read_small(full.s, buffer, size))
                        return true;
        }
        return false;
}

static unsigned long count_kills(const char *events) {
        for (const char *line = events; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                if (text_starts(line, "oom_kill "))
                        return strtoul(line + strlen("oom_kill "), NULL, 10);
                if (!*line)
                        break;
        }
        return 0;
}

bool cgroup_memory(const char *root, CgroupMemory *ret) {
        *ret = (CgroupMemory){ 0 };
        char membership[4096], buffer[1024];
        Path file;
        for (size_t i = 0; i < ELEMENTS(hierarchies); i++) {
                if (path_format(&file, "%s/proc/self/cgroup", root) < 0 || !read_small(file.s, membership, sizeof membership))
                        return false;
                char *path = find_path(membership, hierarchies[i].line);
                if (!path || !read_in(root, hierarchies[i].mount, path, hierarchies[i].events, buffer, sizeof buffer))
                        continue;
                ret->oom_kills = count_kills(buffer);
                if (read_in(root, hierarchies[i].mount, path, hierarchies[i].limit, buffer, sizeof buffer) && buffer[0] >= '0' &&
                    buffer[0] <= '9') {
                        unsigned long mib = strtoul(buffer, NULL, 10) >> 20;
                        ret->limit_mib = mib < LIMIT_NONE_MIB ? mib : 0;
                }
                return true;
        }
        return false;
}
