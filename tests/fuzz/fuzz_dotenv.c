/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is accepted can be written down again, and is then read as the same. */
#include "base/text.h"
#include "dotenv.h"
#include "security/validate.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_down(const Dotenv *env, Text *out) {
        for (size_t i = 0; i < dotenv_count(env); i++) {
                text_printf(out, "export %s=\"", dotenv_key(env, i));
                for (const char *c = dotenv_value(env, i); *c; c++)
                        text_printf(out, strchr("\\\"$", *c) ? "\\%c" : "%c", *c);
                text_printf(out, "\" # %zu\n", i);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Dotenv *env = NULL, *again = NULL;
        Text text = { 0 };
        size_t line = 0;
        const char *sentence = NULL;
        int r;

        if (size > 65536)
                return 0;
        r = dotenv_parse((const char *) data, size, &env, &line, &sentence);
        if (r < 0) {
                assert(line >= 1 && line <= size + 1 && sentence);
                return 0;
        }
        text_put(&text, "", 0);
        write_down(env, &text);
        assert(text.error == 0);
        assert(dotenv_parse(text.data, text.length, &again, &line, &sentence) == 0);
        assert(dotenv_count(again) == dotenv_count(env));
        for (size_t i = 0; i < dotenv_count(env); i++) {
                assert(valid_env_key(dotenv_key(env, i)) && valid_env_value(dotenv_value(env, i)));
                assert(strcmp(dotenv_key(env, i), dotenv_key(again, i)) == 0);
                assert(strcmp(dotenv_value(env, i), dotenv_value(again, i)) == 0);
        }
        text_cleanup(&text);
        (void) dotenv_free(env);
        (void) dotenv_free(again);
        return 0;
}
