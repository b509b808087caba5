/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A picture in a data: URL, as browsers make it of a file: `data:image/png;base64,…`. Only png, jpeg and webp: an SVG is a document with
 * programs in it. Whether all of it is a picture is for who shows it; its first bytes say what kind it is, and it is served as nothing
 * else. */
#pragma once

#include <stddef.h>

enum { PICTURE_BYTES_MAX = 64 * 1024 };

enum {
        PICTURE_OK = 0,
        PICTURE_E_FORM,  /* no data: URL of one of these types, or its base64 is not that */
        PICTURE_E_LARGE, /* more than PICTURE_BYTES_MAX */
        PICTURE_E_KIND,  /* its first bytes are of another type, or of none */
};

typedef struct {
        const char *type; /* image/png, image/jpeg, image/webp; static */
        unsigned char *bytes;
        size_t length;
} Picture;

/* A code above, or -ENOMEM; ret is untouched unless it is PICTURE_OK, and then released with picture_done(). */
int picture_parse(const char *url, Picture *ret);
void picture_done(Picture *p);
/* A sentence for a code. */
const char *picture_explain(int code);
