/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The two fields of a project's draft that are more than a text or a number: whom nginx asks for a password, and who may come at all. */
#pragma once

#include "store/store.h"

#include <jansson.h>

enum { NETWORKS_MOST = 64 };

/* Each: 0, 1 when the value is refused (the row is untouched), -ENOMEM, -EINVAL. */

/* null; {"user","password"}; {"user"} alone when it is the same as before; {"user","hash"} from another node. */
int protection_take_gate(const json_t *value, ProjectRow *row);
/* An array of networks. */
int protection_take_networks(const json_t *value, ProjectRow *row);

/* null or {"user"}, with_hash: and "hash", for another node. NULL when memory ran out. */
json_t *protection_describe_gate(const ProjectRow *row, bool with_hash);
json_t *protection_describe_networks(const ProjectRow *row);
