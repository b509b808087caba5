/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* nanoscale-run report ID SLOT: ExecStopPost of a slot. One notice on how the app ended, when it did not end cleanly: what was
 * stopped and what ended itself with code 0 look alike here, and the agent knows which of them it was. */
#pragma once

#include "cgroup.h"

#include <stddef.h>

/* What systemd tells (systemd.exec(5)); each may be NULL. */
typedef struct {
        const char *service_result, *exit_code, *exit_status;
} ReportFacts;

/* Writes the reason, or "" when there is nothing to say. */
void report_sentence(const ReportFacts *facts, const CgroupMemory *memory, char *ret, size_t size);

int report_app(void);
