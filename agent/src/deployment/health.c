/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "deployment/health.h"

#include "base/cleanup.h"
#include "base/paths.h"
#include "deployment/describe.h"
#include "deployment/unit_life.h"
#include "system/connections.h"
#include "system/journal.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWN "nanoscale: "

enum {
        UNIT_POLL_US = 2 * 1000 * 1000, /* should a signal be missed */
        ASK_AGAIN_US = 250 * 1000,
        LOOK_US = 1000 * 1000,      /* at what it listens on, when it does not take the socket */
        LAST_WORDS_US = 500 * 1000, /* they may still be on their way through the journal */
        WRONG_PORT_LOOKS = 15,      /* in a row, before a listener elsewhere is held to be all that comes */
        LISTENERS = 8,
};

struct Health {
        const DeployContext *c;
        const ProjectRow *project;
        char slot[2];
        HealthOps ops;
        void *owner;
        UnitWatch *unit;
        JournalFollow *journal;
        Fetch *probe;
        Timer *timer, *look;
        UnitLife life;
        UnitState unit_state;
        enum { WATCHING, ASKING, AWAITING_ARMED, LAST_WORDS, OVER } state;
        uint64_t until_us;
        int64_t within_s;
        bool is_armed;
        unsigned tries, looks_elsewhere;
        uint16_t known[LISTENERS]; /* ports that the old slot's app listens on: it is the same user */
        int n_known;
        uint16_t elsewhere; /* a port that it listens on, and should not */
        char trouble[160];  /* of the last try */
        char words[256];    /* of ours on its output: what the runner or systemd's end said */
};

static void stop(Health *h) {
        h->state = OVER;
        h->unit = unit_watch_drop(h->unit);
        h->journal = journal_follow_drop(h->journal);
        h->probe = fetch_drop(h->probe);
        h->timer = timer_drop(h->timer);
        h->look = timer_drop(h->look);
}

__attribute__((format(printf, 3, 4))) static void ill(Health *h, int exit_code, const char *format, ...) {
        char sentence[768];
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(sentence, sizeof sentence, format, ap);
        va_end(ap);
        stop(h);
        h->ops.ill(h->owner, sentence, exit_code);
}

static void say(Health *h, const char *line) {
        if (h->ops.said)
                h->ops.said(h->owner, line);
}

/* --- its lines, and its end --- */

static void armed(void *owner) {
        Health *h = owner;

        stop(h);
        h->ops.healthy(h->owner, 0);
}

static void on_line(void *owner, const JournalLine *line) {
        Health *h = owner;

        if (h->state == OVER)
                return;
        if (strcmp(line->message, OWN "woken") == 0 || strncmp(line->message, OWN "awake ", strlen(OWN "awake ")) == 0)
                return; /* by our own question */
        if (strncmp(line->message, OWN, strlen(OWN)) == 0) {
                if (strcmp(line->message, OWN "armed") == 0) {
                        h->is_armed = true;
                        if (h->state == AWAITING_ARMED)
                                armed(h);
                        return;
                }
                (void) snprintf(h->words, sizeof h->words, "%s", line->message + strlen(OWN));
        }
        say(h, line->coloured);
}

static void gave_up(void *owner) {
        Health *h = owner;
        int code = h->unit_state.exec_code == CLD_EXITED ? h->unit_state.exec_status : -1;

        h->timer = timer_drop(h->timer);
        if (h->journal)
                (void) journal_follow_flush(h->journal);
        if (h->words[0])
                ill(h, code, "The new release did not start: %s.", h->words);
        else if (h->unit_state.exec_code == CLD_EXITED)
                ill(h, code, "The new release did not start: the app exited with code %d.", h->unit_state.exec_status);
        else
                ill(h, code, "The new release did not start: the app ended (%s).", h->unit_state.result);
}

/* The unit ended while it was being asked: with any code, an app that does not stay is no release. */
static void unit_changed(void *owner, const UnitState *state) {
        Health *h = owner;

        if (!unit_life_has_ended(&h->life, state, clock_monotonic_us()))
                return;
        h->unit_state = *state;
        h->state = LAST_WORDS;
        h->probe = fetch_drop(h->probe);
        h->unit = unit_watch_drop(h->unit);
        h->look = timer_drop(h->look);
        h->timer = timer_drop(h->timer);
        if (timer_start(h->c->loop, LAST_WORDS_US, gave_up, h, &h->timer) < 0)
                gave_up(h);
}

/* --- asking --- */

static void ask(void *owner);

static void give_up(Health *h) {
        if (h->elsewhere)
                ill(h, -1, "The app listens on port %u. It must listen on the port in the variable PORT, which is %lld.", h->elsewhere,
                    (long long) h->project->port);
        else
                ill(h, -1,
                    "The app gave no healthy answer to GET %s within %lld s%s%s. It must listen on the port in the variable PORT (%lld).",
                    h->project->health_path, (long long) h->within_s, h->trouble[0] ? "; the last try: " : "", h->trouble,
                    (long long) h->project->port);
}

static void answered(void *owner, const FetchResult *result) {
        Health *h = owner;
        char line[256];

        if (result->error == 0 && result->status < 500) {
                (void) snprintf(line, sizeof line, "GET %s answered %u after %u %s", h->project->health_path, result->status, h->tries,
                                h->tries == 1 ? "try" : "tries");
                say(h, line);
                stop(h);
                h->ops.healthy(h->owner, h->tries);
                return;
        }
        if (result->error == 0)
                (void) snprintf(h->trouble, sizeof h->trouble, "it answered with status %u", result->status);
        else
                (void) snprintf(h->trouble, sizeof h->trouble, "%s", result->sentence);
        (void) snprintf(line, sizeof line, "try %u: %s", h->tries, h->trouble);
        say(h, line);
        h->probe = fetch_drop(h->probe);
        if (clock_monotonic_us() >= h->until_us) {
                give_up(h);
                return;
        }
        h->timer = timer_drop(h->timer);
        if (timer_start(h->c->loop, ASK_AGAIN_US, ask, h, &h->timer) < 0)
                ill(h, -1, "The health check could not go on.");
}

