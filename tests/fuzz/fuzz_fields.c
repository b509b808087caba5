/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Accepted ⇒ written again it is the same text, byte for byte. */
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        auto_call(fields_free_cleanup) Fields *f = NULL;
        auto_free char *text = NULL;
        FieldWriter w = { 0 };
        size_t length = 0, line = 0;

        if (fields_parse((const char *) data, size, &f, &line) < 0) {
                if (line < 1 || f)
                        abort();
                return 0;
        }
        for (size_t i = 0; i < fields_count(f); i++)
                fields_put(&w, fields_key(f, i), fields_value(f, i));
        if (fields_finish(&w, &text, &length) < 0 || length != size || memcmp(text, data, size) != 0)
                abort();
        return 0;
}
