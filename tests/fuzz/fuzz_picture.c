/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Accepted ⇒ encoded again under its type it is the same URL, byte for byte, within its bounds. Refused ⇒ nothing was written, and there is
 * a sentence for it. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "security/picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        auto_free char *text = strndup((const char *) data, size), *again = NULL;
        Picture p = { 0 };
        size_t encoded;
        int code, n;

        if (!text)
                abort();
        code = picture_parse(text, &p);
        if (code < PICTURE_OK || code > PICTURE_E_KIND || !*picture_explain(code))
                abort();
        if (code != PICTURE_OK) {
                if (p.type || p.bytes || p.length)
                        abort();
                return 0;
        }
        if (p.length > PICTURE_BYTES_MAX || strncmp(p.type, "image/", 6) != 0)
                abort();
        encoded = sodium_base64_ENCODED_LEN(p.length, sodium_base64_VARIANT_ORIGINAL);
        again = malloc(encoded + 64);
        if (!again)
                abort();
        n = snprintf(again, 64, "data:%s;base64,", p.type);
        (void) sodium_bin2base64(again + n, encoded, p.bytes, p.length, sodium_base64_VARIANT_ORIGINAL);
        if (strcmp(again, text) != 0)
                abort();
        picture_done(&p);
        return 0;
}
