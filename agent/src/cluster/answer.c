/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "cluster/answer.h"

#include <stdbool.h>

/* What jansson allocates, rounded up: for an array or object; for a mark between two values; for a byte of a text. */
enum { CONTAINER = 320, MARK = 112, BYTE = 4 };

size_t answer_weight(const char *text, size_t length) {
        size_t weight = BYTE * length;
        bool in_string = false;

        for (size_t i = 0; i < length; i++) {
                if (in_string && text[i] == '\\')
                        i++;
                else if (text[i] == '"')
                        in_string = !in_string;
                else if (!in_string && (text[i] == '[' || text[i] == '{'))
                        weight += CONTAINER;
                else if (!in_string && (text[i] == ',' || text[i] == ':'))
                        weight += MARK;
        }
        return weight;
}

json_t *answer_parse(const char *text, size_t length) {
        return answer_weight(text, length) <= ANSWER_WEIGHT_MAX ? json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL) : NULL;
}
