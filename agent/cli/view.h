/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A deployment as a person sees it: a list of steps that is updated in place on a terminal, and plain lines elsewhere. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* What it is called, by its kind. */
typedef struct {
        const char *kind;         /* of the API */
        const char *noun;         /* "Rollback": 4 of shop failed */
        const char *doing, *back; /* "Rolling" shop "back" */
        bool builds;              /* has steps before the start */
} DeploymentWords;
const DeploymentWords *deployment_words(const json_t *deployment);

typedef struct View View;

/* verbose: show every line of the log, not only the last one of the running step. */
int view_new(bool verbose, View **ret_view);
/* NULL-safe, returns NULL. Leaves the terminal as it was. */
View *view_free(View *v);
void view_free_cleanup(View **v);

void view_deployment(View *v, const json_t *deployment);
void view_step(View *v, const json_t *step);
void view_log(View *v, const json_t *log);
void view_tick(View *v);
/* A word below the list, until the next change: "reconnecting". */
void view_note(View *v, const char *note);
/* Draws the list for the last time: what is printed after it stays below. */
void view_end(View *v);

/* The log's last lines of a failed deployment, as the agent kept them, or as they were seen here. Nothing when verbose: they are above. */
void view_last_lines(View *v, const json_t *deployment);
