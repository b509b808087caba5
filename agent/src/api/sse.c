/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "api/sse.h"

#include "base/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

int sse_write(HttpStream *s, uint64_t id, const char *event, const char *data) {
        auto_free char *text = NULL;
        int n;

        if (id)
                n = asprintf(&text, "id: %" PRIu64 "\nevent: %s\ndata: %s\n\n", id, event, data);
        else
                n = asprintf(&text, "event: %s\ndata: %s\n\n", event, data);
        if (n < 0) {
                text = NULL;
                return -ENOMEM;
        }
        return http_stream_write(s, text, (size_t) n);
}
