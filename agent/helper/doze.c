/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Pages a slot out: what its processes have of their own, and of files what no other process has mapped. The reclaim of its cgroup would
 * not do: pages that another cgroup was charged for, as those of a runtime that a build read first, stay, and they are half of a small app.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/uio.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "helper/job.h"

#define DOZE_SECONDS 5
#define LIST_MAX (16 * 1024 * 1024)

static unsigned long resident_pages(const Job *j, const char *pid) {
        auto_free char *text = NULL;
        char path[64];
        unsigned long pages = 0;

        (void) snprintf(path, sizeof(path), "proc/%s/statm", pid);
        if (fs_read_file(j->root, path, 4096, &text, NULL) == 0)
                (void) sscanf(text, "%*s %lu", &pages);
        return pages;
}

/* Best effort: a process may end meanwhile, and the kernel refuses what cannot be paged out. Gives how many pages left. */
static unsigned long page_out(const Job *j, const char *pid, time_t end) {
        auto_close int process = pidfd_open((pid_t) strtol(pid, NULL, 10), 0);
        auto_free char *maps = NULL;
        unsigned long before = resident_pages(j, pid), after, from, to;
        char path[64], *rest = NULL;

        (void) snprintf(path, sizeof(path), "proc/%s/maps", pid);
        if (process < 0 || fs_read_file(j->root, path, LIST_MAX, &maps, NULL) < 0)
                return 0;
        /* What a process has mapped is its own doing, and so is how long this takes: not for ever. */
        for (char *line = strtok_r(maps, "\n", &rest); line && time(NULL) < end; line = strtok_r(NULL, "\n", &rest))
                if (sscanf(line, "%lx-%lx", &from, &to) == 2)
                        (void) process_madvise(process, &(struct iovec){ (void *) from, to - from }, 1, MADV_PAGEOUT, 0);
        after = resident_pages(j, pid);
        return before > after ? before - after : 0;
}

int slot_doze(Job *j) {
        static const char *const roots[] = { "sys/fs/cgroup", "sys/fs/cgroup/systemd" }; /* v2 alone, and v2 beside v1 */
        auto_free char *list = NULL;
        char path[160], *rest = NULL;
        time_t end = time(NULL) + DOZE_SECONDS;
        unsigned long pages = 0;

        for (size_t i = 0; i < ELEMENTS(roots) && !list; i++) {
                (void) snprintf(path, sizeof(path), "%s/nanoscale.slice/nanoscale-apps.slice/%s@%s.service/cgroup.procs", roots[i], j->user,
                                j->argument);
                (void) fs_read_file(j->root, path, LIST_MAX, &list, NULL);
        }
        if (!list)
                return job_fail(j, "absent", "slot %s of %s does not run", j->argument, j->id);
        for (char *pid = strtok_r(list, "\n", &rest); pid; pid = strtok_r(NULL, "\n", &rest))
                pages += page_out(j, pid, end);
        (void) snprintf(j->sentence, sizeof(j->sentence), "%lu", pages * (unsigned long) sysconf(_SC_PAGESIZE));
        return 0;
}
