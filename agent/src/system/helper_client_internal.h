/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* For tests: the client with other ends than those of an installed node. */
#pragma once

#include "system/helper_client.h"

/* Exactly one of socket (a path) and argv (of a program that reads the request from its standard input) is given; both stay the caller's.
 */
int helper_client_new_at(Loop *l, const char *socket, char *const *argv, uint64_t timeout_us, HelperClient **ret_client);

/* Reads an answer of length bytes in place. False when it is not one; the words of *ret then say so. */
bool helper_answer_parse(char *text, size_t length, HelperAnswer *ret);
