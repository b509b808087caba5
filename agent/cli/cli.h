/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What every command gets, and the ways in which a command ends. */
#pragma once

#include "client.h"
#include "options.h"

#include <jansson.h>
#include <stdbool.h>

/* Exit codes, documented in docs/cli.md. */
enum {
        DONE = 0,
        FAILED = 1,
        USAGE = 2,
        UNREACHABLE = 3,
        INTERRUPTED = 130,
};

typedef struct {
        Client *client;
        const Options *options;
        bool json;
        bool patient;        /* GET is asked again, for about half a minute, while the agent is away: it is restarted meanwhile */
        const char *command; /* its words, for hints */
} Cli;

/* Each reports an error on standard error (with --json as a problem document) and returns the exit code. */
int cli_usage(const Cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
int cli_failed(const Cli *cli, const char *type, const char *format, ...) __attribute__((format(printf, 3, 4)));
int cli_unreachable(const Cli *cli, int error);
int cli_out_of_memory(const Cli *cli);
int cli_problem(const Cli *cli, const Reply *reply);

/* One request. DONE and *ret_json (owned by the caller; NULL for an answer without a body; ret_json may be NULL), or an exit code after the
 * error was reported. */
int cli_call(const Cli *cli, const char *method, const char *path, const json_t *body, json_t **ret_json);
/* The same, with 404 as the answer ABSENT instead of an error. */
enum { ABSENT = -1 };
int cli_look_up(const Cli *cli, const char *path, json_t **ret_json);

/* Prints an answer: as it came with --json, else by print(). Returns the exit code. */
typedef int (*Print)(const Cli *cli, const json_t *answer);
int cli_print(const Cli *cli, const json_t *answer, Print print);

/* Operand 0 as the name (or id) of a project, or NULL after the error was reported. */
const char *cli_project_name(const Cli *cli);
/* One request at /api/projects/NAME and what follows ("" or "/env"), NAME being operand 0; as cli_call(), or USAGE when it is no name. */
int cli_call_project(const Cli *cli, const char *method, const char *rest, const json_t *body, json_t **ret_json);
/* A whole command that is one such request: asks and prints. */
int cli_ask_project(const Cli *cli, const char *method, const char *rest, const json_t *body, Print print);
/* "/api/projects/NAME/…" and the like; NULL when memory ran out. To be freed. */
char *cli_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Members of JSON objects: "" or 0 or -1 where there is none of that type. */
const char *member_text(const json_t *object, const char *key);
json_int_t member_number(const json_t *object, const char *key, json_int_t otherwise);
bool member_is_true(const json_t *object, const char *key);

static inline void cleanup_json(json_t **json) {
        json_decref(*json);
}
#define auto_json auto_call(cleanup_json)
