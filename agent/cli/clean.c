/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "clean.h"

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Ranges that never reach a terminal. */
static const struct {
        uint32_t first, last;
} dropped[] = {
        { 0x00, 0x1f },     /* C0; tab is dealt with before */
        { 0x7f, 0x9f },     /* DEL and C1: some terminals obey U+009B as ESC [ */
        { 0xad, 0xad },     /* soft hyphen */
        { 0x61c, 0x61c },   /* bidirectional controls: a line could read otherwise than it is */
        { 0x200b, 0x200f }, /* zero width and marks */
        { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xfeff, 0xfeff }, { 0xe0000, 0xe0fff },
};

static bool is_dropped(uint32_t c) {
        for (size_t i = 0; i < ELEMENTS(dropped); i++)
                if (c >= dropped[i].first && c <= dropped[i].last)
                        return true;
        return false;
}

/* What is surely one column wide. All else counts two: a line that is cut a little early is better than one that wraps and spoils the list.
 */
static const struct { uint32_t first, last; } narrow[] = { { 0x20, 0x10ff }, { 0x1160, 0x2319 }, { 0x2400, 0x25fc }, { 0x2800, 0x2aff } };

static bool is_narrow(uint32_t c) {
        for (size_t i = 0; i < ELEMENTS(narrow); i++)
                if (c >= narrow[i].first && c <= narrow[i].last)
                        return true;
        return false;
}

/* Length of the well-formed character at s, or 0; text_is_utf8() judges. */
static size_t character(const unsigned char *s, size_t left, uint32_t *ret) {
        size_t n = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

        if (n > left || !text_is_utf8((const char *) s, n))
                return 0;
        *ret = n == 1 ? s[0] : s[0] & (0x7fu >> n);
        for (size_t i = 1; i < n; i++)
                *ret = *ret << 6 | (s[i] & 0x3fu);
        return n;
}

/* Length of the escape sequence that begins at s[0] = ESC: CSI up to its final byte, OSC and its kin up to their terminator, else two
 * bytes. One without an end takes the ESC alone, so that nothing of the text is swallowed. */
static size_t escape_length(const char *s, size_t left) {
        size_t i = 2;

        if (left < 2)
                return 1;
        if (s[1] == '[') {
                while (i < left && s[i] >= 0x20 && s[i] <= 0x3f)
                        i++;
                return i < left && s[i] >= 0x40 && s[i] <= 0x7e ? i + 1 : 1;
        }
        if (s[1] != ']' && s[1] != 'P' && s[1] != '^' && s[1] != '_' && s[1] != 'X')
                return s[1] >= 0x20 && s[1] <= 0x7e ? 2 : 1;
        for (; i < left && s[i] != '\n'; i++) {
                if (s[i] == '\a')
                        return i + 1;
                if (s[i] == '\033' && i + 1 < left && s[i + 1] == '\\')
                        return i + 2;
        }
        return 1;
}

size_t clean_put(Text *out, const char *s, size_t length, size_t columns) {
        static const char ellipsis[] = "\xe2\x80\xa6";
        size_t width = 0, cut = 0;
        size_t start = out ? out->length : 0;

        for (size_t i = 0; i < length;) {
                uint32_t c = 0;
                size_t n = character((const unsigned char *) s + i, length - i, &c), wide;
                const char *shown = s + i;

                if (n == 0) {
                        n = 1;
                        c = '?';
                        shown = "?";
                } else if (c == '\t') {
                        c = ' ';
                        shown = " ";
                } else if (c == '\033')
                        n = escape_length(s + i, length - i);
                if (is_dropped(c)) {
                        i += n;
                        continue;
                }
                wide = is_narrow(c) ? 1 : 2;
                if (columns != CLEAN_ALL && width + wide > columns) {
                        if (out && columns > 0) {
                                out->length = start + cut;
                                text_put(out, ellipsis, strlen(ellipsis));
                        }
                        return columns;
                }
                if (out)
                        text_put(out, shown, n);
                width += wide;
                if (out && width + 1 <= columns)
                        cut = out->length - start;
                i += n;
        }
        return width;
}

size_t clean_width(const char *s) {
        return clean_put(NULL, s, strlen(s), CLEAN_ALL);
}
