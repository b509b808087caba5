/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Prometheus' text format 0.0.4. A family is begun once, its samples follow; the writer does not check the order. Errors stick to the Text.
 */
#pragma once

#include "base/text.h"

#include <stdint.h>

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* type: counter or gauge. help: one line. */
void exposition_family(Text *t, const char *name, const char *type, const char *help);
/* labels: name, value, name, value, …, NULL; NULL alone: none. Values may be any UTF-8. */
void exposition_integer(Text *t, const char *name, const char *const *labels, uint64_t value);
/* value / divisor, which is a power of ten of at most 9 digits, with as many decimals as it takes; the locale does not matter. */
void exposition_decimal(Text *t, const char *name, const char *const *labels, uint64_t value, uint64_t divisor);
