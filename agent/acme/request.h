/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What may be asked of nanoscale-acme: field lines (base/fields.h), checked again here, whoever wrote them. The keys stand in
 * docs/design/interfaces.md. Pure. */
#pragma once

#include <stddef.h>

#include "base/fields.h"

#define ACME_REQUEST_MAX 32768
#define ACME_HOSTS_MAX 32

/* 0 and *ret, to be freed with fields_free(); -EBADMSG and in *ret_sentence what is wrong, which is a constant; -ENOMEM. */
int acme_request_parse(const char *text, size_t length, Fields **ret, const char **ret_sentence);
