/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Every file that the helper writes, made from the templates, ids and numbers. Pure; tests/golden has what they give.
 * Where a value is a number it comes from the field of that name. */
#pragma once

#include "base/fields.h"
#include "base/text.h"

extern const char template_build_service[], template_site_conf[], template_slot_service[], template_slot_socket[];

/* Puts the template with every @name@ replaced: @id@, or the value of the field of that name. Between @if:name@ and @end@ stands what is
 * there only if the field is, and is not 0; @unless:name@ is the opposite; what follows @each:name@ comes once for each such field, in
 * which @value@ is its value, and @from@ and @to@ are the two words of it. Sections may be within each other; a newline right behind a mark
 * of one is not put. Template and fields are checked ones: an unknown name and an @end@ too many are errors that stick (-EINVAL). */
void render(Text *t, const char *template, const char *id, const Fields *f);
/* From the fields `env`. -EBADMSG if one is malformed or a key comes twice. */
int render_env(Text *t, const Fields *f);
