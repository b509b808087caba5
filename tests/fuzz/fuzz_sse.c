/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The pieces in which a stream arrives make no difference to its events. */
#include "base/text.h"
#include "sse.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int record(void *owner, const SseEvent *event) {
        assert(strlen(event->data) <= event->length);
        text_printf(owner, "%s|%s|%zu|", event->type, event->id, event->length);
        text_put(owner, event->data, event->length);
        return 0;
}

static void parse(const char *data, size_t size, size_t step, Text *log) {
        SseParser *p = NULL;

        if (sse_parser_new(record, log, &p) < 0)
                return;
        for (size_t at = 0; at < size; at += step)
                assert(sse_feed(p, data + at, size - at < step ? size - at : step) == 0);
        text_put(log, sse_last_id(p), strlen(sse_last_id(p)));
        (void) sse_parser_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Text whole = { 0 }, pieces = { 0 };

        if (size < 1 || size > 65536)
                return 0;
        parse((const char *) data + 1, size - 1, size, &whole);
        parse((const char *) data + 1, size - 1, (size_t) data[0] % 16 + 1, &pieces);
        assert(whole.length == pieces.length && (whole.length == 0 || memcmp(whole.data, pieces.data, whole.length) == 0));
        text_cleanup(&whole);
        text_cleanup(&pieces);
        return 0;
}
