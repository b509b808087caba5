/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Values that no log may show: those of the project's environment, each with its key. A list, and a question about a piece of text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Shorter values are not hidden: `1` or `true` would make a log unreadable and hide nothing. */
#define SECRET_MIN 6

typedef struct Secrets Secrets;

/* Collects list (NULL-terminated KEY=VALUE); what systemd itself sets is left out. Of a value with several lines, each line counts as well.
 */
int secrets_new(char *const *list, Secrets **ret_secrets);
Secrets *secrets_free(Secrets *s); /* NULL-safe, returns NULL */
void secrets_free_cleanup(Secrets **s);

typedef enum {
        SECRETS_NO,    /* none starts here */
        SECRETS_YES,   /* *ret_key's value of *ret_length bytes is here */
        SECRETS_MAYBE, /* one starts here, if what follows is right */
} SecretsAnswer;

/* Does a value start at text? The longest one wins. final: nothing follows text, so there is no MAYBE. */
SecretsAnswer secrets_at(const Secrets *s, const char *text, size_t length, bool final, const char **ret_key, size_t *ret_length);
