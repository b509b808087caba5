/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Where the runner finds things. Two directories stand for all of base/paths.h, so that tests run the same code elsewhere. */
#pragma once

#include <stddef.h>

typedef struct {
        const char *root; /* NS_ROOT: runtimes, specs, sites, lib */
        const char *run;  /* NS_RUN: sockets of the apps */
} Place;

typedef struct {
        char s[1024];
} Path;

/* 0, or -ENAMETOOLONG and an empty path. */
int path_format(Path *ret, const char *format, ...) __attribute__((format(printf, 2, 3)));
