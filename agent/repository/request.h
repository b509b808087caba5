/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What may be asked of nanoscale-repository: field lines (base/fields.h), checked again here. docs/design/interfaces.md has the keys. Pure.
 */
#pragma once

#include <stddef.h>

#include "base/fields.h"

#define REPOSITORY_REQUEST_MAX 8192

/* 0 and *ret, to be freed with fields_free(); -EBADMSG and in *ret_sentence what is wrong, which is a constant; -ENOMEM. */
int repository_request_parse(const char *text, size_t length, Fields **ret, const char **ret_sentence);
