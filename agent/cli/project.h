/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A project of the API, in words. */
#pragma once

#include "cli.h"

/* "live", or with its kind "sleeping (armed)". */
void project_status(const json_t *project, char *ret, size_t size);
/* How long it has been so, as in "2 h ago"; "" where that is not known. */
void project_since(const json_t *project, char *ret, size_t size);
/* What it takes of the RAM, "" where that is not known. */
void project_memory(const json_t *project, char *ret, size_t size);
/* What its sleep saves of it, "" for an app that is awake. */
void project_saved(const json_t *project, char *ret, size_t size);

/* "37 wakes: p50 71 ms, p99 180 ms" of a list of wakes, which may be empty. Returns an exit code. */
int wakes_print(const Cli *cli, const json_t *list);

/* Everything about it; a Print. */
int project_print(const Cli *cli, const json_t *project);
/* Why it does not run, and when it is tried again; prints nothing for one that has not crashed. */
void project_print_crash(const json_t *project);
