/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Four stages, byte by byte: terminal sequences go out; UTF-8 is put in order and control characters go out; values of the environment are
 * replaced; lines are split. Only the third may look ahead, and so holds bytes back. Colours go beside the bytes, as marks between them, so
 * that the third stage does not see them; the fourth puts them in again. */
#include "output.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef enum {
        PLAIN,
        ESCAPE,       /* after ESC */
        CONTROL,      /* CSI: until a final byte */
        STRING,       /* OSC, DCS and the like: until BEL or ESC \ */
        STRING_ESCAPE /* ESC inside of one */
} Terminal;

/* More in what cannot be decided yet are dropped. */
enum { MARKS_MAX = 64, STYLE_SIZE = 48 };

typedef struct {
        size_t at; /* before this byte of what is held */
        char style[STYLE_SIZE];
} Mark;

struct Output {
        const Secrets *secrets; /* borrowed */
        OutputLine on_line;
        void *owner; /* borrowed */

        Terminal terminal;
        char control[STYLE_SIZE]; /* of a CSI, as far as it is there; too long: it is no style */
        size_t control_length;
        Mark marks[MARKS_MAX];
        size_t n_marks;
        char sequence[4]; /* an unfinished UTF-8 character */
        size_t sequence_length, sequence_wanted;
        char *held; /* owned; clean bytes that may be the start of a secret */
        size_t held_length, held_size;
        char line[OUTPUT_LINE_MAX + 1];
        size_t line_length;
        char returned[STYLE_SIZE]; /* the last style behind a carriage return: of the line that begins anew, if one does */
        bool carriage_return, started;
};

int output_new(const Secrets *secrets, OutputLine on_line, void *owner, Output **ret_output) {
        Output *o = calloc(1, sizeof *o);
        if (!o)
                return -ENOMEM;
        o->secrets = secrets;
        o->on_line = on_line;
        o->owner = owner;
        *ret_output = o;
        return 0;
}

Output *output_free(Output *o) {
        if (o) {
                free(o->held);
                free(o);
        }
        return NULL;
}

void output_free_cleanup(Output **o) {
        (void) output_free(*o);
}

static void end_line(Output *o) {
        o->line[o->line_length] = '\0';
        o->on_line(o->owner, o->line);
        o->line_length = 0;
        o->returned[0] = '\0';
        o->started = o->carriage_return = false;
}

static void append(Output *o, const char *bytes, size_t length) {
        memcpy(o->line + o->line_length, bytes, length);
        o->line_length += length;
}

/* One that has no room in the line is dropped: it is not worth a line of its own. */
static void put_style(Output *o, const char *style) {
        size_t length = strlen(style);

        if (o->carriage_return)
                memcpy(o->returned, style, length + 1);
        else if (o->line_length + length <= OUTPUT_LINE_MAX)
                append(o, style, length);
}

/* Those before byte `at` of what is held. */
static void put_marks(Output *o, size_t at) {
        size_t n = 0;

        while (n < o->n_marks && o->marks[n].at <= at)
                put_style(o, o->marks[n++].style);
        if (n == 0)
                return;
        o->n_marks -= n;
        memmove(o->marks, o->marks + n, o->n_marks * sizeof *o->marks);
}

/* Stage 4: one whole character, or a piece of a key. */
static void put_character(Output *o, const char *bytes, size_t length) {
        if (length == 1 && *bytes == '\n') {
                end_line(o);
                return;
        }
        if (length == 1 && *bytes == '\r') {
                o->carriage_return = true;
                return;
        }
        if (o->carriage_return) {
                o->carriage_return = false;
                o->line_length = 0;
                append(o, o->returned, strlen(o->returned));
                o->returned[0] = '\0';
        }
        if (o->line_length + length > OUTPUT_LINE_MAX)
                end_line(o);
        append(o, bytes, length);
        o->started = true;
}

