/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Accepted ⇒ what is written is accepted again, says the same, and is written the same once more. Refused ⇒ nothing was written, and there
 * is a sentence. Input: 1 and edits (two bytes of place, one of value) of a good pair, since no mutation would find one; or else the text
 * itself, of any size. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../unit/certificates/make.h"
#include "base/cleanup.h"
#include "certificates/pem.h"

#define NAME "shop.example.com"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *good_pair(void) {
        static char *pair;

        if (!pair) {
                Authority authority;
                char *chain, *key;

                authority_make(&authority);
                authority_issue(&authority, &(Wanted){ NAME, "x", -86400, 86400 * 365L }, &chain, &key);
                pair = join(key, chain);
                free(chain);
                free(key);
                authority_done(&authority);
        }
        return pair;
}

static char *edit(const uint8_t *data, size_t size) {
        char *text = strdup(good_pair());
        size_t length = strlen(text);

        for (; size >= 3; data += 3, size -= 3)
                text[((size_t) data[0] << 8 | data[1]) % length] = (char) data[2];
        return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        bool edits = size > 0 && data[0] == 1;
        auto_free char *text = edits ? edit(data + 1, size - 1) : malloc(size + 1);
        size_t length = edits ? strlen(good_pair()) : size, length1 = 0, length2 = 0;
        PemInfo info1 = { -1, -1 }, info2 = { -1, -1 };
        char *pem1 = NULL, *pem2 = NULL;
        int64_t now = (int64_t) time(NULL) * 1000;
        int r;

        if (!text)
                abort();
        if (!edits && size > 0)
                memcpy(text, data, size);
        r = pem_check(text, length, text, length, NAME, now, &info1, &pem1, &length1);
        if (r < 0 || !*pem_explain(r) || (pem1 != NULL) != (r == PEM_OK))
                abort();
        if (r == PEM_OK) {
                if (pem_check(pem1, length1, pem1, length1, NAME, now, &info2, &pem2, &length2) != PEM_OK)
                        abort();
                if (memcmp(&info1, &info2, sizeof info1) != 0 || length1 != length2 || memcmp(pem1, pem2, length1) != 0)
                        abort();
        } else if (r != PEM_E_EARLY && r != PEM_E_EXPIRED && (info1.not_after_ms != -1 || info1.not_before_ms != -1))
                abort();
        pem_free(pem1, length1);
        pem_free(pem2, length2);
        return 0;
}
