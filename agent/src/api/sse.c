/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "api/sse.h"

#include "base/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define COMMENT ":\n\n"
enum { KEEP_US = 15 * 1000 * 1000 };

int sse_begin(HttpRequest *rq, void (*closed)(void *owner), void *owner, HttpStream **ret_stream) {
        int r = http_reply_stream(rq, "text/event-stream", closed, owner, ret_stream);

        if (r < 0)
                return r;
        /* At once, since nginx holds an answer's head back until there is something behind it. */
        (void) http_stream_write(*ret_stream, COMMENT, strlen(COMMENT));
        (void) http_stream_keep(*ret_stream, COMMENT, KEEP_US); /* without it, a quiet stream is a little less long-lived */
        return 0;
}

int sse_text(uint64_t id, const char *event, const char *data, char **ret_text, size_t *ret_length) {
        char *text = NULL;
        int n;

        if (id)
                n = asprintf(&text, "id: %" PRIu64 "\nevent: %s\ndata: %s\n\n", id, event, data);
        else
                n = asprintf(&text, "event: %s\ndata: %s\n\n", event, data);
        if (n < 0)
                return -ENOMEM;
        *ret_text = text;
        *ret_length = (size_t) n;
        return 0;
}

int sse_write(HttpStream *s, uint64_t id, const char *event, const char *data) {
        auto_free char *text = NULL;
        size_t length = 0;
        int r = sse_text(id, event, data, &text, &length);

        return r < 0 ? r : http_stream_write(s, text, length);
}
