/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Whatever comes: ok is exactly that line; an error has a known word and a sentence of one line, taken from the text where it is such a
 * line. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "certificates/acme.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const char *const words[] = { "challenge", "rate-limit", "unreachable", "refused", "disk", "timeout", "other" };
        auto_free char *text = malloc(size + 1), *again = NULL;
        bool is_ok = size == 3 && memcmp(data, "ok\n", 3) == 0, known = false;
        AcmeAnswer answer;

        if (!text)
                abort();
        memcpy(text, data, size);
        text[size] = '\0';
        acme_answer_parse(text, size, &answer);
        if (answer.ok != is_ok || !answer.text)
                abort();
        if (is_ok)
                return 0;
        for (size_t i = 0; i < ELEMENTS(words); i++)
                known = known || strcmp(answer.word, words[i]) == 0;
        if (!known || !*answer.text || !text_is_line(answer.text, strlen(answer.text)))
                abort();
        /* It stands in the text: then it is all of it. */
        if (answer.text > text && answer.text < text + size) {
                if (asprintf(&again, "error %s %s\n", answer.word, answer.text) < 0)
                        abort();
                if (strlen(again) != size || memcmp(again, data, size) != 0)
                        abort();
        }
        return 0;
}
