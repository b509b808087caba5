/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "system/runtimes.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "event/child.h"
#include "security/validate.h"
#include "system/runtimes_version.h"
#include "system/runtimes_work.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define FRESH_S (24 * 60 * 60)
#define INDEX_MAX ((size_t) 32 * 1024 * 1024)
#define ARCHIVE_MAX ((size_t) 512 * 1024 * 1024)
#define INDEX_US (2 * 60 * USEC_PER_SEC)
#define ARCHIVE_US (20 * 60 * USEC_PER_SEC)
#define STALL_US (30 * USEC_PER_SEC)
#define WORK_US (10 * 60 * USEC_PER_SEC)
#define NODE_DIST "https://nodejs.org/dist"
#define BUN_DIST "https://github.com/oven-sh/bun/releases/download"

#if defined(__x86_64__)
#define NODE_ARCH "x64"
#define BUN_ARCH "x64"
#elif defined(__aarch64__)
#define NODE_ARCH "arm64"
#define BUN_ARCH "aarch64"
#else
#error "Node and Bun are published for x86-64 and 64-bit ARM"
#endif

typedef struct Job Job;

struct Runtimes {
        Loop *loop;
        FetchPool *pool;
        char *directory, *registry, *node_dist, *bun_dist, *ca;
        Job *jobs;
};

struct RuntimeWait {
        Job *job; /* NULL once ready() was called */
        RuntimeReady ready;
        void *owner;
        RuntimeWait *next, **link;
};

/* One wanted version on its way: begin → index → pick → archive → unpack → (the same for npm) → commit → end. Each step is one fetch or one
 * child, whose callback starts the next. */
struct Job {
        Runtimes *runtimes;
        RuntimeKind kind;
        char wanted[VERSION_SIZE];
        char version[VERSION_SIZE]; /* empty until it is known */
        char url[URL_SIZE];         /* of the archive */
        RuntimeWork work;
        bool looks_up; /* the index tells which version, so an installed one may stand in for it */
        int fd;        /* what the fetch writes to */
        Timer *soon;
        Fetch *fetch;
        Child *child;
        RuntimeWait *waits;
        Job *next, **link;
};

static const char *const kind_names[] = { [RUNTIME_NODE] = "node", [RUNTIME_BUN] = "bun" };

static void ask_index(Job *j);
static void ask_archive(Job *j);

/* --- what is on the disk --- */

static bool is_installed(const Runtimes *r, RuntimeKind kind, const char *version) {
        char path[PATH_MAX];
        (void) snprintf(path, sizeof path, "%s/%s-%s/bin/%s", r->directory, kind_names[kind], version, kind_names[kind]);
        return access(path, X_OK) == 0;
}

static bool newest_installed(const Runtimes *r, RuntimeKind kind, const char *wanted, char ret[static VERSION_SIZE]) {
        auto_closedir DIR *d = opendir(r->directory);
        size_t n = strlen(kind_names[kind]);
        ret[0] = '\0';
        for (const struct dirent *e; d && (e = readdir(d));) {
                const char *version = e->d_name + n + 1;
                if (strncmp(e->d_name, kind_names[kind], n) != 0 || e->d_name[n] != '-' || strlen(version) >= VERSION_SIZE)
                        continue;
                if (version_is_release(version) && version_matches(version, wanted) && is_installed(r, kind, version) &&
                    (!ret[0] || version_compare(version, ret) > 0))
                        (void) snprintf(ret, VERSION_SIZE, "%s", version);
        }
        return ret[0] != '\0';
}

static void latest_path(const Job *j, const char *suffix, char ret[static PATH_MAX]) {
        (void) snprintf(ret, PATH_MAX, "%s/.latest-%s-%s%s", j->runtimes->directory, kind_names[j->kind], j->wanted, suffix);
}

/* What the wanted version meant when it was looked up less than a day ago. */
static bool latest_read(const Job *j, char ret[static VERSION_SIZE]) {
        char path[PATH_MAX];
        struct stat st;
        latest_path(j, "", path);
        auto_fclose FILE *f = fopen(path, "re");
        if (!f || fstat(fileno(f), &st) < 0)
                return false;
        /* A time to come is a clock that was set back: look again. A second is none: file systems' clocks may be finer than time(), and
         * ahead. */
        time_t age = time(NULL) - st.st_mtime;
        if (age < -1 || age >= FRESH_S || !fgets(ret, VERSION_SIZE, f))
                return false;
        ret[strcspn(ret, "\n")] = '\0';
        return version_is_release(ret) && version_matches(ret, j->wanted);
}

