/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* GET /api/events: tells whoever listens what a project, a deployment or a server is like, when that has changed.
 *
 * The store says which thing was touched (store_watch()); here it is noted, and rendered once for all streams, at most twice a second.
 * While nobody listens, nothing is noted. There is no replay: a client that connects reads the lists anew. */
#pragma once

#include "api/handlers.h"

enum {
        EVENT_STREAMS_MOST = 32,
        EVENT_BACKLOG_MOST = 512 * 1024, /* that may wait for a slow client: then its stream ends */
};

typedef struct Events Events;

int events_new(Api *a, Loop *l, Events **ret_events);
Events *events_free(Events *e); /* NULL-safe, returns NULL; after the servers whose streams it writes to */
/* The newest deployment of a project on another server is another one, or another than before. NULL is allowed for e. */
void events_latest(Events *e, const char *project_id);

/* --- for tests --- */
/* The thing as it is now: the name of the event and its data. 1: there is nothing to be told. */
int events_render(const Api *a, StoreThing thing, const char *id, const char **ret_event, char **ret_data);
