/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* An environment that is being put together: an ordered list of KEY=VALUE, each key once. Errors stick; environment_list() tells. */
#pragma once

#include "place.h"

typedef struct Environment Environment;

/* A copy of list (NULL-terminated, may be NULL). NULL when memory is out. */
Environment *environment_new(char *const *list);
Environment *environment_free(Environment *e); /* NULL-safe, returns NULL */
void environment_free_cleanup(Environment **e);

void environment_set(Environment *e, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Only where the key is not there: a user's own value wins. */
void environment_default(Environment *e, const char *key, const char *value);
void environment_unset(Environment *e, const char *key);
void environment_unset_prefix(Environment *e, const char *prefix);
const char *environment_get(const Environment *e, const char *key); /* NULL if absent */

/* Sets PATH to the runtimes of these versions, what the app has installed itself (bin, NULL: nothing), and the system. */
void environment_set_path(Environment *e, const Place *place, const char *node, const char *bun, const char *bin);

/* For execve(); owned by e, valid until the next change. NULL if something above had no memory. */
char **environment_list(Environment *e);