static size_t character_length(uint8_t first) {
        return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Stage 3: as much of what is held as can be decided. */
static void release_held(Output *o, bool final) {
        size_t at = 0;
        while (at < o->held_length) {
                const char *key = NULL;
                size_t length = 0;
                SecretsAnswer answer = secrets_at(o->secrets, o->held + at, o->held_length - at, final, &key, &length);
                if (answer == SECRETS_MAYBE)
                        break;
                put_marks(o, at);
                if (answer == SECRETS_YES) {
                        put_character(o, "[", 1);
                        for (; *key; key++)
                                put_character(o, key, 1);
                        put_character(o, "]", 1);
                        at += length;
                        continue;
                }
                length = character_length((uint8_t) o->held[at]);
                put_character(o, o->held + at, length);
                at += length;
        }
        put_marks(o, at);
        if (at > 0) {
                memmove(o->held, o->held + at, o->held_length - at);
                o->held_length -= at;
                for (size_t i = 0; i < o->n_marks; i++)
                        o->marks[i].at -= at;
        }
}

static void hold(Output *o, const char *bytes, size_t length) {
        if (o->held_length + length > o->held_size) {
                size_t size = o->held_size ? o->held_size * 2 : 4096;
                char *held = realloc(o->held, size);
                if (!held) {
                        /* Rather no text than one that was not looked through. */
                        o->held_length = o->n_marks = 0;
                        return;
                }
                o->held = held;
                o->held_size = size;
        }
        memcpy(o->held + o->held_length, bytes, length);
        o->held_length += length;
}

static void hold_replacement(Output *o) {
        hold(o, "\xef\xbf\xbd", 3);
        o->sequence_length = o->sequence_wanted = 0;
}

/* Second bytes that would make an overlong form, a surrogate or a number beyond Unicode. */
static bool fits(const char *sequence, size_t at, uint8_t byte) {
        if (byte < 0x80 || byte > 0xbf)
                return false;
        if (at != 1)
                return true;
        switch ((uint8_t) sequence[0]) {
        case 0xe0:
                return byte >= 0xa0;
        case 0xed:
                return byte <= 0x9f;
        case 0xf0:
                return byte >= 0x90;
        case 0xf4:
                return byte <= 0x8f;
        default:
                return true;
        }
}

/* Stage 2. */
static void put_byte(Output *o, uint8_t byte) {
        if (o->sequence_wanted > 0) {
                if (fits(o->sequence, o->sequence_length, byte)) {
                        o->sequence[o->sequence_length++] = (char) byte;
                        if (o->sequence_length < o->sequence_wanted)
                                return;
                        /* U+0080 … U+009F are control characters too. */
                        if (!(o->sequence_wanted == 2 && (uint8_t) o->sequence[0] == 0xc2 && byte < 0xa0))
                                hold(o, o->sequence, o->sequence_length);
                        o->sequence_length = o->sequence_wanted = 0;
                        return;
                }
                hold_replacement(o);
        }
        if (byte < 0x80) {
                char c = (char) byte;
                if (byte == '\n' || byte == '\r' || byte == '\t' || (byte >= 0x20 && byte != 0x7f))
                        hold(o, &c, 1);
                return;
        }
        if (byte < 0xc2 || byte > 0xf4) {
                hold_replacement(o);
                return;
        }
        o->sequence[0] = (char) byte;
        o->sequence_length = 1;
        o->sequence_wanted = character_length(byte);
}

static void mark(Output *o) {
        Mark *m;

        if (text_style(o->control, o->control_length) != o->control_length)
                return;
        if (o->n_marks == MARKS_MAX)
                release_held(o, false);
        if (o->n_marks == MARKS_MAX)
                return;
        m = &o->marks[o->n_marks];
        m->at = o->held_length;
        memcpy(m->style, o->control, o->control_length);
        m->style[o->control_length] = '\0';
        o->n_marks++;
}

static void put_control(Output *o, uint8_t byte) {
        if (o->control_length < sizeof o->control - 1)
                o->control[o->control_length++] = (char) byte;
        if (byte < 0x40 || byte > 0x7e)
                return;
        mark(o);
        o->terminal = PLAIN;
}

/* Stage 1. A line's end ends every sequence: an unclosed one must not swallow the rest of the log. */
static void put_terminal(Output *o, uint8_t byte) {
        if (byte == '\n' && o->terminal != PLAIN)
                o->terminal = PLAIN;
        switch (o->terminal) {
        case PLAIN:
                if (byte == 0x1b)
                        o->terminal = ESCAPE;
                else
                        put_byte(o, byte);
                break;
        case ESCAPE:
                if (byte == '[') {
                        o->terminal = CONTROL;
                        memcpy(o->control, "\033[", 2);
                        o->control_length = 2;
                } else if (byte && strchr("]PX^_", byte))
                        o->terminal = STRING;
                else if (byte < 0x20 || byte > 0x2f) /* not an intermediate byte: a sequence of two */
                        o->terminal = PLAIN;
                break;
        case CONTROL:
                put_control(o, byte);
                break;
        case STRING:
        case STRING_ESCAPE:
                if (byte == 0x07 || (o->terminal == STRING_ESCAPE && byte == '\\'))
                        o->terminal = PLAIN;
                else
                        o->terminal = byte == 0x1b ? STRING_ESCAPE : STRING;
                break;
        }
}

void output_feed(Output *o, const char *data, size_t length) {
        for (size_t i = 0; i < length; i++)
                put_terminal(o, (uint8_t) data[i]);
        release_held(o, false);
}

void output_finish(Output *o) {
        if (o->sequence_wanted > 0)
                hold_replacement(o);
        release_held(o, true);
        if (o->started)
                end_line(o);
        o->line_length = o->n_marks = 0;
        o->returned[0] = '\0';
        o->carriage_return = o->started = false;
        o->terminal = PLAIN;
}
