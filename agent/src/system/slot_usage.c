/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "system/slot_usage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "system/slot_memory_internal.h"
#include "system/slot_name.h"

#define SLICES "nanoscale.slice/nanoscale-apps.slice"

/* Enough of memory.stat: what is wanted stands in its first lines. */
enum { TEXT_SIZE = 1024 };

/* Where a number may be. In the hybrid layout memory is in v1, and the time of processors in each v2 cgroup and perhaps in v1 as well. */
typedef struct {
        const char *mount, *controllers; /* as in slot_memory.c */
        const char *file, *key;
        uint64_t divisor;
} Source;

static const Source cpu_sources[] = {
        { "", "", "cpu.stat", "usage_usec", 1 },
        { "/unified", "", "cpu.stat", "usage_usec", 1 },
        { "/cpuacct", "cpuacct", "cpuacct.usage", NULL, 1000 },
        { "/cpu,cpuacct", "cpu,cpuacct", "cpuacct.usage", NULL, 1000 },
};
static const Source memory_sources[] = {
        { "", "", "memory.stat", "anon", 1 },
        { "/memory", "memory", "memory.stat", "rss", 1 },
};

/* A source that has given a number, and what is in front of the slices there. */
typedef struct {
        const Source *source; /* NULL: not found yet */
        char base[PATH_MAX / 4];
} Place;

struct SlotUsage {
        int root; /* where the hierarchies are mounted */
        char *own_cgroup;
        Place cpu, memory;
};

int slot_usage_new(const char *cgroups, const char *own_cgroup, SlotUsage **ret_usage) {
        SlotUsage *u = calloc(1, sizeof(*u));
        int r;

        if (!u)
                return -ENOMEM;
        u->root = open(cgroups, O_PATH | O_DIRECTORY | O_CLOEXEC);
        r = u->root < 0 ? -errno : 0;
        u->own_cgroup = strdup(own_cgroup);
        if (r == 0 && !u->own_cgroup)
                r = -ENOMEM;
        if (r < 0) {
                slot_usage_free(u);
                return r;
        }
        *ret_usage = u;
        return 0;
}

SlotUsage *slot_usage_free(SlotUsage *u) {
        if (!u)
                return NULL;
        if (u->root >= 0)
                (void) close(u->root);
        free(u->own_cgroup);
        free(u);
        return NULL;
}

int parse_cgroup_number(const char *text, const char *key, uint64_t *ret) {
        size_t length = key ? strlen(key) : 0;
        const char *line = text;
        uint64_t n = 0;

        while (key && !(strncmp(line, key, length) == 0 && line[length] == ' ')) {
                line = strchr(line, '\n');
                if (!line)
                        return -EBADMSG;
                line++;
        }
        line += key ? length + 1 : 0;
        if (*line < '0' || *line > '9')
                return -EBADMSG;
        for (; *line >= '0' && *line <= '9'; line++)
                if (__builtin_mul_overflow(n, UINT64_C(10), &n) || __builtin_add_overflow(n, (uint64_t) (*line - '0'), &n))
                        return -EBADMSG;
        *ret = n;
        return 0;
}

static int read_at(const SlotUsage *u, const Source *source, const char *base, const char *unit, uint64_t *ret) {
        char path[PATH_MAX], text[TEXT_SIZE];
        const char *mount = *source->mount ? source->mount + 1 : ".";
        ssize_t n;
        int r;

        if ((size_t) snprintf(path, sizeof(path), "%s%s/" SLICES "/%s/%s", mount, base, unit, source->file) >= sizeof(path))
                return -ENAMETOOLONG;

        auto_close int fd = openat(u->root, path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        do
                n = read(fd, text, sizeof(text) - 1);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return errno == ENODEV ? -ENOENT : -errno; /* ENODEV: removed while it was open */
        text[n] = '\0';
        r = parse_cgroup_number(text, source->key, ret);
        if (r == 0)
                *ret /= source->divisor;
        return r;
}

/* Below the root first; then below what our own cgroup is below of. */
static int read_number(SlotUsage *u, Place *place, const Source sources[], size_t n_sources, const char *unit, uint64_t *ret) {
        if (place->source)
                return read_at(u, place->source, place->base, unit, ret);
        for (size_t i = 0; i < 2 * n_sources; i++) {
                const Source *source = &sources[i % n_sources];
                char base[sizeof(place->base)] = "";
                int r;

                if (i >= n_sources) {
                        slot_cgroup_base(u->own_cgroup, source->controllers, base, sizeof(base));
                        if (!*base)
                                continue;
                }
                r = read_at(u, source, base, unit, ret);
                if (r == 0) {
                        place->source = source;
                        memcpy(place->base, base, sizeof(base));
                        return 0;
                }
                if (r != -ENOENT)
                        return r;
        }
        return -ENOENT;
}

int slot_usage_read(SlotUsage *u, const char *project, const char *slot, SlotReading *ret) {
        SlotReading reading = { 0 };
        char unit[SLOT_UNIT_SIZE];
        SlotName name;
        int r;

        if (!slot_name_make(project, slot, &name))
                return -EINVAL;
        slot_name_to_unit(&name, unit);
        r = read_number(u, &u->memory, memory_sources, ELEMENTS(memory_sources), unit, &reading.anon);
        if (r == 0)
                r = read_number(u, &u->cpu, cpu_sources, ELEMENTS(cpu_sources), unit, &reading.cpu_us);
        if (r == 0)
                *ret = reading;
        return r;
}
