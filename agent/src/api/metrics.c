/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "api/metrics.h"

#include "api/reply.h"
#include "base/cleanup.h"
#include "deployment/describe.h"
#include "deployment/keeper.h"
#include "statistics/exposition.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* What is told of one project, gathered before, as a family's samples stand together. */
typedef struct {
        ProjectRow row;
        const char *status;
        uint64_t wakes, deployments;
        bool is_measured;
        StatisticsProjectNow now;
} Told;

static const char *const statuses[] = { "new", "deploying", "live", "sleeping", "crashed", "failed" };

static void put(Text *t, const char *name, const char *type, const char *help, uint64_t value) {
        exposition_family(t, name, type, help);
        exposition_integer(t, name, NULL, value);
}

static void put_cpu(Text *t, const CpuTicks *cpu) {
        static const char name[] = "nanoscale_node_cpu_seconds_total";
        const struct {
                const char *mode;
                uint64_t ticks;
        } modes[] = { { "user", cpu->user },     { "nice", cpu->nice }, { "system", cpu->system },   { "idle", cpu->idle },
                      { "iowait", cpu->iowait }, { "irq", cpu->irq },   { "softirq", cpu->softirq }, { "steal", cpu->steal } };

        exposition_family(t, name, "counter", "Time that the processors of the node spent in each mode.");
        for (size_t i = 0; i < ELEMENTS(modes); i++)
                exposition_decimal(t, name, (const char *[]){ "mode", modes[i].mode, NULL }, modes[i].ticks, 100);
}

static void put_node(Text *t, const StatisticsNode *node) {
        static const char load[] = "nanoscale_node_load";
        static const char *const minutes[] = { "1", "5", "15" };
        const NodeReading *n = &node->reading;

        put_cpu(t, &n->cpu);
        put(t, "nanoscale_node_processors", "gauge", "Processors of the node.", n->processors);
        put(t, "nanoscale_node_memory_total_bytes", "gauge", "Memory of the node.", n->memory.total);
        put(t, "nanoscale_node_memory_available_bytes", "gauge", "Memory that programs could have without swapping.", n->memory.available);
        put(t, "nanoscale_node_swap_total_bytes", "gauge", "Swap of the node.", n->memory.swap_total);
        put(t, "nanoscale_node_swap_free_bytes", "gauge", "Swap that is free.", n->memory.swap_free);
        put(t, "nanoscale_node_disk_total_bytes", "gauge", "Size of the file system of /opt/nanoscale.", n->disk_total);
        put(t, "nanoscale_node_disk_free_bytes", "gauge", "Free space on it for whom is not root.", n->disk_free);
        put(t, "nanoscale_node_network_received_bytes_total", "counter", "Received by the interfaces that lead outside.",
            n->network.received);
        put(t, "nanoscale_node_network_sent_bytes_total", "counter", "Sent by the interfaces that lead outside.", n->network.sent);
        exposition_family(t, load, "gauge", "Load average of the node.");
        for (size_t i = 0; i < ELEMENTS(minutes); i++)
                exposition_decimal(t, load, (const char *[]){ "minutes", minutes[i], NULL }, n->load[i], 100);
        put(t, "nanoscale_node_uptime_seconds", "gauge", "Since the node was booted.", n->uptime_seconds);
}

static const char *label(const Told *p) {
        return p->row.name;
}

static void put_projects(Text *t, const Told *list, size_t n) {
        static const char status[] = "nanoscale_project_status", cpu[] = "nanoscale_project_cpu_seconds_total",
                          memory[] = "nanoscale_project_memory_bytes", wakes[] = "nanoscale_project_wakes_total",
                          deployments[] = "nanoscale_project_deployments_total";

        exposition_family(t, status, "gauge", "1 for the status that the project has, 0 for the others.");
        for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < ELEMENTS(statuses); k++)
                        exposition_integer(t, status, (const char *[]){ "project", label(&list[i]), "status", statuses[k], NULL },
                                           strcmp(list[i].status, statuses[k]) == 0);
        exposition_family(t, cpu, "counter", "Processor time of the app.");
        for (size_t i = 0; i < n; i++)
                if (list[i].is_measured)
                        exposition_decimal(t, cpu, (const char *[]){ "project", label(&list[i]), NULL }, list[i].now.cpu_us, 1000000);
        exposition_family(t, memory, "gauge", "Anonymous memory of the app in RAM; 0 when it is asleep.");
        for (size_t i = 0; i < n; i++)
                if (list[i].is_measured && list[i].now.values[PROJECT_MEMORY] < SAMPLE_UNKNOWN)
                        exposition_integer(t, memory, (const char *[]){ "project", label(&list[i]), NULL },
                                           list[i].now.values[PROJECT_MEMORY] * 1024);
        exposition_family(t, wakes, "counter", "How often the app was woken, since the agent was started.");
        for (size_t i = 0; i < n; i++)
                exposition_integer(t, wakes, (const char *[]){ "project", label(&list[i]), NULL }, list[i].wakes);
        exposition_family(t, deployments, "counter", "Deployments, rollbacks and restarts of the project.");
        for (size_t i = 0; i < n; i++)
                exposition_integer(t, deployments, (const char *[]){ "project", label(&list[i]), NULL }, list[i].deployments);
}

