/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "api/events.h"

#include "api/elsewhere.h"
#include "api/nudge.h"
#include "api/reply.h"
#include "api/sse.h"
#include "api/usage.h"

#include "base/cleanup.h"
#include "deployment/describe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
        SETTLE_US = 20 * 1000, /* what is written together is told together */
        REST_US = 500 * 1000,  /* between two events of one thing */
        PAUSE_US = 100 * 1000, /* between two lots */
        LOT = 32,              /* that many at once: a server with 1,000 projects that goes away must hold up nobody */
        USAGE_US = 10 * 1000 * 1000,
};
/* Beside those of the store: the newest deployment of a project on another server, by the project's id. */
#define LATEST ((unsigned) STORE_SERVER_STATE + 1)
#define LIFE_US (3600 * USEC_PER_SEC) /* then it is asked again who is there */

typedef struct {
        char id[13];
        unsigned thing; /* a StoreThing, or LATEST */
        bool is_due;    /* it has changed since it was told */
        uint64_t at_us; /* not before; when it is not due: forgotten then */
} Entry;

typedef struct {
        Events *events;
        HttpStream *stream; /* NULL: this place is free */
        uint64_t until_us;
} EventStream;

struct Events {
        Api *a;
        Timer *timer, *usage;
        EventStream streams[EVENT_STREAMS_MOST];
        size_t n_streams;
        Entry *entries; /* ordered by thing and id */
        size_t n, size;
        Entry last;        /* that was told */
        uint64_t armed_us; /* when the timer fires; 0: it does not */
};

/* --- what has changed --- */

static int compare(const Entry *entry, unsigned thing, const char *id) {
        return entry->thing != thing ? (entry->thing > thing) - (entry->thing < thing) : strcmp(entry->id, id);
}

