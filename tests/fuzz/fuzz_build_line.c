/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A line of the build: whatever it is, the step is one of the four, a number is in bounds, a text lies inside the line and has no control
 * character that could move a terminal's cursor (colours of what is printed aside), and what is not understood has no text at all. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "deployment/build_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        auto_free char *line = calloc(1, size + 1);
        BuildLine b;

        if (!line)
                abort();
        memcpy(line, data, size);
        build_line_parse(line, &b);
        if (b.step >= BUILD_STEPS || b.number > 1u << 24 || !b.text)
                abort();
        if (b.says == BUILD_SAYS_UNKNOWN) {
                if (*b.text)
                        abort();
                return 0;
        }
        if (*b.text && (b.text < line || b.text > line + size))
                abort();
        for (const char *c = b.text; *c; c++)
                if (*c == '\033' && (b.says == BUILD_SAYS_OUT || b.says == BUILD_SAYS_NOTE) && text_style(c, strlen(c)))
                        continue;
                else if (((unsigned char) *c < 0x20 && *c != '\t') || *c == 0x7f)
                        abort();
        return 0;
}
