/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A project's move to another server, as the member `move` of a project of the API: in words, and what the commands that begin moves
 * share. */
#pragma once

#include "cli.h"

/* How often the commands that wait look: the agent takes a step each second. */
enum { MOVE_LOOK_MS = 1000 };

typedef enum {
        MOVE_NONE,
        MOVE_UNDER_WAY,
        MOVE_UNDOING, /* it has failed; what the new server has of it is being removed */
        MOVE_FAILED,
        MOVE_LINGERING, /* it serves from the new place; the old one still does, too */
} MoveState;

/* Of a project without a move MOVE_NONE; a state that a later agent may have is MOVE_UNDER_WAY. */
MoveState move_state(const json_t *project);
/* Where it is from, where it goes and how far it is, for `projects show`. */
void move_describe(const json_t *move, char *ret, size_t size);
/* Why it failed, with a full stop. */
void move_failure(const json_t *project, char *ret, size_t size);
/* That it serves from its new place, where its DNS must point, and how long the old place serves. server, as the API has it, may be NULL.
 */
void move_print_arrival(const json_t *project, const json_t *server);

/* The host names of a project, as in "shop.example.com and www.example.com". */
void move_hosts(const json_t *project, char *ret, size_t size);
/* Where DNS must point: the server's address, or in words where it has none that others could reach. */
void move_address(const json_t *server, char *ret, size_t size);

/* A request's body with what --linger says. DONE and *ret_body, or an exit code after the error was reported. */
int move_body(const Cli *cli, json_t **ret_body);
/* Says what will happen: as a question, which wants the name typed, or with --yes as a line. DONE when it shall. */
int move_confirm(const Cli *cli, const char *name, const char *doing, const char *done, const char *consequence);