static size_t position(const Events *e, unsigned thing, const char *id) {
        size_t low = 0, high = e->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (compare(&e->entries[middle], thing, id) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static Entry *obtain(Events *e, unsigned thing, const char *id) {
        size_t at = position(e, thing, id);

        if (at < e->n && compare(&e->entries[at], thing, id) == 0)
                return &e->entries[at];
        if (e->n == e->size) {
                size_t size = e->size ? 2 * e->size : 32;
                Entry *entries = reallocarray(e->entries, size, sizeof(*entries));

                if (!entries)
                        return NULL;
                e->entries = entries;
                e->size = size;
        }
        memmove(&e->entries[at + 1], &e->entries[at], (e->n - at) * sizeof(*e->entries));
        e->n++;
        e->entries[at] = (Entry){ .thing = thing, .at_us = clock_monotonic_us() + SETTLE_US };
        (void) snprintf(e->entries[at].id, sizeof(e->entries[at].id), "%s", id);
        return &e->entries[at];
}

static void forget_all(Events *e) {
        free(e->entries);
        e->entries = NULL;
        e->n = e->size = 0;
}

static void arm(Events *e, uint64_t at_us) {
        uint64_t now_us = clock_monotonic_us();

        if (e->armed_us && e->armed_us <= at_us)
                return;
        e->armed_us = at_us;
        (void) timer_rearm(e->timer, at_us > now_us ? at_us - now_us : 0);
}

static void touch(Events *e, unsigned thing, const char *id) {
        Entry *entry = e->n_streams ? obtain(e, thing, id) : NULL;

        if (!entry)
                return;
        entry->is_due = true;
        arm(e, entry->at_us);
}

/* In the middle of a statement of the store: only noted. */
static void changed(void *owner, StoreThing thing, const char *id) {
        Events *e = owner;

        touch(e, thing, id);
        if (thing == STORE_PROJECT)
                nudge_touch(e->a->nudge);
}

void events_latest(Events *e, const char *project_id) {
        if (e)
                touch(e, LATEST, project_id);
}

/* --- telling --- */

static void stream_end(EventStream *s) {
        Events *e = s->events;

        http_stream_end(handover(s->stream));
        e->n_streams--;
        if (e->n_streams)
                return;
        nodes_watch(e->a->nodes, false);
        forget_all(e);
        timer_stop(e->timer);
        timer_stop(e->usage);
        e->armed_us = 0;
}

static void stream_closed(void *owner) {
        stream_end(owner);
}

static void stream_write(EventStream *s, const char *text, size_t length) {
        if (http_stream_pending(s->stream) + length > EVENT_BACKLOG_MOST || http_stream_write(s->stream, text, length) < 0)
                stream_end(s);
}

static void tell(Events *e, const char *event, const char *data) {
        auto_free char *text = NULL;
        size_t length = 0;

        if (sse_text(0, event, data, &text, &length) < 0)
                return;
        for (size_t i = 0; i < EVENT_STREAMS_MOST; i++)
                if (e->streams[i].stream)
                        stream_write(&e->streams[i], text, length);
}

static char *dump(json_t *o) {
        char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

        json_decref(o);
        return text;
}

static json_t *render_project(const Api *a, const char *id) {
        ProjectRow row = { 0 };
        json_t *o = NULL;

        if (store_project_get(a->config.context->store, id, &row) == STORE_OK)
                o = describe_any(a, &row);
        project_row_done(&row);
        return o;
}

static json_t *render_deployment(const Api *a, const char *id) {
        const DeployContext *c = a->config.context;
        DeploymentRow row = { 0 };
        ProjectRow project = { 0 };
        json_t *o = NULL;

        if (store_deployment_get(c->store, id, &row) == STORE_OK && store_project_get(c->store, row.project_id, &project) == STORE_OK)
                o = describe_deployment(c, &project, &row, false);
        deployment_row_done(&row);
        project_row_done(&project);
        return o;
}

static json_t *render_server(const Api *a, const char *id) {
        ServerRow row = { 0 };
        json_t *o = NULL;

        if (store_server_get(a->config.context->store, id, &row) == STORE_OK)
                o = describe_node(a, &row);
        server_row_done(&row);
        return o;
}

int events_render(const Api *a, StoreThing thing, const char *id, const char **ret_event, char **ret_data) {
        static const struct {
                const char *event, *removed;
                json_t *(*render)(const Api *a, const char *id);
        } kinds[] = {
                [STORE_PROJECT] = { "project", "project-removed", render_project },
                [STORE_DEPLOYMENT] = { "deployment", NULL, render_deployment },
                [STORE_SERVER] = { "server", "server-removed", render_server },
        };
        json_t *o;

        if (thing >= ELEMENTS(kinds))
                return 1;
        o = kinds[thing].render(a, id);
        *ret_event = kinds[thing].event;
        if (!o) { /* it is gone; should memory have run out instead, the client reads it again and finds it there */
                *ret_event = kinds[thing].removed;
                o = kinds[thing].removed ? json_pack("{s:s}", "id", id) : NULL;
        }
        if (!o)
                return 1;
        *ret_data = dump(o);
        return *ret_data ? 0 : -ENOMEM;
}

/* The deployments of a project on another server are known by its description alone. */
static void tell_latest(Events *e, const char *id) {
        ProjectRow row = { 0 };
        auto_free char *data = NULL;
        json_t *o = NULL, *latest;

        if (store_project_get(e->a->config.context->store, id, &row) == STORE_OK && is_elsewhere(e->a, &row) && row.mirror)
                o = json_loads(row.mirror, 0, NULL);
        latest = json_object_get(o, "latest_deployment");
        if (json_is_object(latest)) {
                mirror_own(&row, latest);
                data = dump(json_incref(latest));
        }
        if (data)
                tell(e, "deployment", data);
        json_decref(o);
        project_row_done(&row);
}

/* It is online again, or is not: so its projects are unreachable or not. */
static void touch_projects_of(Events *e, const char *server_id) {
        ProjectRow *rows = NULL;
        size_t n = 0;

        if (store_project_list_on(e->a->config.context->store, server_id, &rows, &n) != STORE_OK)
                return;
        for (size_t i = 0; i < n; i++) {
                touch(e, STORE_PROJECT, rows[i].id);
                project_row_done(&rows[i]);
        }
        free(rows);
}

static void tell_one(Events *e, unsigned thing, const char *id) {
        auto_free char *data = NULL;
        const char *event;

        if (thing == LATEST)
                tell_latest(e, id);
        else if (thing == STORE_SERVER_STATE)
                touch_projects_of(e, id);
        else if (events_render(e->a, (StoreThing) thing, id, &event, &data) == 0)
                tell(e, event, data);
}

/* Takes up to LOT that are due, going on behind the last one of before: else those in front could always be due again before the others
 * have had their turn. */
static size_t take_lot(Events *e, uint64_t now_us, Entry ret_lot[static LOT]) {
        size_t n = 0, at = position(e, e->last.thing, e->last.id);

        if (at < e->n && compare(&e->entries[at], e->last.thing, e->last.id) == 0)
                at++;
        for (size_t i = 0; i < e->n && n < LOT; i++) {
                Entry *entry = &e->entries[(at + i) % e->n];

                if (!entry->is_due || entry->at_us > now_us)
                        continue;
                ret_lot[n++] = *entry;
                entry->is_due = false;
                entry->at_us = now_us + REST_US;
        }
        if (n)
                e->last = ret_lot[n - 1];
        return n;
}

/* Forgets what has had its rest and not changed. When the next one is due; UINT64_MAX: none is there. */
static uint64_t tidy(Events *e, uint64_t now_us) {
        uint64_t next_us = UINT64_MAX;
        size_t kept = 0;

        for (size_t i = 0; i < e->n; i++) {
                const Entry entry = e->entries[i];

                if (!entry.is_due && entry.at_us <= now_us)
                        continue;
                next_us = entry.at_us < next_us ? entry.at_us : next_us;
                e->entries[kept++] = entry;
        }
        e->n = kept;
        return next_us;
}

static void flush(void *owner) {
        Events *e = owner;
        uint64_t now_us = clock_monotonic_us(), next_us;
        Entry lot[LOT];
        size_t n;

        e->armed_us = 0;
        n = take_lot(e, now_us, lot);
        next_us = tidy(e, now_us);
        for (size_t i = 0; i < n && e->n_streams; i++)
                tell_one(e, lot[i].thing, lot[i].id);
        if (!e->n_streams)
                return;
        if (next_us == UINT64_MAX && e->n == 0)
                forget_all(e);
        else if (next_us != UINT64_MAX)
                arm(e, next_us <= now_us ? now_us + PAUSE_US : next_us);
}

static void tell_usage(void *owner) {
        Events *e = owner;
        auto_free char *data = dump(describe_usage(e->a));
        uint64_t now_us = clock_monotonic_us();

        (void) timer_rearm(e->usage, USAGE_US);
        if (data)
                tell(e, "usage", data);
        for (size_t i = 0; i < EVENT_STREAMS_MOST; i++)
                if (e->streams[i].stream && e->streams[i].until_us <= now_us)
                        stream_end(&e->streams[i]);
}

/* --- streams --- */

static void end_streams(Events *e) {
        for (size_t i = 0; e && i < EVENT_STREAMS_MOST; i++)
                if (e->streams[i].stream)
                        stream_end(&e->streams[i]);
}

void api_events(Api *a, HttpRequest *rq, const char *argument) {
        Events *e = a->events;
        EventStream *s = e->streams;
        int r;

        (void) argument;
        while (s < e->streams + EVENT_STREAMS_MOST && s->stream)
                s++;
        if (s == e->streams + EVENT_STREAMS_MOST) {
                reply_problem(rq, 503, "too-many-streams", "Too many are listening", NULL,
                              "32 clients follow the events already. Close some, or ask for the lists now and then instead.");
                return;
        }
        r = sse_begin(rq, stream_closed, s, &s->stream);
        if (r < 0) {
                reply_failure(a, rq, r, "The events could not be begun");
                return;
        }
        s->until_us = clock_monotonic_us() + LIFE_US;
        if (e->n_streams++ == 0) {
                (void) timer_rearm(e->usage, USAGE_US);
                nodes_watch(a->nodes, true);
        }
        (void) sse_write(s->stream, 0, "ready", "{\"version\":\"" NANOSCALE_VERSION "\"}");
}

/* --- making and dropping --- */

int events_new(Api *a, Loop *l, Events **ret_events) {
        Events *e = calloc(1, sizeof *e);
        int r;

        if (!e)
                return -ENOMEM;
        e->a = a;
        for (size_t i = 0; i < EVENT_STREAMS_MOST; i++)
                e->streams[i].events = e;
        r = timer_start(l, 0, flush, e, &e->timer);
        if (r == 0)
                r = timer_start(l, 0, tell_usage, e, &e->usage);
        if (r == 0) {
                timer_stop(e->timer);
                timer_stop(e->usage);
                r = store_watch(a->config.context->store, changed, e);
        }
        if (r < 0) {
                events_free(e);
                return r;
        }
        *ret_events = e;
        return 0;
}

Events *events_free(Events *e) {
        if (!e)
                return NULL;
        (void) store_watch(e->a->config.context->store, NULL, NULL);
        end_streams(e);
        timer_drop(e->timer);
        timer_drop(e->usage);
        forget_all(e);
        free(e);
        return NULL;
}
