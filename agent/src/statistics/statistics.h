/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Samples of this node and its projects every ten seconds, in a directory of files: `node`, and one a project that ever was awake, named by
 * its id. Their forms: rings.h.
 *
 * Of a project the service of its live slot is measured, not its builds. One that is asleep is not looked at: it uses nothing, and reads as
 * 0 wherever the node was measured. */
#pragma once

#include "event/loop.h"
#include "statistics/rings.h"
#include "system/node_usage.h"
#include "system/slot_usage.h"

typedef struct Statistics Statistics;

/* Series of a node. Thousandths of a processor; KiB; bytes a second; hundredths. */
enum {
        NODE_CPU,
        NODE_MEMORY,
        NODE_SWAP,
        NODE_DISK,
        NODE_RECEIVED,
        NODE_SENT,
        NODE_LOAD,
        NODE_SERIES,
};

/* Series of a project: thousandths of a processor; KiB. */
enum {
        PROJECT_CPU,
        PROJECT_MEMORY,
        PROJECT_SERIES,
};

typedef struct {
        const char *id;
        const char *slot; /* that is live */
        bool is_awake;    /* has processes that are worth a look */
} StatisticsProject;

/* Calls each() for every project of this node; what it is given is valid during the call. */
typedef void (*StatisticsProjects)(void *owner, void (*each)(void *user, const StatisticsProject *p), void *user);

typedef struct {
        const char *directory; /* made where it is not there */
        const char *disk;      /* a path on the file system that is measured */
        StatisticsProjects projects;
        void *owner;
} StatisticsConfig;

/* The first sample is taken soon. config is copied; what it points to is borrowed. A file that cannot be made costs its series, not the
 * agent: that is said once on standard error. */
int statistics_new(Loop *l, const StatisticsConfig *config, Statistics **ret_statistics);
Statistics *statistics_free(Statistics *s); /* NULL-safe, returns NULL */

/* A project was removed: its file goes at once, not with the next sample. NULL is allowed for s. */
void statistics_forget(Statistics *s, const char *project);

/* --- the newest values; false: none yet. NULL is allowed for s, and has none. --- */

typedef struct {
        NodeReading reading;
        uint64_t values[NODE_SERIES]; /* numbers or SAMPLE_UNKNOWN */
        int64_t at_ms;
        uint64_t cost_us; /* processor time of the last sample, with all projects */
} StatisticsNode;

bool statistics_node(const Statistics *s, StatisticsNode *ret);

typedef struct {
        uint64_t values[PROJECT_SERIES];
        uint64_t cpu_us; /* in all, since its file was made; never goes back */
} StatisticsProjectNow;

/* False also for one that was never awake. */
bool statistics_project(const Statistics *s, const char *id, StatisticsProjectNow *ret);

/* --- series --- */

/* The period that a series ends with at now_ms. */
int64_t statistics_last_period(Range range, int64_t now_ms);
/* n samples, oldest first, the last one of period `last`: numbers, or SAMPLE_UNKNOWN for what is not known. project NULL: the node. */
void statistics_read(Statistics *s, const char *project, Range range, unsigned series, int64_t last, size_t n, uint64_t *ret);
