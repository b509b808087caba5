/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A server of the API, in words, and what commands have to know about the servers. */
#pragma once

#include "cli.h"

bool server_is_online(const json_t *server);
/* "online", or "online, draining". */
void server_status(const json_t *server, char *ret, size_t size);
/* How long it has had its status, as in "2 h ago"; "" where that is not known. */
void server_since(const json_t *server, char *ret, size_t size);
/* Why it is offline, and that its clock is wrong: a line each; nothing for one that is well. */
void server_print_trouble(const json_t *server);
/* What the cluster knows of it, for `servers show`: one line each. */
void server_print_facts(const json_t *server);

/* Operand 0 as the name (or id) of a server, or NULL after the error was reported. */
const char *cli_server_name(const Cli *cli);
/* --server is a server's name, or was not given. DONE or USAGE. */
int server_option_check(const Cli *cli);
/* The project that exists is where --server wants it. DONE, or an exit code after the error was reported. */
int server_option_fits(const Cli *cli, const json_t *project);

/* An answer to a change that has not reached the project's server yet: says so. False, and nothing printed, for any other. */
bool pending_print(const json_t *answer);
