/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STYLE_MAX = 40 }; /* a colour of the text and one behind it, in their longest form */

/* Decodes one character. Its length, or 0 if it is malformed. The bounds of the second byte exclude overlong forms, surrogates and what
 * lies beyond U+10FFFF (Unicode 15, table 3-7). */
static size_t decode(const unsigned char *s, size_t left, uint32_t *ret) {
        unsigned low = 0x80, high = 0xbf;
        size_t length;

        if (s[0] < 0x80) {
                *ret = s[0];
                return 1;
        }
        if (s[0] >= 0xc2 && s[0] <= 0xdf) {
                length = 2;
                *ret = s[0] & 0x1fu;
        } else if (s[0] >= 0xe0 && s[0] <= 0xef) {
                length = 3;
                *ret = s[0] & 0x0fu;
                if (s[0] == 0xe0)
                        low = 0xa0;
                if (s[0] == 0xed)
                        high = 0x9f;
        } else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
                length = 4;
                *ret = s[0] & 0x07u;
                if (s[0] == 0xf0)
                        low = 0x90;
                if (s[0] == 0xf4)
                        high = 0x8f;
        } else
                return 0;
        if (length > left)
                return 0;
        for (size_t i = 1; i < length; i++) {
                if (s[i] < low || s[i] > high)
                        return 0;
                *ret = *ret << 6 | (s[i] & 0x3fu);
                low = 0x80;
                high = 0xbf;
        }
        return length;
}

static bool check(const char *s, size_t length, bool controls) {
        const unsigned char *at = (const unsigned char *) s;

        for (size_t i = 0; i < length;) {
                uint32_t c = 0;
                size_t n = decode(at + i, length - i, &c);

                if (n == 0)
                        return false;
                if (!controls && (c < 0x20 || (c >= 0x7f && c <= 0x9f)))
                        return false;
                i += n;
        }
        return true;
}

bool text_is_utf8(const char *s, size_t length) {
        return check(s, length, true);
}

bool text_is_line(const char *s, size_t length) {
        return check(s, length, false);
}

size_t text_style(const char *s, size_t length) {
        size_t n = 2;

        if (length < 3 || s[0] != '\033' || s[1] != '[')
                return 0;
        while (n < length && n < STYLE_MAX && ((s[n] >= '0' && s[n] <= '9') || s[n] == ';' || s[n] == ':'))
                n++;
        return n < length && n < STYLE_MAX && s[n] == 'm' ? n + 1 : 0;
}

char *text_without_styles(const char *s) {
        size_t length = strlen(s), n = 0;
        char *copy = malloc(length + 1);

        for (size_t i = 0; copy && i < length;) {
                size_t style = text_style(s + i, length - i);

                if (style)
                        i += style;
                else
                        copy[n++] = s[i++];
        }
        if (copy)
                copy[n] = '\0';
        return copy;
}

void text_make_line(char *s) {
        if (text_is_line(s, strlen(s)))
                return;
        for (; *s; s++)
                if (*s < ' ' || *s > '~')
                        *s = '?';
}

bool text_starts(const char *s, const char *prefix) {
        return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool text_to_number(const char *s, unsigned long min, unsigned long max, unsigned long *ret) {
        unsigned long n = 0;

        if (!*s || (s[0] == '0' && s[1]))
                return false;
        for (; *s; s++)
                if (*s < '0' || *s > '9' || __builtin_mul_overflow(n, 10UL, &n) ||
                    __builtin_add_overflow(n, (unsigned long) (*s - '0'), &n))
                        return false;
        if (n < min || n > max)
                return false;
        if (ret)
                *ret = n;
        return true;
}

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return -1;
}

int text_from_hex(const char *hex, char **ret) {
        size_t length = strlen(hex);
        char *out;

        if (length % 2)
                return -EBADMSG;
        out = malloc(length / 2 + 1);
        if (!out)
                return -ENOMEM;
        for (size_t i = 0; i < length; i += 2) {
                int high = hex_digit(hex[i]), low = hex_digit(hex[i + 1]);

                if (high < 0 || low < 0 || (high == 0 && low == 0)) {
                        free(out);
                        return -EBADMSG;
                }
                out[i / 2] = (char) (high << 4 | low);
        }
        out[length / 2] = '\0';
        *ret = out;
        return 0;
}

static bool reserve(Text *t, size_t more) {
        size_t needed, size = t->size ? t->size : 256;
        char *grown;

        if (t->error)
                return false;
        if (__builtin_add_overflow(t->length, more, &needed) || __builtin_add_overflow(needed, (size_t) 1, &needed)) {
                t->error = -ENOMEM;
                return false;
        }
        if (t->data && needed <= t->size)
                return true;
        while (size < needed)
                if (__builtin_mul_overflow(size, (size_t) 2, &size))
                        size = needed;
        grown = realloc(t->data, size);
        if (!grown) {
                t->error = -ENOMEM;
                return false;
        }
        t->data = grown;
        t->size = size;
        return true;
}

void text_put(Text *t, const char *s, size_t length) {
        if (!reserve(t, length))
                return;
        if (length > 0)
                memcpy(t->data + t->length, s, length);
        t->length += length;
        t->data[t->length] = '\0';
}

void text_puts(Text *t, const char *s) {
        text_put(t, s, strlen(s));
}

void text_printf(Text *t, const char *format, ...) {
        va_list args;
        int n;

        if (t->error)
                return;
        va_start(args, format);
        n = vsnprintf(NULL, 0, format, args);
        va_end(args);
        if (n < 0) {
                t->error = -EINVAL;
                return;
        }
        if (!reserve(t, (size_t) n))
                return;
        va_start(args, format);
        (void) vsnprintf(t->data + t->length, (size_t) n + 1, format, args);
        va_end(args);
        t->length += (size_t) n;
}

int text_take(Text *t, char **ret, size_t *ret_length) {
        int error;

        text_put(t, "", 0);
        error = t->error;
        if (error < 0)
                text_cleanup(t);
        else {
                *ret = t->data;
                if (ret_length)
                        *ret_length = t->length;
        }
        *t = (Text){ 0 };
        return error;
}

void text_cleanup(Text *t) {
        free(t->data);
        *t = (Text){ 0 };
}
