/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Whatever certbot prints, there is one of the seven words and one safe line. The first byte is the exit code. */
#include <stdint.h>
#include <string.h>

#include "acme/outcome.h"
#include "base/cleanup.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
        if (!holds)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const char *const words[] = { "challenge", "rate-limit", "unreachable", "refused", "disk", "timeout", "other" };
        Output o = { 0 };
        Outcome outcome;
        size_t i = 0;

        if (size < 1)
                return 0;
        o.length = size - 1 < sizeof(o.text) - 1 ? size - 1 : sizeof(o.text) - 1;
        memcpy(o.text, data + 1, o.length);
        outcome_read(data[0], &o, &outcome);
        if (data[0] == 0) {
                check(!outcome.word && !*outcome.sentence);
                return 0;
        }
        while (i < ELEMENTS(words) && strcmp(words[i], outcome.word) != 0)
                i++;
        check(i < ELEMENTS(words) && *outcome.sentence && text_is_line(outcome.sentence, strlen(outcome.sentence)));
        return 0;
}