static void ask(void *owner) {
        Health *h = owner;
        char socket[128], url[640], host[512], host_header[560];
        const char *headers[] = { host_header, "User-Agent: NanoScale-Health/1", "Connection: close", NULL };
        uint64_t now = clock_monotonic_us();
        int r;

        h->timer = timer_drop(h->timer);
        h->tries++;
        project_host(h->c, h->project, host, sizeof host);
        (void) snprintf(host_header, sizeof host_header, "Host: %s", host);
        (void) snprintf(socket, sizeof socket, NS_APPS "/%s/%s.sock", h->project->id, h->slot);
        (void) snprintf(url, sizeof url, "http://localhost%s", h->project->health_path);
        r = fetch_start(h->c->fetch,
                        &(FetchSpec){
                                        .url = url,
                                        .unix_socket = socket,
                                        .headers = headers,
                                        .timeout_us = h->until_us > now ? h->until_us - now + USEC_PER_MSEC : USEC_PER_MSEC,
                                        .max_bytes = 8 * 1024 * 1024,
                                        .to_fd = -1,
                        },
                        answered, h, &h->probe);
        if (r < 0)
                ill(h, -1, "The health check could not be sent: %s.", strerror(-r));
}

static int listeners(const Health *h, uint16_t ports[static LISTENERS]) {
        char user[32];
        const struct passwd *p;

        (void) snprintf(user, sizeof user, NS_USER "-%s", h->project->id);
        p = getpwnam(user);
        return p ? tcp_listeners(p->pw_uid, ports, LISTENERS) : 0;
}

static bool is_known(const Health *h, uint16_t port) {
        for (int i = 0; i < h->n_known; i++)
                if (h->known[i] == port)
                        return true;
        return port >= NS_PROXY_PORT_FIRST && port <= NS_PROXY_PORT_LAST;
}

/* What does an app listen on that leaves our question in the socket's queue? Its own TCP port: then it cannot be given the socket. Another
 * port: then it does not know PORT; an app may open such a one first, so that only one that stays the only one is a verdict. */
static void look_elsewhere(void *owner) {
        Health *h = owner;
        unsigned connections = 0, queued = 0;
        uint16_t ports[LISTENERS];
        int n;

        (void) timer_rearm(h->look, LOOK_US);
        if (connections_of(h->project->id, h->slot, &connections, &queued) < 0 || queued == 0) {
                h->elsewhere = 0;
                h->looks_elsewhere = 0;
                return;
        }
        n = listeners(h, ports);
        for (int i = 0; i < n; i++)
                if (ports[i] == h->project->port) {
                        stop(h);
                        h->ops.refuses_socket(h->owner);
                        return;
                }
        h->elsewhere = 0;
        for (int i = 0; i < n && !h->elsewhere; i++)
                if (!is_known(h, ports[i]))
                        h->elsewhere = ports[i];
        h->looks_elsewhere = h->elsewhere ? h->looks_elsewhere + 1 : 0;
        if (h->looks_elsewhere >= WRONG_PORT_LOOKS)
                give_up(h);
}

/* --- making and dropping --- */

int health_watch(const DeployContext *c, const ProjectRow *project, const char *slot, const HealthOps *ops, void *owner,
                 Health **ret_health) {
        Health *h = calloc(1, sizeof *h);
        char unit[64];
        const char *units[] = { unit, NULL };
        int r;

        if (!h)
                return -ENOMEM;
        h->c = c;
        h->project = project;
        (void) snprintf(h->slot, sizeof h->slot, "%s", slot);
        h->ops = *ops;
        h->owner = owner;
        h->n_known = listeners(h, h->known);
        (void) snprintf(unit, sizeof unit, "nanoscale-%s@%s.service", project->id, slot);
        r = journal_follow(c->loop, units, NULL, 0, on_line, NULL, h, &h->journal);
        if (r >= 0)
                r = units_watch(c->units, unit, UNIT_POLL_US, unit_changed, h, &h->unit);
        if (r < 0) {
                health_drop(h);
                return r;
        }
        *ret_health = h;
        return 0;
}

void health_ask(Health *h, uint64_t within_us) {
        if (h->state != WATCHING) /* it has ended already, and its last words are being waited for */
                return;
        h->state = ASKING;
        h->within_s = (int64_t) (within_us / USEC_PER_SEC);
        h->until_us = clock_monotonic_us() + within_us;
        if (timer_start(h->c->loop, LOOK_US, look_elsewhere, h, &h->look) < 0 || timer_start(h->c->loop, 0, ask, h, &h->timer) < 0)
                ill(h, -1, "out of memory in the agent");
}

static void armed_too_late(void *owner) {
        ill(owner, -1, "The runner did not get ready in time.");
}

void health_await_armed(Health *h, uint64_t within_us) {
        if (h->state != WATCHING)
                return;
        h->state = AWAITING_ARMED;
        /* The word may have come before its unit's start was answered. */
        if (timer_start(h->c->loop, h->is_armed ? 0 : within_us, h->is_armed ? armed : armed_too_late, h, &h->timer) < 0)
                ill(h, -1, "out of memory in the agent");
}

Health *health_drop(Health *h) {
        if (h) {
                stop(h);
                free(h);
        }
        return NULL;
}
