/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The newest values as JSON, for the answers about servers and projects. A new reference; null when there are none. */
#pragma once

#include "api/api.h"

#include <jansson.h>

json_t *describe_node_now(const Statistics *s);
json_t *describe_project_now(const Statistics *s, const char *project_id);
