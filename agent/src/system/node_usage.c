/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "system/node_usage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "base/cleanup.h"

/* A machine with a hundred virtual interfaces has 13 KB of them. Of the other files only the beginning matters. */
enum { TEXT_SIZE = 32 * 1024, SHORT_SIZE = 2048 };

struct NodeUsage {
        int stat, memory, load, network;
        unsigned processors;
        char *disk;
};

static int open_proc(const char *path, int *ret_fd) {
        *ret_fd = open(path, O_RDONLY | O_CLOEXEC);
        return *ret_fd < 0 ? -errno : 0;
}

int node_usage_new(const char *disk, NodeUsage **ret_usage) {
        NodeUsage *u = calloc(1, sizeof(*u));
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
        int r;

        if (!u)
                return -ENOMEM;
        *u = (NodeUsage){ .stat = -1, .memory = -1, .load = -1, .network = -1, .processors = processors > 0 ? (unsigned) processors : 1 };
        u->disk = strdup(disk);
        r = u->disk ? open_proc("/proc/stat", &u->stat) : -ENOMEM;
        if (r == 0)
                r = open_proc("/proc/meminfo", &u->memory);
        if (r == 0)
                r = open_proc("/proc/loadavg", &u->load);
        if (r == 0)
                r = open_proc("/proc/self/net/dev", &u->network);
        if (r < 0) {
                node_usage_free(u);
                return r;
        }
        *ret_usage = u;
        return 0;
}

NodeUsage *node_usage_free(NodeUsage *u) {
        if (!u)
                return NULL;
        for (size_t i = 0; i < 4; i++) {
                auto_close int fd = (const int[]){ u->stat, u->memory, u->load, u->network }[i];

                (void) fd;
        }
        free(u->disk);
        free(u);
        return NULL;
}

/* From its start: /proc then makes it anew. It gives what fits a page at a time, so one read may not be all. */
static int read_text(int fd, char *text, size_t size) {
        size_t length = 0;

        while (length + 1 < size) {
                ssize_t n = pread(fd, text + length, size - 1 - length, (off_t) length);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                length += (size_t) n;
        }
        text[length] = '\0';
        return 0;
}

static bool has(const char *interface, const char *what) {
        char path[PATH_MAX];

        (void) snprintf(path, sizeof(path), "/sys/class/net/%s/%s", interface, what);
        return access(path, F_OK) == 0;
}

/* What goes through a bridge, a tunnel or a pair to a container passes the hardware as well, where it leaves the machine. */
static bool is_hardware(void *owner, const char *interface) {
        bool *seen = owner, is = strchr(interface, '/') == NULL && has(interface, "device");

        *seen = *seen || is;
        return is;
}

/* A container has no hardware: its own end of a pair counts. */
static bool leads_outside(void *owner, const char *interface) {
        (void) owner;
        return strcmp(interface, "lo") != 0 && strchr(interface, '/') == NULL && !has(interface, "brport");
}

static int read_network(const NodeUsage *u, NetworkUsage *ret) {
        char text[TEXT_SIZE];
        bool seen = false;
        char *last;
        int r = read_text(u->network, text, sizeof(text));

        if (r < 0)
                return r;
        last = strrchr(text, '\n');
        if (last) /* a line that was cut off */
                last[1] = '\0';
        r = parse_network_usage(text, is_hardware, &seen, ret);
        return r == 0 && !seen ? parse_network_usage(text, leads_outside, NULL, ret) : r;
}

int node_usage_read(NodeUsage *u, NodeReading *ret) {
        NodeReading reading = { .processors = u->processors };
        struct timespec uptime = { 0 };
        struct statvfs disk;
        char text[SHORT_SIZE];
        int r = read_text(u->stat, text, sizeof(text));

        if (r == 0)
                r = parse_cpu_ticks(text, &reading.cpu);
        if (r == 0)
                r = read_text(u->memory, text, sizeof(text));
        if (r == 0)
                r = parse_memory_usage(text, &reading.memory);
        if (r == 0)
                r = read_text(u->load, text, sizeof(text));
        if (r == 0)
                r = parse_load(text, reading.load);
        if (r == 0)
                r = read_network(u, &reading.network);
        if (r < 0)
                return r;
        if (statvfs(u->disk, &disk) < 0 || clock_gettime(CLOCK_BOOTTIME, &uptime) < 0)
                return -errno;
        reading.disk_total = (uint64_t) disk.f_blocks * disk.f_frsize;
        reading.disk_used = (uint64_t) (disk.f_blocks - disk.f_bfree) * disk.f_frsize;
        reading.disk_free = (uint64_t) disk.f_bavail * disk.f_frsize;
        reading.uptime_seconds = (uint64_t) uptime.tv_sec;
        *ret = reading;
        return 0;
}