static void latest_write(const Job *j) {
        char path[PATH_MAX], fresh[PATH_MAX];
        latest_path(j, "", path);
        latest_path(j, ".new", fresh);
        auto_fclose FILE *f = fopen(fresh, "we");
        if (f && fprintf(f, "%s\n", j->version) > 0 && fflush(f) == 0)
                (void) rename(fresh, path); /* only a cache: not worth an fsync, and no failure */
}

/* --- the end --- */

static void job_stop(Job *j) {
        j->soon = timer_drop(j->soon);
        j->fetch = fetch_drop(j->fetch);
        j->child = child_drop(j->child);
        cleanup_close(&j->fd);
        j->fd = -1;
}

static void job_free(Job *j) {
        job_stop(j);
        if (j->work.directory[0])
                runtime_remove_tree(j->work.directory);
        *j->link = j->next;
        if (j->next)
                j->next->link = j->link;
        free(j);
}

/* Tells all who wait. The job is not in the list any more then, so that one that is asked for from there is a new one. */
static void job_end(Job *j, int error, const char *sentence) {
        char version[VERSION_SIZE];
        RuntimeWait *waits = NULL;
        (void) snprintf(version, sizeof version, "%s", error < 0 ? "" : j->version);
        waits = handover(j->waits);
        if (waits)
                waits->link = &waits;
        job_free(j);
        while (waits) {
                RuntimeWait *w = waits;
                waits = w->next;
                if (waits)
                        waits->link = &waits;
                w->job = NULL;
                w->link = NULL;
                w->ready(w->owner, error, version, sentence); /* may drop w and others of this list */
        }
}

