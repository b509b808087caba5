/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A certificate that nobody vouches for: what a name of this server has until an authority gives one, so that a browser can be told to go
 * on. */
#pragma once

#include <stddef.h>

/* Certificate and key for name, as NAME.pem has them. pem_free() it. 0, or negative errno. */
int self_signed_new(const char *name, char **ret_pem, size_t *ret_length);
