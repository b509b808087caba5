/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Accepted ⇒ made again from its parts it is the same text, byte for byte, and each part is of its form. Refused ⇒ nothing was written, and
 * there is a sentence for it. */
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "security/join_string.h"
#include "security/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        auto_free char *text = strndup((const char *) data, size);
        char again[JOIN_STRING_SIZE];
        JoinString j, before;
        int code;

        if (!text)
                abort();
        memset(&j, 0x5a, sizeof(j));
        before = j;
        code = join_string_parse(text, &j);
        if (code < JOIN_STRING_OK || code > JOIN_STRING_E_PORT || !*join_string_explain(code))
                abort();
        if (code != JOIN_STRING_OK) {
                if (memcmp(&j, &before, sizeof(j)) != 0)
                        abort();
                return 0;
        }
        if (!valid_token(j.token) || !valid_pin(j.pin) || !valid_server_address(j.host) || j.port < 1 || j.port > 65535)
                abort();
        if (join_string_make(&j, again) != JOIN_STRING_OK || strcmp(again, text) != 0)
                abort();
        return 0;
}
