/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What servers and projects use now: the `usage` event. A new reference, or NULL without memory. */
#pragma once

#include "api/handlers.h"

json_t *describe_usage(const Api *a);
/* Of this node's projects that are awake, for the orchestrator: [{"id","memory_bytes","cpu_percent"}]. */
json_t *describe_own_usage(const Api *a);
