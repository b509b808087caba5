/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* JSON of another node, which may be hostile. As a tree, text takes many times its length: "[[],[],[]" sixty times. */
#pragma once

#include <jansson.h>
#include <stddef.h>

enum { ANSWER_WEIGHT_MAX = 32 * 1024 * 1024 };

/* At least as many bytes as are taken while the text becomes a tree, by its marks alone; of a text that is no JSON, some number. */
size_t answer_weight(const char *text, size_t length);
/* NULL when it is no JSON, has a name twice in an object, or would take more than ANSWER_WEIGHT_MAX: thousands of projects take less. */
json_t *answer_parse(const char *text, size_t length);