static void job_fail(Job *j, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void job_fail(Job *j, int error, const char *format, ...) {
        char sentence[1024];
        va_list arguments;
        va_start(arguments, format);
        (void) vsnprintf(sentence, sizeof sentence, format, arguments);
        va_end(arguments);
        /* Old and here is better than new and out of reach. */
        if (j->looks_up && newest_installed(j->runtimes, j->kind, j->wanted, j->version)) {
                job_end(j, 0, NULL);
                return;
        }
        job_end(j, error, sentence);
}

/* --- steps --- */

static bool from_registry(const Job *j) {
        return j->runtimes->registry != NULL;
}

static bool is_exact(const Job *j) {
        return version_is_release(j->wanted);
}

static void work_start(Job *j, int (*work)(void *, int), ChildDone done) {
        int r = child_call(j->runtimes->loop, work, &j->work, 2048, WORK_US, done, j, &j->child);
        if (r < 0)
                job_fail(j, r, "no child process for %s: %s", j->work.name, strerrordesc_np(-r));
}

/* True if the child did its work; otherwise the job has ended. */
static bool work_succeeded(Job *j, const ChildResult *result) {
        j->child = child_drop(j->child);
        if (result->exit_code == WORK_OK)
                return true;
        if (result->exit_code == WORK_NO_MATCH)
                j->looks_up = false; /* the source has been reached: this is its word */
        if (result->exit_code < 0 || result->length == 0)
                job_fail(j, -EIO, result->timed_out ? "%s took too long to unpack" : "the work on %s was interrupted", j->work.name);
        else
                job_fail(j, result->exit_code == WORK_NO_MATCH ? -ENOENT : -EBADMSG, "%s", result->output);
        return false;
}

static void on_committed(void *owner, const ChildResult *result) {
        Job *j = owner;
        if (!work_succeeded(j, result))
                return;
        j->work.directory[0] = '\0'; /* it is gone */
        if (is_installed(j->runtimes, j->kind, j->version))
                job_end(j, 0, NULL);
        else
                job_fail(j, -EIO, "%s is in the way of %s", j->work.target, j->work.name);
}

static void on_unpacked(void *owner, const ChildResult *result) {
        Job *j = owner;
        if (!work_succeeded(j, result))
                return;
        if (j->work.package == PACKAGE_NODE) {
                /* The registry's node comes alone. */
                j->work.package = PACKAGE_NPM;
                ask_index(j);
                return;
        }
        (void) snprintf(j->work.target, sizeof j->work.target, "%s/%s-%s", j->runtimes->directory, kind_names[j->kind], j->version);
        work_start(j, runtime_work_commit, on_committed);
}

/* The fetch of one file into the job's directory. */
static void fetch_file(Job *j, const char *url, const char *name, size_t max_bytes, uint64_t timeout_us, FetchDone done) {
        static const char *const abbreviated[] = { "Accept: application/vnd.npm.install-v1+json, application/json;q=0.8, */*;q=0.5", NULL };
        char path[PATH_MAX];
        (void) snprintf(path, sizeof path, "%s/%s", j->work.directory, name);
        j->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (j->fd < 0) {
                job_fail(j, -errno, "cannot write %s: %m", path);
                return;
        }
        const FetchSpec spec = {
                .url = url,
                .headers = abbreviated,
                .ca = j->runtimes->ca,
                .timeout_us = timeout_us,
                .stall_us = STALL_US,
                .max_bytes = max_bytes,
                .to_fd = j->fd,
                .redirects = 5,
        };
        int r = fetch_start(j->runtimes->pool, &spec, done, j, &j->fetch);
        if (r < 0)
                job_fail(j, r, "%s cannot be fetched: %s", url, strerrordesc_np(-r));
}

/* True if there was a proper answer; otherwise the job has ended. */
static bool fetch_succeeded(Job *j, const FetchResult *result, const char *what) {
        j->fetch = fetch_drop(j->fetch);
        cleanup_close(&j->fd);
        j->fd = -1;
        if (result->error == -ENOSPC || result->error == -EDQUOT) {
                job_fail(j, result->error, "the disk is full: %s %s does not fit into %s", what, j->work.name, j->runtimes->directory);
                return false;
        }
        if (result->error < 0) {
                job_fail(j, result->error, "%s %s could not be fetched: %s", what, j->work.name, result->sentence);
                return false;
        }
        if (result->status == 200)
                return true;
        if (result->status == 404) {
                j->looks_up = false;
                job_fail(j, -ENOENT, "there is no %s %s: its source has no %s (404)", kind_names[j->kind],
                         j->version[0] ? j->version : j->wanted, j->work.name);
                return false;
        }
        job_fail(j, -EREMOTEIO, "%s %s could not be fetched: the server answered %u", what, j->work.name, result->status);
        return false;
}

static void on_archive(void *owner, const FetchResult *result) {
        Job *j = owner;
        if (fetch_succeeded(j, result, "the archive of"))
                work_start(j, runtime_work_unpack, on_unpacked);
}

static void ask_archive(Job *j) {
        fetch_file(j, j->url, "archive", ARCHIVE_MAX, ARCHIVE_US, on_archive);
}

/* Another job that is after the same version, by another name (`20` and `20.19.0`): its download serves both. */
static Job *job_with_version(const Job *mine) {
        for (Job *j = mine->runtimes->jobs; j; j = j->next)
                if (j != mine && j->kind == mine->kind && strcmp(j->version, mine->version) == 0)
                        return j;
        return NULL;
}

static void join(Job *j, Job *other) {
        RuntimeWait **end = &other->waits;
        for (RuntimeWait *w = j->waits; w; w = w->next)
                w->job = other;
        while (*end)
                end = &(*end)->next;
        *end = handover(j->waits);
        if (*end)
                (*end)->link = end;
        job_free(j);
}

/* The exact version is known, or confirmed. True if there is more to do for this job. */
static bool version_known(Job *j, const char *version) {
        (void) snprintf(j->version, sizeof j->version, "%s", version);
        if (!is_exact(j) && j->looks_up)
                latest_write(j);
        j->looks_up = false; /* from here on a failure is one of this version */
        if (is_installed(j->runtimes, j->kind, version)) {
                job_end(j, 0, NULL);
                return false;
        }
        Job *other = job_with_version(j);
        if (other) {
                join(j, other);
                return false;
        }
        return true;
}

static void on_picked_package(Job *j, const char *text) {
        char version[VERSION_SIZE];
        static_assert(VERSION_SIZE == 64 && DIGEST_SIZE == 512 && URL_SIZE == 1024, "sscanf below");
        if (sscanf(text, "%63s %511s %1023s", version, j->work.digest, j->url) != 3 ||
            !runtime_url_is_safe(j->runtimes->registry, j->url)) {
                job_fail(j, -EBADMSG, "the registry's answer on %s has no proper address in it", j->work.name);
                return;
        }
        if (j->work.package == PACKAGE_NPM || version_known(j, version))
                ask_archive(j);
}

static void on_picked(void *owner, const ChildResult *result) {
        Job *j = owner;
        if (!work_succeeded(j, result))
                return;
        if (j->work.index == INDEX_NODE_DIST) {
                if (version_known(j, result->output))
                        ask_index(j); /* now for its SHASUMS256.txt */
        } else if (j->work.index == INDEX_SUMS) {
                (void) snprintf(j->work.digest, sizeof j->work.digest, "%s", result->output);
                ask_archive(j);
        } else {
                on_picked_package(j, result->output);
        }
}

static void on_index(void *owner, const FetchResult *result) {
        Job *j = owner;
        if (fetch_succeeded(j, result, "the index of"))
                work_start(j, runtime_work_pick, on_picked);
}

/* The registry's name of the package. A Bun for processors with AVX2 dies of SIGILL on one without. */
static const char *package_name(const Job *j) {
        if (j->work.package == PACKAGE_NPM)
                return "npm";
        if (j->kind == RUNTIME_NODE)
                return "node-linux-" NODE_ARCH;
#if defined(__x86_64__)
        if (!__builtin_cpu_supports("avx2"))
                return "@oven/bun-linux-" BUN_ARCH "-baseline";
#endif
        return "@oven/bun-linux-" BUN_ARCH;
}

static void ask_registry(Job *j, Text *url) {
        const char *name = package_name(j), *slash = strchr(name, '/');
        const char *wanted = j->version[0] ? j->version : j->wanted;
        (void) snprintf(j->work.name, sizeof j->work.name, "%s", name);
        /* A scope's slash is escaped, as npm does. */
        if (slash)
                text_printf(url, "%s/%.*s%%2f%s", j->runtimes->registry, (int) (slash - name), name, slash + 1);
        else
                text_printf(url, "%s/%s", j->runtimes->registry, name);
        if (j->work.package == PACKAGE_NPM) {
                j->work.index = INDEX_NPM_PACKAGE;
                j->work.wanted[0] = '\0';
                (void) snprintf(j->work.node, sizeof j->work.node, "%s", j->version);
                return;
        }
        (void) snprintf(j->work.wanted, sizeof j->work.wanted, "%s", wanted);
        j->work.index = version_is_release(wanted) ? INDEX_NPM_VERSION : INDEX_NPM_PACKAGE;
        if (j->work.index == INDEX_NPM_VERSION)
                text_printf(url, "/%s", wanted);
}

static void ask_dist(Job *j, Text *url) {
        const char *base = j->kind == RUNTIME_NODE ? j->runtimes->node_dist : j->runtimes->bun_dist;
        if (!j->version[0]) {
                j->work.index = INDEX_NODE_DIST;
                (void) snprintf(j->work.name, sizeof j->work.name, "node");
                (void) snprintf(j->work.wanted, sizeof j->work.wanted, "%s", j->wanted);
                text_printf(url, "%s/index.json", base);
                return;
        }
        if (j->kind == RUNTIME_NODE)
                (void) snprintf(j->work.name, sizeof j->work.name, "node-v%s-linux-" NODE_ARCH ".tar.gz", j->version);
        else
                (void) snprintf(j->work.name, sizeof j->work.name, "bun-linux-" BUN_ARCH ".zip");
        const char *tag = j->kind == RUNTIME_NODE ? "v" : "bun-v";
        (void) snprintf(j->url, sizeof j->url, "%s/%s%s/%s", base, tag, j->version, j->work.name);
        j->work.index = INDEX_SUMS;
        text_printf(url, "%s/%s%s/SHASUMS256.txt", base, tag, j->version);
}

static void ask_index(Job *j) {
        auto_call(text_cleanup) Text url = { 0 };
        if (from_registry(j))
                ask_registry(j, &url);
        else
                ask_dist(j, &url);
        if (url.error < 0)
                job_fail(j, url.error, "not enough memory");
        else
                fetch_file(j, url.data, "index", INDEX_MAX, INDEX_US, on_index);
}

static bool make_directory(Job *j) {
        char path[PATH_MAX / 2];
        (void) snprintf(path, sizeof path, "%s/.download-XXXXXX", j->runtimes->directory);
        if (!mkdtemp(path))
                return false;
        memcpy(j->work.directory, path, sizeof path);
        return true;
}

static void on_begin(void *owner) {
        Job *j = owner;
        char version[VERSION_SIZE];
        j->soon = timer_drop(j->soon);
        if (is_exact(j)) {
                if (!version_known(j, j->wanted))
                        return;
        } else if (latest_read(j, version)) {
                if (!version_known(j, version))
                        return;
        } else {
                j->looks_up = true;
        }
        if (!j->version[0] && !from_registry(j) && j->kind == RUNTIME_BUN) {
                job_fail(j, -EINVAL, "Bun %s is not exact: without an npm registry a version as 1.2.20 is needed", j->wanted);
                return;
        }
        if (j->kind == RUNTIME_NODE)
                j->work.package = from_registry(j) ? PACKAGE_NODE : PACKAGE_NODE_DIST;
        else
                j->work.package = from_registry(j) ? PACKAGE_BUN : PACKAGE_BUN_DIST;
        if (make_directory(j))
                ask_index(j);
        else
                job_fail(j, -errno, "cannot write to %s: %m", j->runtimes->directory);
}

/* --- the object --- */

static int job_new(Runtimes *r, RuntimeKind kind, const char *wanted, Job **ret_job) {
        Job *j = calloc(1, sizeof *j);
        if (!j)
                return -ENOMEM;
        j->runtimes = r;
        j->kind = kind;
        j->fd = -1;
        (void) snprintf(j->wanted, sizeof j->wanted, "%s", wanted);
        int e = timer_start(r->loop, 0, on_begin, j, &j->soon);
        if (e < 0) {
                free(j);
                return e;
        }
        j->next = r->jobs;
        j->link = &r->jobs;
        if (j->next)
                j->next->link = &j->next;
        r->jobs = j;
        *ret_job = j;
        return 0;
}

int runtimes_want(Runtimes *r, RuntimeKind kind, const char *wanted, RuntimeReady ready, void *owner, RuntimeWait **ret_wait) {
        if (!valid_version(wanted) || strlen(wanted) >= VERSION_SIZE)
                return -EINVAL;
        Job *j = r->jobs;
        while (j && (j->kind != kind || strcmp(j->wanted, wanted) != 0))
                j = j->next;
        RuntimeWait *w = calloc(1, sizeof *w);
        if (!w)
                return -ENOMEM;
        if (!j) {
                int e = job_new(r, kind, wanted, &j);
                if (e < 0) {
                        free(w);
                        return e;
                }
        }
        w->job = j;
        w->ready = ready;
        w->owner = owner;
        w->next = j->waits;
        w->link = &j->waits;
        if (w->next)
                w->next->link = &w->next;
        j->waits = w;
        *ret_wait = w;
        return 0;
}

RuntimeWait *runtime_wait_drop(RuntimeWait *w) {
        if (!w)
                return NULL;
        if (w->link) {
                *w->link = w->next;
                if (w->next)
                        w->next->link = w->link;
        }
        free(w);
        return NULL;
}

static void remove_leftovers(const char *directory) {
        auto_closedir DIR *d = opendir(directory);
        for (const struct dirent *e; d && (e = readdir(d));) {
                char path[PATH_MAX];
                if (strncmp(e->d_name, ".download-", strlen(".download-")) != 0)
                        continue;
                (void) snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
                runtime_remove_tree(path);
        }
}

/* A URL without its last slash. */
static bool copy(const char *from, const char *otherwise, char **ret) {
        const char *text = from ? from : otherwise;
        *ret = text ? strdup(text) : NULL;
        if (*ret && strlen(*ret) > 1 && (*ret)[strlen(*ret) - 1] == '/')
                (*ret)[strlen(*ret) - 1] = '\0';
        return !text || *ret;
}

static bool is_short(const char *url) {
        return !url || strlen(url) < URL_SIZE / 2;
}

int runtimes_new(Loop *l, FetchPool *pool, const RuntimesConfig *config, Runtimes **ret_runtimes) {
        if (config->directory[0] != '/' || strlen(config->directory) > PATH_MAX / 2 - 128 || !is_short(config->registry) ||
            !is_short(config->node_dist) || !is_short(config->bun_dist))
                return -EINVAL;
        if (mkdir(config->directory, 0755) < 0 && errno != EEXIST)
                return -errno;
        Runtimes *r = calloc(1, sizeof *r);
        if (!r)
                return -ENOMEM;
        r->loop = l;
        r->pool = pool;
        if (!copy(config->directory, NULL, &r->directory) || !copy(config->registry, NULL, &r->registry) ||
            !copy(config->node_dist, NODE_DIST, &r->node_dist) || !copy(config->bun_dist, BUN_DIST, &r->bun_dist) ||
            !copy(config->ca, NULL, &r->ca)) {
                (void) runtimes_free(r);
                return -ENOMEM;
        }
        remove_leftovers(r->directory);
        *ret_runtimes = r;
        return 0;
}

Runtimes *runtimes_free(Runtimes *r) {
        if (!r)
                return NULL;
        while (r->jobs) {
                assert(!r->jobs->waits);
                job_free(r->jobs);
        }
        free(r->directory);
        free(r->registry);
        free(r->node_dist);
        free(r->bun_dist);
        free(r->ca);
        free(r);
        return NULL;
}
