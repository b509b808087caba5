/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* How a node is: one question every ten seconds, and what follows from the answers. */
#include "cluster/answer.h"
#include "cluster/nodes_internal.h"

#include "base/cleanup.h"
#include "security/validate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A worker may be hostile: of what it says of itself only this is kept, in these forms, and no more than so much of it. */
enum { VERSION_MAX = 63, STATISTICS_MAX = 16 * 1024, USAGE_MAX = 128 * 1024 };
#define DIFFERENCE_MAX 100000000000 /* as many seconds as a timestamp can have */

static bool is_small(const json_t *value, size_t max) {
        return json_dumpb(value, NULL, 0, JSON_COMPACT) <= max;
}

static json_t *kept(const json_t *said) {
        json_t *o = json_object();
        json_t *version = json_object_get(said, "version"), *statistics = json_object_get(said, "statistics");
        json_t *not_after = json_object_get(said, "certificate_not_after");

        if (o && valid_text_line(json_string_value(version), VERSION_MAX))
                (void) json_object_set(o, "version", version);
        if (o && json_is_object(statistics) && is_small(statistics, STATISTICS_MAX))
                (void) json_object_set(o, "statistics", statistics);
        if (o && (json_is_integer(not_after) || (json_is_string(not_after) && is_small(not_after, VERSION_MAX))))
                (void) json_object_set(o, "certificate_not_after", not_after);
        return o;
}

/* As text, which takes a tenth of what it takes as objects; and only while somebody wants it. */
static char *kept_usage(const json_t *said) {
        const json_t *usage = json_object_get(said, "usage");

        return json_is_array(usage) && is_small(usage, USAGE_MAX) ? json_dumps(usage, JSON_COMPACT) : NULL;
}

/* In the database at changes only: what changes with each answer is kept in memory. */
static void store_state(Node *node) {
        Store *store = node->nodes->store;
        const char *version = json_string_value(json_object_get(node->said, "version"));
        ServerRow row = { 0 };
        int r = store_server_get(store, node->id, &row);

        if (r != STORE_OK)
                return;
        free(row.status);
        free(row.reason);
        row.status = strdup(node->online ? "online" : "offline");
        row.reason = node->online ? NULL : strdup(node->reason);
        row.changed_at_ms = node->changed_at_ms;
        row.seen_at_ms = node->seen_at_ms;
        if (version) {
                free(row.version);
                row.version = strdup(version);
        }
        r = row.status && row.version ? store_server_put(store, &row) : -ENOMEM;
        if (r != STORE_OK)
                (void) fprintf(stderr, "<3>The state of server %s could not be stored: %s\n", node->name, store_error(store));
        server_row_done(&row);
}

static void set_online(Node *node) {
        node->online = true;
        node->misses = 0;
        node->clock_difference_s = 0;
        node->reason[0] = '\0';
        node->changed_at_ms = clock_now_ms();
        (void) fprintf(stderr, "<5>Server %s is online.\n", node->name);
        store_state(node);
}

static void set_offline(Node *node) {
        node->online = false;
        node->push = true; /* who knows what it missed */
        node->changed_at_ms = clock_now_ms();
        (void) fprintf(stderr, "<4>Server %s is offline: %s\n", node->name, node->reason);
        store_state(node);
}

static void miss(Node *node, const char *reason) {
        bool is_news = strncmp(node->reason, reason, sizeof node->reason - 1) != 0;

        (void) snprintf(node->reason, sizeof node->reason, "%s", reason);
        node->misses++;
        if (node->online && node->misses >= MISSES_MAX)
                set_offline(node);
        else if (!node->online && is_news) {
                (void) fprintf(stderr, "<4>Server %s: %s\n", node->name, node->reason);
                store_state(node);
        }
}

