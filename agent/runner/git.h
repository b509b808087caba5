/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* git held to what a hostile URL, branch and server may have of it: no configuration, no credentials, no hooks, no protocol but https. It
 * follows no redirect, since where one leads nobody has checked. Operands that strangers chose stand behind a "--". */
#pragma once

#include "place.h"

#include <stddef.h>

enum { GIT_WORDS_MAX = 80 };

typedef struct {
        const char *argv[GIT_WORDS_MAX];
        Path ca, resolve;
} GitWords;

/* The whole environment of git, NULL-terminated. */
extern const char *const git_variables[];

/* argv for these words. ca: file of authorities; resolve: as http.curloptResolve takes it; both NULL or empty: none. g must stay in its
 * place. */
int git_words(GitWords *g, const char *ca, const char *resolve, const char *const *words);
