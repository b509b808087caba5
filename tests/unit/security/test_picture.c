/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sodium.h>

#include "security/picture.h"

static void types_by_their_first_bytes(void **state) {
        static const struct {
                const char *url, *type;
                int code;
        } cases[] = {
                { "data:image/png;base64,iVBORw0KGgo=", "image/png", PICTURE_OK },
                { "data:image/jpeg;base64,/9j/", "image/jpeg", PICTURE_OK },
                { "data:image/webp;base64,UklGRgECAwRXRUJQVlA4IA==", "image/webp", PICTURE_OK },
                { "data:image/jpeg;base64,iVBORw0KGgo=", NULL, PICTURE_E_KIND }, /* a PNG that says it is a JPEG */
                { "data:image/png;base64,/9j/", NULL, PICTURE_E_KIND },
                { "data:image/png;base64,iVBORw0KGg==", NULL, PICTURE_E_KIND },              /* cut off */
                { "data:image/webp;base64,UklGRgECAwRXQVZFZm10IA==", NULL, PICTURE_E_KIND }, /* RIFF, but a sound */
                { "data:image/webp;base64,UklGRg==", NULL, PICTURE_E_KIND },
                { "data:image/png;base64,PHN2Zz48L3N2Zz4=", NULL, PICTURE_E_KIND },
                { "data:image/png;base64,", NULL, PICTURE_E_KIND },
                { "data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=", NULL, PICTURE_E_FORM },
                { "data:text/html;base64,iVBORw0KGgo=", NULL, PICTURE_E_FORM },
                { "data:image/png,iVBORw0KGgo=", NULL, PICTURE_E_FORM },
                { "DATA:image/png;base64,iVBORw0KGgo=", NULL, PICTURE_E_FORM },
                { "https://evil.example/a.png", NULL, PICTURE_E_FORM },
                { "data:image/png;base64,iVBORw0KGgo", NULL, PICTURE_E_FORM }, /* without its padding */
                { "data:image/png;base64,iVBORw0K Ggo=", NULL, PICTURE_E_FORM },
                { "data:image/png;base64,iVBORw0KGgo=\r\nX: y", NULL, PICTURE_E_FORM },
                { "data:image/png;base64,iVBORw0KGgp=", NULL, PICTURE_E_FORM },                 /* bits that are none of a byte */
                { "data:image/webp;base64,UklGRg\340CAwRXRUJQVlA4IA==", NULL, PICTURE_E_FORM }, /* which libsodium takes for a digit */
                { "", NULL, PICTURE_E_FORM },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
                Picture p = { 0 };
                int code = picture_parse(cases[i].url, &p);

                if (code != cases[i].code)
                        fail_msg("%s: %d", cases[i].url, code);
                assert_true(*picture_explain(code) != '\0');
                if (cases[i].type)
                        assert_string_equal(p.type, cases[i].type);
                else
                        assert_null(p.bytes);
                picture_done(&p);
        }
}

static void largest(void **state) {
        static const char prefix[] = "data:image/png;base64,";
        unsigned char *bytes = calloc(1, PICTURE_BYTES_MAX + 1);
        size_t size = sizeof(prefix) + sodium_base64_ENCODED_LEN(PICTURE_BYTES_MAX + 1, sodium_base64_VARIANT_ORIGINAL);
        char *url = malloc(size);
        Picture p = { 0 };

        (void) state;
        assert_non_null(bytes);
        assert_non_null(url);
        memcpy(bytes, "\x89PNG\r\n\x1a\n", 8);
        memcpy(url, prefix, sizeof(prefix));
        for (size_t more = 0; more < 2; more++) {
                (void) sodium_bin2base64(url + sizeof(prefix) - 1, size - sizeof(prefix) + 1, bytes, PICTURE_BYTES_MAX + more,
                                         sodium_base64_VARIANT_ORIGINAL);
                assert_int_equal(picture_parse(url, &p), more ? PICTURE_E_LARGE : PICTURE_OK);
                if (!more) {
                        assert_int_equal(p.length, PICTURE_BYTES_MAX);
                        assert_memory_equal(p.bytes, bytes, p.length);
                }
                picture_done(&p);
        }
        free(bytes);
        free(url);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(types_by_their_first_bytes),
                cmocka_unit_test(largest),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
