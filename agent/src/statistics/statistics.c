/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "statistics/statistics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "security/validate.h"
#include "statistics/ring_file.h"
#include "statistics/statistics_internal.h"

#define NODE_FILE "node"
#define PERIOD_US (SAMPLE_SECONDS * USEC_PER_SEC)

/* Memos of a project's file. */
enum {
        MEMO_CPU_US, /* in all */
        MEMO_RAW_US, /* what the cgroup said last */
        MEMO_SLOT,
};

/* What is kept of one project in memory. */
typedef struct {
        char id[13];
        bool seen;    /* in this sample */
        bool looked;  /* whether there is a file of an earlier run */
        bool primed;  /* raw values are of this run, and of the sample before */
        bool settled; /* asleep, and no mean of its rings is open any more: nothing to be done */
        bool failed;  /* its file; said once */
        RingFile *file;
        uint64_t values[PROJECT_SERIES];
} Record;

struct Statistics {
        StatisticsConfig config;
        int dir;
        char boot[40];
        NodeUsage *usage;
        SlotUsage *slots;
        Timer *timer;
        RingFile *node;
        Record **records; /* ordered by id */
        size_t n, size;
        bool tidied, complained;

        uint64_t sampled_us; /* CLOCK_BOOTTIME, so that a suspended machine has not worked */
        uint64_t elapsed_us; /* before the sample that is being taken; 0: it is the first */
        Tick tick;
        StatisticsNode now;
};

static uint64_t clock_us(clockid_t clock) {
        struct timespec t = { 0 };

        (void) clock_gettime(clock, &t);
        return (uint64_t) t.tv_sec * USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000;
}

/* --- records --- */

