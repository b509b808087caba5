/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "report.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is(const char *a, const char *b) {
        return a && strcmp(a, b) == 0;
}

/* What systemd calls a result without there being an exit code or signal that says more. */
static const struct {
        const char *result, *sentence;
} results[] = {
        { "timeout", "did not stop in time and was killed" },
        { "watchdog", "stopped answering and was killed" },
        { "resources", "could not be started: the system is out of resources" },
        { "protocol", "could not be started" },
};

/* A shell or npm that was told to stop answers with 128 + the signal's number; that is as clean as the signal itself. */
static const char *const clean_codes[] = { "0", "130", "143" };
static const char *const clean_signals[] = { "TERM", "INT", "HUP", "PIPE" };

static bool is_one_of(const char *s, const char *const *list, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (is(s, list[i]))
                        return true;
        return false;
}

void report_sentence(const ReportFacts *facts, const CgroupMemory *memory, char *ret, size_t size) {
        ret[0] = '\0';
        bool killed = is(facts->exit_code, "killed") || is(facts->exit_code, "dumped");
        /* Where the kernel counts and systemd cannot see it (cgroup v1), the result is a plain SIGKILL. */
        if (is(facts->service_result, "oom-kill") || (memory->oom_kills > 0 && killed && is(facts->exit_status, "KILL"))) {
                if (memory->limit_mib)
                        (void) snprintf(ret, size, "out of memory (limit %lu MiB)", memory->limit_mib);
                else
                        (void) snprintf(ret, size, "out of memory");
                return;
        }
        for (size_t i = 0; i < ELEMENTS(results); i++)
                if (is(facts->service_result, results[i].result)) {
                        (void) snprintf(ret, size, "%s", results[i].sentence);
                        return;
                }
        if (is(facts->exit_code, "exited") && !is_one_of(facts->exit_status, clean_codes, ELEMENTS(clean_codes)) &&
            text_to_number(facts->exit_status ? facts->exit_status : "", 0, 255, NULL))
                (void) snprintf(ret, size, "exited with code %s", facts->exit_status);
        else if (killed && facts->exit_status && !is_one_of(facts->exit_status, clean_signals, ELEMENTS(clean_signals)))
                (void) snprintf(ret, size, "killed by signal %.16s", facts->exit_status);
}

int report_app(void) {
        ReportFacts facts = { getenv("SERVICE_RESULT"), getenv("EXIT_CODE"), getenv("EXIT_STATUS") };
        CgroupMemory memory;
        char sentence[128];
        (void) cgroup_memory("", &memory);
        report_sentence(&facts, &memory, sentence, sizeof sentence);
        if (sentence[0]) {
                char line[160];
                (void) snprintf(line, sizeof line, "app stopped: %s", sentence);
                notice(line);
        }
        return 0;
}
