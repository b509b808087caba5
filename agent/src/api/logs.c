/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What an app prints: the journal lines of both its slots. */
#include "api/reply.h"
#include "api/sse.h"

#include "base/cleanup.h"
#include "deployment/describe.h"
#include "system/journal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

typedef struct {
        HttpStream *stream;
        JournalFollow *journal;
        bool follow;
} LogStream;

static void log_stream_free(LogStream *s) {
        journal_follow_drop(s->journal);
        http_stream_end(s->stream);
        free(s);
}

/* "nanoscale-ID@a.service" -> "a" */
static const char *slot_of(const char *unit) {
        const char *at = strchr(unit, '@');
        return at && at[1] == 'b' ? "b" : "a";
}

static void log_line(void *owner, const JournalLine *line) {
        LogStream *s = owner;
        json_t *event = json_pack("{s:o, s:s, s:s}", "at", describe_time(line->at_ms), "line", line->coloured, "slot", slot_of(line->unit));
        char *text = event ? json_dumps(event, JSON_COMPACT) : NULL;
        int r = text ? sse_write(s->stream, 0, "log", text) : -ENOMEM;

        free(text);
        json_decref(event);
        /* A client that does not keep up is cut; it asks again with the number of lines that it wants. */
        if (r < 0)
                log_stream_free(s);
}

static void log_caught_up(void *owner) {
        LogStream *s = owner;
        if (!s->follow)
                log_stream_free(s);
}

static void log_client_gone(void *owner) {
        log_stream_free(owner);
}

void api_log_stream(Api *a, HttpRequest *rq, const char *argument) {
        char slot_a[64], slot_b[64];
        const char *units[] = { slot_a, slot_b, NULL };
        ProjectRow project = { 0 };
        LogStream *s;
        long lines, follow;
        int r;

        if (!take_number(rq, "lines", 0, 10000, 100, &lines) || !take_number(rq, "follow", 0, 1, 0, &follow) ||
            !take_project(a, rq, argument, &project))
                return;
        (void) snprintf(slot_a, sizeof slot_a, "nanoscale-%s@a.service", project.id);
        (void) snprintf(slot_b, sizeof slot_b, "nanoscale-%s@b.service", project.id);
        project_row_done(&project);
        s = calloc(1, sizeof *s);
        r = s ? journal_follow(a->config.context->loop, units, NULL, (unsigned) lines, log_line, log_caught_up, s, &s->journal) : -ENOMEM;
        if (r < 0) {
                free(s);
                reply_failure(a, rq, r, "The log could not be read");
                return;
        }
        s->follow = follow != 0;
        r = sse_begin(rq, log_client_gone, s, &s->stream);
        if (r < 0) {
                journal_follow_drop(s->journal);
                free(s);
                reply_failure(a, rq, r, "The log could not be followed");
        }
}
