/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sse.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define RETRY_MAX_MS 60000UL

struct SseParser {
        SseHandler handler;
        void *owner;
        Text line, data, type;
        Text id;       /* as read: of the event that is being read */
        Text last_id;  /* of the last event that was read whole: what a new connection may go on after */
        bool begun;    /* past a byte order mark, if there was one */
        bool after_cr; /* a LF that follows belongs to it */
        bool has_data; /* an empty data line is data, too */
        long retry_ms;
        int stopped;
};

int sse_parser_new(SseHandler handler, void *owner, SseParser **ret_parser) {
        SseParser *p = calloc(1, sizeof *p);

        if (!p)
                return -ENOMEM;
        p->handler = handler;
        p->owner = owner;
        p->retry_ms = -1;
        *ret_parser = p;
        return 0;
}

SseParser *sse_parser_free(SseParser *p) {
        if (!p)
                return NULL;
        text_cleanup(&p->line);
        text_cleanup(&p->data);
        text_cleanup(&p->type);
        text_cleanup(&p->id);
        text_cleanup(&p->last_id);
        free(p);
        return NULL;
}

static const char *text_or(const Text *t, const char *otherwise) {
        return t->data && t->length > 0 ? t->data : otherwise;
}

const char *sse_last_id(const SseParser *p) {
        return text_or(&p->last_id, "");
}

long sse_retry_ms(const SseParser *p) {
        return p->retry_ms;
}

/* Empties a text and keeps its memory. */
static void reset(Text *t) {
        t->length = 0;
        if (t->data)
                t->data[0] = '\0';
}

static void copy(Text *to, const Text *from) {
        reset(to);
        text_put(to, text_or(from, ""), from->length);
}

void sse_parser_restart(SseParser *p) {
        reset(&p->line);
        reset(&p->data);
        reset(&p->type);
        copy(&p->id, &p->last_id);
        p->begun = p->after_cr = p->has_data = false;
        p->stopped = p->id.error;
}

static int dispatch(SseParser *p) {
        SseEvent event = {
                .type = text_or(&p->type, "message"),
                .data = text_or(&p->data, ""),
                .length = p->data.length,
                .id = text_or(&p->id, ""),
        };
        int r;

        copy(&p->last_id, &p->id);
        r = p->last_id.error;
        if (r == 0 && p->has_data)
                r = p->handler(p->owner, &event);
        reset(&p->data);
        reset(&p->type);
        p->has_data = false;
        return r;
}

static int take_data(SseParser *p, const char *value, size_t length) {
        if (p->data.length + length + 1 > SSE_MAX_BYTES)
                return -EMSGSIZE;
        if (p->has_data)
                text_put(&p->data, "\n", 1);
        text_put(&p->data, value, length);
        p->has_data = true;
        return p->data.error;
}

static int take_type(SseParser *p, const char *value, size_t length) {
        reset(&p->type);
        text_put(&p->type, value, length);
        return p->type.error;
}

/* It goes back in a header: an id with a NUL is none (so says the standard), and no other control character gets here that ends a header.
 */
static int take_id(SseParser *p, const char *value, size_t length) {
        if (memchr(value, '\0', length))
                return 0;
        reset(&p->id);
        text_put(&p->id, value, length);
        return p->id.error;
}

static int take_retry(SseParser *p, const char *value, size_t length) {
        char digits[16];
        unsigned long n;

        if (length >= sizeof digits)
                return 0;
        memcpy(digits, value, length);
        digits[length] = '\0';
        if (text_to_number(digits, 0, RETRY_MAX_MS, &n))
                p->retry_ms = (long) n;
        return 0;
}

static const struct {
        const char *name;
        int (*take)(SseParser *p, const char *value, size_t length);
} fields[] = {
        { "data", take_data },
        { "event", take_type },
        { "id", take_id },
        { "retry", take_retry },
};

static int take_line(SseParser *p) {
        const char *line = text_or(&p->line, ""), *colon, *value;
        size_t length = p->line.length, name_length;

        if (length == 0)
                return dispatch(p);
        colon = memchr(line, ':', length);
        name_length = colon ? (size_t) (colon - line) : length;
        value = colon ? colon + 1 : line + length;
        if (value < line + length && *value == ' ')
                value++;
        for (size_t i = 0; i < ELEMENTS(fields); i++)
                if (strlen(fields[i].name) == name_length && memcmp(line, fields[i].name, name_length) == 0)
                        return fields[i].take(p, value, length - (size_t) (value - line));
        return 0; /* a comment, or a field of a later standard */
}

/* One end of a line was seen. */
static int end_line(SseParser *p) {
        static const char mark[] = "\xef\xbb\xbf";
        int r;

        if (!p->begun && p->line.length >= 3 && memcmp(p->line.data, mark, 3) == 0) {
                memmove(p->line.data, p->line.data + 3, p->line.length - 3 + 1);
                p->line.length -= 3;
        }
        p->begun = true;
        r = take_line(p);
        reset(&p->line);
        return r;
}

int sse_feed(SseParser *p, const char *data, size_t length) {
        const char *at = data, *end = data + length;

        while (at < end && p->stopped == 0) {
                const char *stop = at;

                if (p->after_cr && *at == '\n')
                        stop = ++at;
                p->after_cr = false;
                while (stop < end && *stop != '\n' && *stop != '\r')
                        stop++;
                if (p->line.length + (size_t) (stop - at) > SSE_MAX_BYTES) {
                        p->stopped = -EMSGSIZE;
                        break;
                }
                text_put(&p->line, at, (size_t) (stop - at));
                if (p->line.error) {
                        p->stopped = p->line.error;
                        break;
                }
                if (stop == end)
                        break;
                p->after_cr = *stop == '\r';
                p->stopped = end_line(p);
                at = stop + 1;
        }
        return p->stopped;
}