static size_t position(const Statistics *s, const char *id) {
        size_t low = 0, high = s->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (strcmp(s->records[middle]->id, id) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static Record *find(const Statistics *s, const char *id) {
        size_t at = position(s, id);

        return at < s->n && strcmp(s->records[at]->id, id) == 0 ? s->records[at] : NULL;
}

static Record *obtain(Statistics *s, const char *id) {
        size_t at = position(s, id);
        Record *record;

        if (at < s->n && strcmp(s->records[at]->id, id) == 0)
                return s->records[at];
        if (s->n == s->size) {
                size_t size = s->size ? 2 * s->size : 16;
                Record **records = reallocarray(s->records, size, sizeof(*records));

                if (!records)
                        return NULL;
                s->records = records;
                s->size = size;
        }
        record = calloc(1, sizeof(*record));
        if (!record)
                return NULL;
        (void) snprintf(record->id, sizeof(record->id), "%s", id);
        memmove(s->records + at + 1, s->records + at, (s->n - at) * sizeof(*s->records));
        s->records[at] = record;
        s->n++;
        return record;
}

static void record_free(Record *record) {
        ring_file_close(record->file);
        free(record);
}

/* --- files --- */

static int open_file(const Statistics *s, const char *name, unsigned n_series, bool make, RingFile **ret) {
        int r = ring_file_open(s->dir, name, n_series, s->boot, make, ret);

        if (r == RING_FILE_E_NEW)
                (void) fprintf(stderr, "<4>%s/%s was damaged or of another version: these statistics begin anew.\n", s->config.directory,
                               name);
        return r == RING_FILE_E_NEW ? RING_FILE_OK : r;
}

/* The project's rings; with make: also where there are none yet. NULL when there are none. */
static Rings *rings_of(Statistics *s, Record *record, bool make) {
        int r = record->file || record->failed ? 0 : open_file(s, record->id, PROJECT_SERIES, make, &record->file);

        if (r < 0) {
                record->failed = true;
                (void) fprintf(stderr, "<4>%s/%s: %s. There are no statistics of this project until the agent is restarted.\n",
                               s->config.directory, record->id, strerror(-r));
        }
        return record->file ? ring_file_rings(record->file) : NULL;
}

/* Files of projects that were removed while no agent ran. */
static void tidy(const Statistics *s) {
        int fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        auto_closedir DIR *d = fd < 0 ? NULL : fdopendir(fd);
        const struct dirent *entry;

        if (!d) {
                if (fd >= 0)
                        (void) close(fd);
                return;
        }
        while ((entry = readdir(d)))
                if (valid_id(entry->d_name) && !find(s, entry->d_name))
                        (void) fs_remove_file(s->dir, entry->d_name);
}

/* --- a sample --- */

/* What was counted since the last sample, as a rate. A counter that went back began anew. */
static uint64_t rate_of(const Statistics *s, uint64_t before, uint64_t after, uint64_t units) {
        uint64_t delta = after >= before ? after - before : after;

        if (s->elapsed_us == 0)
                return SAMPLE_UNKNOWN;
        return (uint64_t) ((__uint128_t) delta * units / s->elapsed_us);
}

static void sample_node(Statistics *s, int64_t now_ms) {
        NodeReading before = s->now.reading, after;
        uint64_t *v = s->now.values, total;
        int r = node_usage_read(s->usage, &after);

        for (size_t i = 0; i < NODE_SERIES; i++)
                v[i] = SAMPLE_UNKNOWN;
        if (r < 0) {
                if (!s->complained)
                        (void) fprintf(stderr, "<4>The node could not be measured: %s.\n", strerror(-r));
                s->complained = true;
                s->now.at_ms = 0;
                return;
        }
        total = cpu_ticks_total(&after.cpu) - cpu_ticks_total(&before.cpu);
        if (s->now.at_ms) {
                uint64_t busy = cpu_ticks_busy(&after.cpu) - cpu_ticks_busy(&before.cpu);

                /* The kernel's counters of idle time are known to step back a little. */
                if (total > 0 && total < INT64_MAX && busy <= total)
                        v[NODE_CPU] = busy * 1000 * after.processors / total;
                v[NODE_RECEIVED] = rate_of(s, before.network.received, after.network.received, USEC_PER_SEC);
                v[NODE_SENT] = rate_of(s, before.network.sent, after.network.sent, USEC_PER_SEC);
        }
        v[NODE_MEMORY] = (after.memory.total - after.memory.available) / 1024;
        v[NODE_SWAP] = (after.memory.swap_total - after.memory.swap_free) / 1024;
        v[NODE_DISK] = after.disk_used / 1024;
        v[NODE_LOAD] = after.load[0];
        s->now.reading = after;
        s->now.at_ms = now_ms;
}

static void sample_awake(Statistics *s, Record *record, const StatisticsProject *p) {
        Rings *rings = rings_of(s, record, true);
        uint64_t *v = record->values;
        SlotReading reading = { 0 };
        uint64_t delta;
        int r = slot_usage_read(s->slots, p->id, p->slot, &reading);

        v[PROJECT_CPU] = v[PROJECT_MEMORY] = SAMPLE_UNKNOWN;
        record->settled = false;
        if (!rings)
                return;
        if (r == 0) {
                bool same = rings->memos[MEMO_SLOT] == (unsigned char) *p->slot && reading.cpu_us >= rings->memos[MEMO_RAW_US];

                /* Another slot, or a cgroup that was made anew: all that it has used is new. */
                delta = same ? reading.cpu_us - rings->memos[MEMO_RAW_US] : reading.cpu_us;
                rings->memos[MEMO_CPU_US] += delta;
                rings->memos[MEMO_RAW_US] = reading.cpu_us;
                rings->memos[MEMO_SLOT] = (unsigned char) *p->slot;
                v[PROJECT_MEMORY] = reading.anon / 1024;
                /* After a restart of the agent nobody knows when it used that. */
                if (record->primed)
                        v[PROJECT_CPU] = rate_of(s, 0, delta, 1000);
        }
        record->primed = r == 0;
        rings_add(rings, &s->tick, v);
}

static void sample_project(void *user, const StatisticsProject *p) {
        Statistics *s = user;
        Record *record = obtain(s, p->id);

        if (!record)
                return;
        record->seen = true;
        if (!record->looked)
                (void) rings_of(s, record, false);
        record->looked = true;
        if (p->is_awake) {
                sample_awake(s, record, p);
                return;
        }
        record->values[PROJECT_CPU] = record->values[PROJECT_MEMORY] = 0;
        record->primed = true; /* it wakes with a cgroup that is new, or as it was */
        if (!record->settled)
                record->settled = !record->file || !rings_add_nothing(ring_file_rings(record->file), &s->tick);
}

static void sweep_removed(Statistics *s) {
        size_t kept = 0;

        for (size_t i = 0; i < s->n; i++) {
                Record *record = s->records[i];

                if (record->seen) {
                        record->seen = false;
                        s->records[kept++] = record;
                        continue;
                }
                (void) fs_remove_file(s->dir, record->id);
                record_free(record);
        }
        s->n = kept;
}

void statistics_forget(Statistics *s, const char *project) {
        for (size_t i = 0; s && i < s->n; i++) {
                if (strcmp(s->records[i]->id, project) != 0)
                        continue;
                (void) fs_remove_file(s->dir, project);
                record_free(s->records[i]);
                memmove(&s->records[i], &s->records[i + 1], (s->n - i - 1) * sizeof(*s->records)); /* they are in order */
                s->n--;
                return;
        }
}

/* At the next full ten seconds of the wall clock, so that each period of the rings gets one sample. */
static void arm(Statistics *s) {
        uint64_t period_ms = SAMPLE_SECONDS * 1000, past_ms = (uint64_t) clock_now_ms() % period_ms;

        (void) timer_rearm(s->timer, (period_ms - past_ms) * USEC_PER_MSEC);
}

void statistics_sample(Statistics *s, int64_t now_ms, uint64_t boot_us) {
        uint64_t begun_us = clock_us(CLOCK_THREAD_CPUTIME_ID);

        /* A moment after the last one, as after a timer that fired early: no rate would be of use. */
        if (s->sampled_us != 0 && boot_us - s->sampled_us < PERIOD_US / 2)
                return;
        s->elapsed_us = s->sampled_us ? boot_us - s->sampled_us : 0;
        s->sampled_us = boot_us;
        sample_node(s, now_ms);
        rings_tick(ring_file_rings(s->node), now_ms, &s->tick);
        rings_add(ring_file_rings(s->node), &s->tick, s->now.values);
        s->config.projects(s->config.owner, sample_project, s);
        sweep_removed(s);
        if (!s->tidied)
                tidy(s);
        s->tidied = true;
        s->now.cost_us = clock_us(CLOCK_THREAD_CPUTIME_ID) - begun_us;
}

static void sample(void *owner) {
        Statistics *s = owner;

        statistics_sample(s, clock_now_ms(), clock_us(CLOCK_BOOTTIME));
        arm(s);
}

/* --- making and dropping --- */

static void read_boot(char ret[static 40]) {
        auto_fclose FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

        if (!f || !fgets(ret, 40, f))
                ret[0] = '\0';
        ret[strcspn(ret, "\n")] = '\0';
}

static int open_directory(Statistics *s) {
        if (mkdir(s->config.directory, 0700) < 0 && errno != EEXIST)
                return -errno;
        s->dir = open(s->config.directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return s->dir < 0 ? -errno : 0;
}

int statistics_new_in(Loop *l, const StatisticsConfig *config, const char *cgroups, const char *own_cgroup, Statistics **ret_statistics) {
        Statistics *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->config = *config;
        s->dir = -1;
        read_boot(s->boot);
        r = open_directory(s);
        if (r == 0)
                r = open_file(s, NODE_FILE, NODE_SERIES, true, &s->node);
        if (r == 0)
                r = node_usage_new(config->disk, &s->usage);
        if (r == 0)
                r = slot_usage_new(cgroups, own_cgroup, &s->slots);
        if (r == 0)
                r = timer_start(l, 0, sample, s, &s->timer);
        if (r < 0) {
                statistics_free(s);
                return r;
        }
        *ret_statistics = s;
        return 0;
}

int statistics_new(Loop *l, const StatisticsConfig *config, Statistics **ret_statistics) {
        return statistics_new_in(l, config, SLOT_CGROUPS, SLOT_OWN_CGROUP, ret_statistics);
}

Statistics *statistics_free(Statistics *s) {
        if (!s)
                return NULL;
        timer_drop(s->timer);
        for (size_t i = 0; i < s->n; i++)
                record_free(s->records[i]);
        free(s->records);
        ring_file_close(s->node);
        slot_usage_free(s->slots);
        node_usage_free(s->usage);
        if (s->dir >= 0)
                (void) close(s->dir);
        free(s);
        return NULL;
}

/* --- what others ask --- */

bool statistics_node(const Statistics *s, StatisticsNode *ret) {
        if (!s || s->now.at_ms == 0)
                return false;
        *ret = s->now;
        return true;
}

bool statistics_project(const Statistics *s, const char *id, StatisticsProjectNow *ret) {
        const Record *record = s ? find(s, id) : NULL;

        if (!record || !record->file)
                return false;
        memcpy(ret->values, record->values, sizeof(ret->values));
        ret->cpu_us = ring_file_rings(record->file)->memos[MEMO_CPU_US];
        return true;
}

int64_t statistics_last_period(Range range, int64_t now_ms) {
        return range_period(range, now_ms);
}

static bool node_was_measured(const Statistics *s, Range range, int64_t period) {
        return rings_get(ring_file_rings(s->node), range, NODE_MEMORY, period) != SAMPLE_MISSING;
}

/* The hour period in which that period of a range ends. */
static int64_t end_in_hours(Range range, int64_t period) {
        return (period + 1) * (range_forms[range].step_seconds / SAMPLE_SECONDS) - 1;
}

void statistics_read(Statistics *s, const char *project, Range range, unsigned series, int64_t last, size_t n, uint64_t *ret) {
        Record *record = project ? find(s, project) : NULL;
        const Rings *rings = !project ? ring_file_rings(s->node) : record ? rings_of(s, record, false) : NULL;

        for (size_t i = 0; i < n; i++) {
                int64_t period = last - (int64_t) (n - 1 - i);
                uint64_t value = rings ? rings_get(rings, range, series, period) : SAMPLE_MISSING;

                /* Nothing written of a project, though the node was measured: it was asleep, unless that was before all of its samples. */
                if (value == SAMPLE_MISSING && project && rings && end_in_hours(range, period) >= rings->first &&
                    node_was_measured(s, range, period))
                        value = 0;
                ret[i] = value == SAMPLE_MISSING ? SAMPLE_UNKNOWN : value;
        }
}
