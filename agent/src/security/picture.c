/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "security/picture.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define BASE64_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

typedef struct {
        const char *prefix, *type;
        size_t magic_length, second_at;
        const char *magic, *second; /* at the beginning; four bytes further on, or NULL */
} Kind;

static const Kind kinds[] = {
        { "data:image/png;base64,", "image/png", 8, 0, "\x89PNG\r\n\x1a\n", NULL },
        { "data:image/jpeg;base64,", "image/jpeg", 3, 0, "\xff\xd8\xff", NULL },
        { "data:image/webp;base64,", "image/webp", 4, 8, "RIFF", "WEBP" },
};

static bool is_of_kind(const Kind *kind, const unsigned char *bytes, size_t length) {
        return length >= kind->magic_length && memcmp(bytes, kind->magic, kind->magic_length) == 0 &&
               (!kind->second || (length >= kind->second_at + 4 && memcmp(bytes + kind->second_at, kind->second, 4) == 0));
}

int picture_parse(const char *url, Picture *ret) {
        auto_free unsigned char *bytes = NULL;
        const Kind *kind = kinds;
        const char *end = NULL, *text;
        size_t length, n = 0;

        while (kind < kinds + ELEMENTS(kinds) && !text_starts(url, kind->prefix))
                kind++;
        if (kind == kinds + ELEMENTS(kinds))
                return PICTURE_E_FORM;
        text = url + strlen(kind->prefix);
        length = strlen(text);
        if (length > sodium_base64_ENCODED_LEN(PICTURE_BYTES_MAX, sodium_base64_VARIANT_ORIGINAL))
                return PICTURE_E_LARGE;
        /* libsodium 1.0.18 takes some bytes above 127 for digits. */
        if (strspn(text, BASE64_CHARACTERS) != length)
                return PICTURE_E_FORM;
        bytes = malloc(length + 1);
        if (!bytes)
                return -ENOMEM;
        if (sodium_base642bin(bytes, length, text, length, NULL, &n, &end, sodium_base64_VARIANT_ORIGINAL) != 0 || *end)
                return PICTURE_E_FORM;
        if (n > PICTURE_BYTES_MAX)
                return PICTURE_E_LARGE;
        if (!is_of_kind(kind, bytes, n))
                return PICTURE_E_KIND;
        *ret = (Picture){ kind->type, handover(bytes), n };
        return PICTURE_OK;
}

void picture_done(Picture *p) {
        free(p->bytes);
        *p = (Picture){ 0 };
}

const char *picture_explain(int code) {
        switch (code) {
        case PICTURE_OK:
                return "It is in order.";
        case PICTURE_E_FORM:
                return "It must be a data: URL of a PNG, JPEG or WebP picture, in base64: data:image/png;base64,...";
        case PICTURE_E_LARGE:
                return "The picture may have 64 KiB at most. One of 256 by 256 pixels is enough.";
        case PICTURE_E_KIND:
                return "What it contains is no picture of the type that it names.";
        default:
                return "There was no memory for it.";
        }
}
