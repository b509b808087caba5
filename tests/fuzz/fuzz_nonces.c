/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The input is a life: steps of the clock and requests, new and repeated. Whatever the clock does, no request (nonce and timestamp) that
 * the clock check lets through is taken twice. */
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "security/nonces.h"

#define NONCE_KINDS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

DEFINE_CLEANUP(Nonces, nonces_free)

typedef struct {
        int64_t timestamp_s;
        uint8_t kind;
} Taken;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        auto_call(nonces_free_cleanup) Nonces *n = NULL;
        auto_free Taken *taken = calloc(size + 1, sizeof(*taken));
        size_t count = 0;
        int64_t now = 1000000;

        if (!taken || size < 1 || size > 4096)
                return 0;
        if (nonces_new(1 + data[0] % 64U, &n) != 0)
                abort();
        for (size_t i = 1; i + 2 < size; i += 3) {
                unsigned char nonce[NONCES_BYTES] = { 0 };
                Taken t;
                int r;

                if (data[i] & 1) { /* up to 127 s, or up to nine hours */
                        int64_t step = data[i] & 2 ? (int64_t) (data[i + 1] << 7 | (data[i + 2] & 127)) : data[i + 1] & 127;

                        now += data[i] & 4 && now > 40000 ? -step : step;
                        continue;
                }
                nonce[0] = t.kind = data[i + 1] % NONCE_KINDS;
                t.timestamp_s = now + data[i + 2] % 61 - 30;
                r = nonces_take(n, nonce, t.timestamp_s, now);
                if (r < 0 || r > NONCES_E_FORGOTTEN)
                        abort();
                if (r != NONCES_OK)
                        continue;
                for (size_t k = 0; k < count; k++)
                        if (taken[k].kind == t.kind && taken[k].timestamp_s == t.timestamp_s)
                                abort();
                taken[count++] = t;
        }
        return 0;
}
