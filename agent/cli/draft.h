/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The settings of a project as options: one table row each, from the option to the API's field and to when a change of it counts. */
#pragma once

#include "cli.h"

/* --repo … --no-sleep, without those of the environment. Made from the table at the first call. */
const Option *draft_options(void);
/* --env and --env-file. */
extern const Option env_options[];

/* What a stored setting waits for until it counts, from the least to the most. */
typedef enum {
        COUNTS_NOW,
        COUNTS_AFTER_RESTART, /* or after a deployment */
        COUNTS_AFTER_DEPLOYMENT,
} Counts;

/* The most that one of the given settings waits for. */
Counts draft_counts(const Cli *cli);

/* The option that sets a field of the API ("memory" for "memory_mib"), or NULL. */
const char *draft_option_of(const char *field);

/* Puts the settings that were given into draft. DONE, or an exit code after the error was reported. */
int draft_fill(const Cli *cli, json_t *draft);

/* The value "on" or "off" of an option. DONE and *ret_json, or an exit code after the error was reported. */
int take_switch(const Cli *cli, const char *name, const char *value, json_t **ret_json);

/* Puts the values of --env K=V and of --env-file FILE ("-": standard input) into env. */
int env_fill(const Cli *cli, json_t *env);
/* One K=V, or all of a .env file. */
int env_fill_pair(const Cli *cli, json_t *env, const char *pair);
int env_fill_file(const Cli *cli, json_t *env, const char *path);
/* All of a stream, at most 1 MiB. To be freed. NULL and errno. */
char *read_all(int fd, size_t *ret_length);
