/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Everything that /metrics tells, in Prometheus' text format (statistics/exposition.h). Whoever may see it is asked for elsewhere. */
#pragma once

#include "api/api.h"

#include <stdbool.h>

/* 0 and a text to be freed, or negative errno. */
int metrics_text(const ApiConfig *config, char **ret_text, size_t *ret_length);

/* Somebody elsewhere may read them with a token. */
bool has_metrics_token(const Api *a);
