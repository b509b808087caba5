/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Where certificates lie: NAME.pem in the directory that nginx's workers read at each handshake, and what certbot has kept. */
#pragma once

#include "certificates/pem.h"

#include <stdbool.h>

/* Each returns what pem_check() does, or a negative errno. */

/* What nginx serves for name now. */
int files_check(const char *directory, const char *name, int64_t now_ms, PemInfo *ret_info);
/* What certbot got last for name (config: its --config-dir). */
int files_read_live(const char *config, const char *name, int64_t now_ms, PemInfo *ret_info, char **ret_pem, size_t *ret_length);
/* Puts it where nginx reads it: one file, so that key and chain change together. */
int files_put(const char *directory, const char *name, const char *pem, size_t length);

/* Removes the certificates of names that are not wanted any more, links to what is gone, and with config (may be NULL) what certbot keeps
 * of them. */
void files_sweep(const char *directory, const char *config, bool (*wanted)(void *owner, const char *name), void *owner);
