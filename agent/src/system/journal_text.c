/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "system/journal_text.h"

#include <stdint.h>
#include <string.h>

#define ESC 0x1b
#define REPLACEMENT "\xef\xbf\xbd"

/* Length of the well-formed character at s, or 0. text_is_utf8() knows the rules; the first byte says how much to show it. */
static size_t character(const char *s, size_t left) {
        unsigned char first = (unsigned char) *s;
        size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

        return n <= left && text_is_utf8(s, n) ? n : 0;
}

/* What follows `ESC [`: parameters, then one final byte. A sequence that is cut off or malformed ends where it stops being one. */
static size_t control_sequence(const char *s, size_t left) {
        size_t n = 0;

        while (n < left && s[n] >= 0x20 && s[n] <= 0x3f)
                n++;
        return n < left && s[n] >= 0x40 && s[n] <= 0x7e ? n + 1 : n;
}

/* What follows `ESC ]` and its like: a text (a window's title, a link) up to BEL or `ESC \`. Without an end it is not taken for one, so
 * that it cannot swallow the rest of the line. */
static size_t string_sequence(const char *s, size_t left) {
        for (size_t n = 0; n < left; n++) {
                if (s[n] == '\a')
                        return n + 1;
                if (s[n] == ESC)
                        return n + 1 < left && s[n + 1] == '\\' ? n + 2 : 0;
        }
        return 0;
}

/* How much an escape sequence at s, behind its ESC, takes. */
static size_t escape_sequence(const char *s, size_t left) {
        if (left == 0)
                return 0;
        if (*s == '[')
                return 1 + control_sequence(s + 1, left - 1);
        if (strchr("]PX^_", *s) && *s)
                return 1 + string_sequence(s + 1, left - 1);
        /* Others: intermediate bytes, then a final one. */
        for (size_t n = 0; n < left && n < 3; n++) {
                if (s[n] >= 0x30 && s[n] <= 0x7e)
                        return n + 1;
                if (s[n] < 0x20 || s[n] > 0x2f)
                        break;
        }
        return 0;
}

void journal_text_put(Text *t, const char *s, size_t length) {
        for (size_t i = 0; i < length;) {
                size_t n = character(s + i, length - i);
                unsigned char second = n == 2 ? (unsigned char) s[i + 1] : 0;

                if (n == 0) {
                        text_put(t, REPLACEMENT, strlen(REPLACEMENT));
                        i++;
                } else if (s[i] == ESC) {
                        size_t style = text_style(s + i, length - i);

                        text_put(t, s + i, style);
                        i += style ? style : 1 + escape_sequence(s + i + 1, length - i - 1);
                } else if (s[i] == '\n') {
                        text_put(t, " ", 1);
                        i++;
                } else if (n == 2 && (unsigned char) s[i] == 0xc2 && second == 0x9b)
                        i += 2 + control_sequence(s + i + 2, length - i - 2); /* U+009B, `ESC [` in one character */
                else {
                        bool control = (n == 1 && ((unsigned char) s[i] < 0x20 || s[i] == 0x7f) && s[i] != '\t') ||
                                       (n == 2 && (unsigned char) s[i] == 0xc2 && second < 0xa0);

                        if (!control)
                                text_put(t, s + i, n);
                        i += n;
                }
        }
        text_put(t, "", 0);
}
