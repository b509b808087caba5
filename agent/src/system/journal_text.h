/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What an app printed, made fit to be shown: the journal keeps it byte for byte. */
#pragma once

#include "base/text.h"

/* Appends s: well-formed UTF-8 without control characters but tab. Of terminals' escape sequences those that set colour and weight stay
 * (`ESC [ 1;31 m`, ECMA-48 SGR), all others go as a whole; a newline becomes a space, each malformed byte U+FFFD. */
void journal_text_put(Text *t, const char *s, size_t length);
