/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Where a slot's cgroup is: below the root of the hierarchy that counts memory. In a container that root is ours in most; in one that sees
 * the whole machine's hierarchy, everything of ours is below some other cgroup, and our own one says which. */
#include "system/slot_memory_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "system/slot_name.h"

#define SLICES "/nanoscale.slice/nanoscale-apps.slice"

static const struct {
        const char *mount;       /* below /sys/fs/cgroup */
        const char *controllers; /* how it is called in /proc/self/cgroup */
        const char *anon, *swap; /* in memory.stat; NULL: has a file of its own */
} versions[] = {
        { "", "", "anon", NULL },
        { "/memory", "memory", "rss", "swap" },
};

/* The number behind a key in lines `key N`; 0 when there is none. */
static int read_number(int directory, const char *file, const char *key, uint64_t *ret) {
        auto_close int fd = openat(directory, file, O_RDONLY | O_CLOEXEC);
        auto_fclose FILE *f = fd < 0 ? NULL : fdopen(fd, "re");
        char line[256];

        if (!f)
                return -errno;
        (void) handover_fd(fd);
        *ret = 0;
        while (fgets(line, sizeof(line), f)) {
                const char *number = line;

                if (key) {
                        size_t length = strlen(key);

                        if (strncmp(line, key, length) != 0 || line[length] != ' ')
                                continue;
                        number += length + 1;
                }
                if (*number < '0' || *number > '9')
                        continue;
                *ret = strtoull(number, NULL, 10);
                break;
        }
        return ferror(f) ? -EIO : 0;
}

void slot_cgroup_base(const char *own_cgroup, const char *controllers, char *ret, size_t size) {
        static const char *const slices[] = { "/system.slice/", "/nanoscale.slice/" };
        auto_fclose FILE *f = fopen(own_cgroup, "re");
        char line[PATH_MAX];

        *ret = '\0';
        while (f && fgets(line, sizeof(line), f)) {
                char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;

                if (!path)
                        continue;
                *path++ = '\0';
                if (strcmp(names + 1, controllers) != 0)
                        continue;
                for (size_t i = 0; i < ELEMENTS(slices); i++) {
                        const char *end = strstr(path, slices[i]);

                        if (end && (size_t) (end - path) < size) {
                                memcpy(ret, path, (size_t) (end - path));
                                ret[end - path] = '\0';
                                return;
                        }
                }
        }
}

int slot_memory_in(const char *cgroups, const char *own_cgroup, const char *project, const char *slot, uint64_t *ret_anon,
                   uint64_t *ret_swap) {
        char unit[SLOT_UNIT_SIZE], base[PATH_MAX / 2] = "", path[PATH_MAX];
        SlotName name;
        int r;

        if (!slot_name_make(project, slot, &name))
                return -EINVAL;
        slot_name_to_unit(&name, unit);
        for (size_t i = 0; i < 2 * ELEMENTS(versions); i++) {
                size_t v = i % ELEMENTS(versions);

                if (i >= ELEMENTS(versions)) {
                        slot_cgroup_base(own_cgroup, versions[v].controllers, base, sizeof(base));
                        if (*base == '\0')
                                continue;
                }
                if ((size_t) snprintf(path, sizeof(path), "%s%s%s" SLICES "/%s", cgroups, versions[v].mount, base, unit) >= sizeof(path))
                        continue;

                auto_close int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                uint64_t anon = 0, swap = 0;

                /* Both versions may be mounted, and each unit be in both: only one has memory.stat. */
                r = directory < 0 ? -errno : read_number(directory, "memory.stat", versions[v].anon, &anon);
                if (r == 0) {
                        r = versions[v].swap ? read_number(directory, "memory.stat", versions[v].swap, &swap)
                                             : read_number(directory, "memory.swap.current", NULL, &swap);
                        if (r == -ENOENT) /* a kernel that does not count it */
                                r = 0;
                }
                /* ENODEV: removed while it was open. */
                if (r == -ENOENT || r == -ENODEV)
                        continue;
                if (r < 0)
                        return r;
                *ret_anon = anon;
                *ret_swap = swap;
                return 0;
        }
        return -ENOENT;
}

int slot_memory(const char *project, const char *slot, uint64_t *ret_anon, uint64_t *ret_swap) {
        return slot_memory_in("/sys/fs/cgroup", "/proc/self/cgroup", project, slot, ret_anon, ret_swap);
}
