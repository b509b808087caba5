/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "deployment/event_log.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
        READ_SLICE = 512, /* events in one turn of the loop */
        SLOW_CLIENT_US = 100 * 1000,
};

struct EventLogs {
        Loop *loop;
        char *directory;
        EventReader *readers;
};

struct EventLog {
        EventLogs *logs;
        char deployment[13];
        int fd;
        uint64_t sequence;
        size_t size;
        bool full;
};

struct EventReader {
        EventLogs *logs;
        EventReader *next;
        char deployment[13];
        FILE *file; /* NULL until there is one */
        uint64_t after;
        EventReaderOps ops;
        void *owner;
        Timer *timer;
        bool *dropped; /* set while a callback runs: tells the caller that the reader is gone */
        char *line;
        size_t line_size;
};

int event_logs_new(Loop *l, const char *directory, EventLogs **ret_logs) {
        EventLogs *logs;

        if (mkdir(directory, 0700) < 0 && errno != EEXIST)
                return -errno;
        logs = calloc(1, sizeof *logs);
        if (!logs)
                return -ENOMEM;
        logs->loop = l;
        logs->directory = strdup(directory);
        if (!logs->directory) {
                free(logs);
                return -ENOMEM;
        }
        *ret_logs = logs;
        return 0;
}

EventLogs *event_logs_free(EventLogs *logs) {
        if (!logs)
                return NULL;
        free(logs->directory);
        free(logs);
        return NULL;
}

static int log_path(const EventLogs *logs, const char *deployment, char *ret, size_t size) {
        return (size_t) snprintf(ret, size, "%s/%s.log", logs->directory, deployment) < size ? 0 : -ENAMETOOLONG;
}

/* Finds the last whole line's sequence number, and where the file should end. */
static int find_end(int fd, uint64_t *ret_sequence, off_t *ret_end) {
        auto_fclose FILE *f = NULL;
        auto_free char *line = NULL;
        size_t size = 0;
        ssize_t n;
        int copy = dup(fd);

        if (copy < 0)
                return -errno;
        f = fdopen(copy, "r");
        if (!f) {
                (void) close(copy);
                return -errno;
        }
        *ret_sequence = 0;
        *ret_end = 0;
        while ((n = getline(&line, &size, f)) > 0) {
                if (line[n - 1] != '\n')
                        break;
                *ret_sequence = strtoull(line, NULL, 10);
                *ret_end += n;
        }
        return 0;
}

int event_log_open(EventLogs *logs, const char *deployment, EventLog **ret_log) {
        char path[512];
        auto_close int fd = -1;
        EventLog *log;
        off_t end;
        uint64_t sequence;
        int r;

        r = log_path(logs, deployment, path, sizeof path);
        if (r < 0)
                return r;
        fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        r = find_end(fd, &sequence, &end);
        if (r < 0)
                return r;
        if (ftruncate(fd, end) < 0)
                return -errno;
        log = calloc(1, sizeof *log);
        if (!log)
                return -ENOMEM;
        (void) snprintf(log->deployment, sizeof log->deployment, "%s", deployment);
        log->logs = logs;
        log->fd = handover_fd(fd);
        log->sequence = sequence;
        log->size = (size_t) end;
        log->full = log->size >= EVENT_LOG_MAX;
        *ret_log = log;
        return 0;
}

EventLog *event_log_close(EventLog *log) {
        if (!log)
                return NULL;
        (void) close(log->fd);
        free(log);
        return NULL;
}

static void wake_readers(EventLogs *logs, const char *deployment) {
        for (EventReader *r = logs->readers; r; r = r->next)
                if (strcmp(r->deployment, deployment) == 0)
                        (void) timer_rearm(r->timer, 0);
}

static int append_line(EventLog *log, const char *type, const char *json) {
        auto_free char *line = NULL;
        size_t written = 0;
        int length;

        length = asprintf(&line, "%" PRIu64 "\t%s\t%s\n", log->sequence + 1, type, json);
        if (length < 0) {
                line = NULL;
                return -ENOMEM;
        }
        while (written < (size_t) length) {
                ssize_t n = write(log->fd, line + written, (size_t) length - written);
                if (n < 0) {
                        int error = -errno;
                        if (errno == EINTR)
                                continue;
                        /* Half a line would spoil the next one. */
                        if (written > 0)
                                (void) !ftruncate(log->fd, (off_t) log->size);
                        return error;
                }
                written += (size_t) n;
        }
        log->sequence++;
        log->size += written;
        return 0;
}

int event_log_append(EventLog *log, const char *type, const char *json) {
        int r;

        if (strcmp(type, "log") == 0) {
                if (log->full)
                        return 0;
                if (log->size >= EVENT_LOG_MAX) {
                        log->full = true;
                        json = "{\"line\":\"The log ends here: it has reached its limit of 16 MiB.\"}";
                }
        }
        r = append_line(log, type, json);
        if (r == 0)
                wake_readers(log->logs, log->deployment);
        return r;
}

