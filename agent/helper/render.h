/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Every file that the helper writes, made from the templates, ids and numbers. Pure; tests/golden has what they give.
 * Where a value is a number it comes from the field of that name. */
#pragma once

#include "base/fields.h"
#include "base/text.h"

extern const char template_build_service[], template_sandbox_conf[], template_site_conf[], template_slot_service[], template_slot_socket[],
                template_static_conf[];

/* What a slot's service that starts at boot ends with; live.c looks for it in the file. */
#define RENDER_BOOT "WantedBy=multi-user.target\n"

/* Puts the template with every @name@ replaced: @id@, @sandbox@, @install@ (by the field start_on_boot), @hosts@ (the fields `host`), any
 * other name by the field of that name. Template and fields are checked ones: an unknown name is an error that sticks (-EINVAL). */
void render(Text *t, const char *template, const char *id, const Fields *f);
/* From the fields `env`. -EBADMSG if one is malformed or a key comes twice. */
int render_env(Text *t, const Fields *f);
