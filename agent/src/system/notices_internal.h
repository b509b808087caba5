/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* For tests. */
#pragma once

#include "system/notices.h"

#include <stdbool.h>

/* True when the line is a notice: project, slot, kind, awake_ms and text (a part of message) of *ret are set then. */
bool notice_read(const char *unit, const char *message, Notice *ret);