static int open_reader(EventReader *r) {
        char path[512];
        int error = log_path(r->logs, r->deployment, path, sizeof path);
        if (error < 0)
                return error;
        r->file = fopen(path, "re");
        return r->file ? 0 : -errno;
}

/* Splits "SEQUENCE\tTYPE\tJSON\n" in place. */
static bool split_line(char *line, size_t length, uint64_t *ret_sequence, const char **ret_type, const char **ret_json) {
        char *type, *json;
        if (length == 0 || line[length - 1] != '\n')
                return false;
        line[length - 1] = '\0';
        type = strchr(line, '\t');
        json = type ? strchr(type + 1, '\t') : NULL;
        if (!json)
                return false;
        *type++ = '\0';
        *json++ = '\0';
        *ret_sequence = strtoull(line, NULL, 10);
        *ret_type = type;
        *ret_json = json;
        return true;
}

static void reader_pump(void *owner) {
        EventReader *r = owner;
        bool dropped = false;

        if (!r->file && open_reader(r) < 0) {
                r->ops.ended(r->owner);
                return;
        }
        r->dropped = &dropped;
        for (unsigned i = 0; i < READ_SLICE; i++) {
                off_t at = ftello(r->file);
                const char *type, *json;
                uint64_t sequence;
                ssize_t n;

                if (!r->ops.ready(r->owner)) {
                        if (dropped)
                                return;
                        r->dropped = NULL;
                        (void) timer_rearm(r->timer, SLOW_CLIENT_US);
                        return;
                }
                if (dropped)
                        return;
                n = getline(&r->line, &r->line_size, r->file);
                if (n <= 0 || !split_line(r->line, (size_t) n, &sequence, &type, &json)) {
                        /* Nothing more, or a line that is being written: come back to it with the next event. */
                        clearerr(r->file);
                        (void) fseeko(r->file, at, SEEK_SET);
                        r->dropped = NULL;
                        return;
                }
                if (sequence <= r->after)
                        continue;
                r->after = sequence;
                r->ops.event(r->owner, sequence, type, json);
                if (dropped)
                        return;
                if (strcmp(type, "end") == 0) {
                        r->ops.ended(r->owner);
                        if (!dropped)
                                r->dropped = NULL;
                        return;
                }
        }
        r->dropped = NULL;
        (void) timer_rearm(r->timer, 0);
}

int event_reader_new(EventLogs *logs, const char *deployment, uint64_t after, const EventReaderOps *ops, void *owner,
                     EventReader **ret_reader) {
        EventReader *r = calloc(1, sizeof *r);
        int error;

        if (!r)
                return -ENOMEM;
        r->logs = logs;
        (void) snprintf(r->deployment, sizeof r->deployment, "%s", deployment);
        r->after = after;
        r->ops = *ops;
        r->owner = owner;
        error = timer_start(logs->loop, 0, reader_pump, r, &r->timer);
        if (error < 0) {
                free(r);
                return error;
        }
        r->next = logs->readers;
        logs->readers = r;
        *ret_reader = r;
        return 0;
}

EventReader *event_reader_drop(EventReader *r) {
        if (!r)
                return NULL;
        if (r->dropped)
                *r->dropped = true;
        for (EventReader **p = &r->logs->readers; *p; p = &(*p)->next)
                if (*p == r) {
                        *p = r->next;
                        break;
                }
        timer_drop(r->timer);
        if (r->file)
                (void) fclose(r->file);
        free(r->line);
        free(r);
        return NULL;
}

int event_log_read(const EventLogs *logs, const char *deployment, size_t last_bytes,
                   void (*line)(void *owner, const char *type, const char *json), void *owner) {
        char path[512];
        auto_fclose FILE *f = NULL;
        auto_free char *text = NULL;
        size_t size = 0;
        ssize_t n;
        int r;

        r = log_path(logs, deployment, path, sizeof path);
        if (r < 0)
                return r;
        f = fopen(path, "re");
        if (!f)
                return -errno;
        /* The line that the jump lands in is not whole. */
        if (last_bytes > 0 && fseeko(f, -(off_t) last_bytes, SEEK_END) == 0 && getline(&text, &size, f) < 0)
                return 0;
        while ((n = getline(&text, &size, f)) > 0) {
                uint64_t sequence;
                const char *type, *json;
                if (!split_line(text, (size_t) n, &sequence, &type, &json))
                        break;
                line(owner, type, json);
        }
        return 0;
}

int event_log_delete(const EventLogs *logs, const char *deployment) {
        char path[512];
        int r = log_path(logs, deployment, path, sizeof path);
        if (r < 0)
                return r;
        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}