/* Its clock is named as such: nobody finds that by looking for a wrong key. */
static void refused(Node *node, const FetchResult *result) {
        json_t *o = answer_parse(result->body, result->length);
        json_int_t difference = json_integer_value(json_object_get(o, "clock_difference_seconds"));
        char text[320];

        if (difference > DIFFERENCE_MAX || difference < -DIFFERENCE_MAX)
                difference = 0;
        node->clock_difference_s = result->status == 401 ? -difference : 0;
        if (result->status == 401 && difference)
                (void) snprintf(text, sizeof text, "Its clock differs by %lld s. Set the time of both servers (timedatectl set-ntp true).",
                                (long long) -difference);
        else if (result->status == 401)
                (void) snprintf(text, sizeof text, "It does not accept this orchestrator's key. Join it again with a new token.");
        else if (result->status == 410)
                (void) snprintf(text, sizeof text, "It has left this cluster. Remove it, or join it again with a new token.");
        else if (result->status == 502 || result->status == 503 || result->status == 504)
                (void) snprintf(text, sizeof text, "Its agent is not running. See journalctl -u nanoscale-agent there.");
        else
                (void) snprintf(text, sizeof text, "It answers with status %u.", result->status);
        json_decref(o);
        miss(node, text);
}

static void answered(Node *node, json_t *said) {
        Nodes *n = node->nodes;
        const char *version = json_string_value(json_object_get(said, "projects_version"));
        json_t *projects = json_object_get(said, "projects");
        bool push;

        node->seen_at_ms = clock_now_ms();
        node->misses = 0;
        json_decref(node->said);
        node->said = kept(said);
        free(node->usage);
        node->usage = n->is_watched ? kept_usage(said) : NULL;
        if (!node->online)
                set_online(node);
        push = node->push;
        node->push = false;
        if (json_is_array(projects)) {
                free(node->projects_version);
                node->projects_version = valid_text_line(version, 95) ? strdup(version) : NULL;
                n->ops.projects(n->owner, node->id, projects);
        }
        if (push)
                n->ops.came_back(n->owner, node->id);
}

static void beat_done(void *owner, const FetchResult *result) {
        Node *node = owner;
        json_t *said = NULL;

        node->beat = fetch_drop(node->beat);
        if (result->error)
                miss(node, result->sentence);
        else if (result->status != 200)
                refused(node, result);
        else if (!(said = answer_parse(result->body, result->length)) || !json_is_object(said))
                miss(node, "Its answer is not understood. Is it another version of NanoScale?");
        else
                answered(node, said);
        json_decref(said);
}

void beat_begin(void *owner) {
        Node *node = owner;
        SignedPeer peer = node_peer(node);
        SignedCall call;
        FetchSpec spec;
        auto_free char *body = NULL;
        json_t *o;
        int r;

        if (node->beat)
                return;
        o = json_pack("{s:s}", "version", NANOSCALE_VERSION);
        r = o ? 0 : -ENOMEM;
        /* From its beginning, not from its answer: three questions that time out would otherwise take 42 s. */
        (void) timer_rearm(node->timer, BEAT_US);
        if (r == 0 && node->projects_version)
                r = json_object_set_new(o, "projects_version", json_string(node->projects_version));
        if (r == 0 && node->nodes->is_watched)
                r = json_object_set_new(o, "watched", json_true());
        if (r == 0 && !(body = json_dumps(o, JSON_COMPACT)))
                r = -ENOMEM;
        json_decref(o);
        if (r == 0)
                r = signed_call_make(&peer, "POST", "/internal/health", body, strlen(body), NULL, &call, &spec);
        if (r == 0) {
                spec.timeout_us = BEAT_TIMEOUT_US;
                spec.max_bytes = 4 * 1024 * 1024;
                r = fetch_start(node->nodes->pool, &spec, beat_done, node, &node->beat);
        }
        if (r < 0)
                miss(node, strerror(-r));
}

void nodes_describe(const Nodes *n, const char *server_id, json_t *object) {
        const Node *node = node_find(n, server_id);
        static const char *const taken[] = { "version", "statistics", "certificate_not_after" };

        if (!node)
                return;
        for (size_t i = 0; node->said && i < ELEMENTS(taken); i++) {
                json_t *value = json_object_get(node->said, taken[i]);
                if (value)
                        (void) json_object_set(object, taken[i], value);
        }
        (void) json_object_set_new(object, "status", json_string(node->online ? "online" : "offline"));
        (void) json_object_set_new(object, "reason", node->reason[0] && !node->online ? json_string(node->reason) : json_null());
        if (node->seen_at_ms)
                (void) json_object_set_new(object, "seen_at_ms", json_integer(node->seen_at_ms));
        (void) json_object_set_new(object, "clock_difference_seconds",
                                   node->clock_difference_s ? json_integer(node->clock_difference_s) : json_null());
}