static uint64_t microseconds(const struct timeval *t) {
        return (uint64_t) t->tv_sec * 1000000 + (uint64_t) t->tv_usec;
}

static uint64_t count_descriptors(void) {
        auto_closedir DIR *d = opendir("/proc/self/fd");
        uint64_t n = 0;

        while (d && readdir(d))
                n++;
        return n > 3 ? n - 3 : 0; /* . and .. and the directory's own */
}

static void put_agent(Text *t, const char *role, const StatisticsNode *node) {
        auto_fclose FILE *f = fopen("/proc/self/statm", "re");
        uint64_t pages = 0, shared = 0, page = (uint64_t) sysconf(_SC_PAGESIZE);
        struct rusage usage = { 0 };

        exposition_family(t, "nanoscale_agent_info", "gauge", "1, with the agent's version and role.");
        exposition_integer(t, "nanoscale_agent_info", (const char *[]){ "version", NANOSCALE_VERSION, "role", role, NULL }, 1);
        (void) getrusage(RUSAGE_SELF, &usage);
        exposition_family(t, "nanoscale_agent_cpu_seconds_total", "counter", "Processor time of the agent.");
        exposition_decimal(t, "nanoscale_agent_cpu_seconds_total", NULL, microseconds(&usage.ru_utime) + microseconds(&usage.ru_stime),
                           1000000);
        if (f && fscanf(f, "%*u %" SCNu64 " %" SCNu64, &pages, &shared) == 2 && pages >= shared) {
                put(t, "nanoscale_agent_resident_memory_bytes", "gauge", "Resident memory of the agent.", pages * page);
                put(t, "nanoscale_agent_anonymous_memory_bytes", "gauge", "The part of it that belongs to no file.",
                    (pages - shared) * page);
        }
        put(t, "nanoscale_agent_open_fds", "gauge", "Open descriptors of the agent.", count_descriptors());
        if (node) {
                exposition_family(t, "nanoscale_agent_sample_cpu_seconds", "gauge",
                                  "Processor time that the newest sample of statistics took.");
                exposition_decimal(t, "nanoscale_agent_sample_cpu_seconds", NULL, node->cost_us, 1000000);
        }
}

static void tell(const ApiConfig *config, ProjectRow *row, Told *ret) {
        const DeployContext *c = config->context;
        DeploymentRow *latest = NULL;
        size_t n = 0;

        *ret = (Told){ .row = *row };
        *row = (ProjectRow){ 0 };
        (void) store_deployment_list(c->store, ret->row.id, 0, 1, &latest, &n);
        ret->status = describe_status(c, &ret->row, n ? &latest[0] : NULL);
        ret->deployments = n ? (uint64_t) latest[0].number : 0;
        ret->wakes = keeper_wakes(c->keeper, ret->row.id);
        ret->is_measured = statistics_project(config->statistics, ret->row.id, &ret->now);
        for (size_t i = 0; i < n; i++)
                deployment_row_done(&latest[i]);
        free(latest);
}

int metrics_text(const ApiConfig *config, char **ret_text, size_t *ret_length) {
        auto_call(text_cleanup) Text t = { 0 };
        auto_free ProjectRow *rows = NULL;
        auto_free Told *list = NULL;
        StatisticsNode node;
        size_t n = 0;
        bool is_measured = statistics_node(config->statistics, &node);
        int r = store_project_list_on(config->context->store, config->context->server_id, &rows, &n);

        if (r != STORE_OK)
                return r < 0 ? r : -EIO;
        list = calloc(n ? n : 1, sizeof(*list));
        for (size_t i = 0; i < n; i++)
                if (list)
                        tell(config, &rows[i], &list[i]);
                else
                        project_row_done(&rows[i]);
        if (!list)
                return -ENOMEM;
        if (is_measured)
                put_node(&t, &node);
        put_projects(&t, list, n);
        put_agent(&t, config->role, is_measured ? &node : NULL);
        for (size_t i = 0; i < n; i++)
                project_row_done(&list[i].row);
        return text_take(&t, ret_text, ret_length);
}

void api_metrics(Api *a, HttpRequest *rq, const char *argument) {
        auto_free char *text = NULL;
        size_t length = 0;
        int r = metrics_text(&a->config, &text, &length);

        (void) argument;
        if (r < 0)
                reply_failure(a, rq, r, "The metrics could not be gathered");
        else
                http_reply(rq, 200, EXPOSITION_TYPE, text, length, NULL);
}
