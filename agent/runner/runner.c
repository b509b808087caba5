/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "runner.h"

#include "base/cleanup.h"
#include "build.h"
#include "report.h"
#include "security/validate.h"
#include "start.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int do_build(const Place *place, char **words) {
        return build_release(place, words[0]);
}

static int do_start(const Place *place, char **words) {
        return start_app(place, words[0], words[1]);
}

static int do_report(const Place *place, char **words) {
        (void) place;
        (void) words;
        return report_app();
}

static const struct {
        const char *verb;
        int words; /* ID, or ID SLOT */
        int (*act)(const Place *place, char **words);
} verbs[] = {
        { "build", 1, do_build },
        { "start", 2, do_start },
        { "report", 2, do_report },
};

int runner_main(const Place *place, int argc, char **argv) {
        for (size_t i = 0; i < ELEMENTS(verbs); i++)
                if (argc == 2 + verbs[i].words && strcmp(argv[1], verbs[i].verb) == 0 && valid_id(argv[2]) &&
                    (verbs[i].words < 2 || valid_slot(argv[3])))
                        return verbs[i].act(place, argv + 2);
        (void) dprintf(STDERR_FILENO, "usage: nanoscale-run build ID | start ID SLOT | report ID SLOT\n");
        return 2;
}
