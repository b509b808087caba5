/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* One build under way, as its four steps share it. */
#pragma once

#include "child.h"
#include "environment.h"
#include "lock_file.h"
#include "output.h"
#include "place.h"
#include "secrets.h"
#include "spec.h"

#include <stdbool.h>

typedef struct {
        const Place *place;
        const char *id;
        Spec *spec;                            /* owned */
        Watch *watch;                          /* owned */
        Secrets *secrets;                      /* owned */
        Output *output;                        /* owned: what children print becomes `out` lines */
        Environment *inherited;                /* owned: the project's own, of which each step gets a copy */
        int home, source, cache;               /* owned: directories */
        Path home_path, cache_path, work_path; /* work: source/{release}.building */
        Path app_path;                         /* work, or the directory below it that the spec names */
        char work_name[32], release_name[16];

        bool has_package, has_work, has_build, has_start;
        bool has_start_hooks;
        char start_script[512]; /* "" where there is none, or none that is understood */
        char failure[1024];     /* what `end STEP` is to say */
} Build;

/* A step's answers. Negative errno: the runner's own trouble. */
enum { BUILD_OK = 0, BUILD_FAILED = 1 };

/* Notes the failure and answers BUILD_FAILED; `error` and a sentence. */
int build_fail(Build *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Runs a child in directory; its output becomes `out` lines. BUILD_FAILED notes how it ended. With answer not NULL its standard output is
 * kept there instead. */
int build_run(Build *b, const char *directory, char *const *argv, Environment *environment, char *answer, size_t answer_size,
              int *ret_code);
/* The same for a command of the user's. */
int build_command(Build *b, const char *directory, const char *command, Environment *environment);

/* Environment of the project's own commands. production: with NODE_ENV set. */
int build_environment(const Build *b, bool production, Environment **ret_environment);

int step_fetch(Build *b);
int step_install(Build *b);
int step_build(Build *b);
int step_release(Build *b);
