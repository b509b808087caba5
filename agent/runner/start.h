/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* nanoscale-run start ID SLOT: becomes the app, in its sandbox, with the inherited socket. Returns only on failure, and where the app
 * cannot take the socket (`proxy`), with the app's exit code.
 *
 * `armed`: waits for the first connection before that. The spec is read once, before the wait: the agent never rewrites the spec of a slot
 * that runs, and if somebody did, the next start would be the first to see it. A connection that has gone again by the time the app accepts
 * has woken it all the same. */
#pragma once

#include "place.h"

int start_app(const Place *place, const char *id, const char *slot);
