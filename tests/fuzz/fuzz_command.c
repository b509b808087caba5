/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Accepted ⇒ no word has a character of a shell's that was not quoted: quoting every word again gives the same words. */
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "security/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
        if (!holds)
                abort();
}

/* A word in single quotes; a single quote itself is escaped outside of them. */
static void put_quoted(Text *t, const char *word) {
        text_put(t, "'", 1);
        for (; *word; word++)
                if (*word == '\'')
                        text_put(t, "'\\''", 4);
                else
                        text_put(t, word, 1);
        text_put(t, "' ", 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        auto_call(text_cleanup) Text again = { 0 };
        auto_free char *text = strndup((const char *) data, size);
        auto_free char **argv = NULL, **second = NULL;
        size_t at = SIZE_MAX, n = 0;
        int code;

        check(text);
        code = command_split(text, &argv, &at);
        check(code >= 0 && code == command_split(text, NULL, NULL) && command_explain(code));
        check(at <= strlen(text));
        if (code != COMMAND_OK) {
                check(!argv);
                return 0;
        }
        for (; argv[n]; n++) {
                check(text_is_line(argv[n], strlen(argv[n])));
                put_quoted(&again, argv[n]);
        }
        check(n >= 1 && n <= 128 && *argv[0] && *argv[0] != '-');
        if (again.length > 4096) /* quoting made it too long */
                return 0;
        check(command_split(again.data, &second, NULL) == COMMAND_OK);
        for (size_t i = 0; i <= n; i++)
                check((!argv[i] && !second[i]) || strcmp(argv[i], second[i]) == 0);
        if (!strpbrk(text, "'\"\\")) /* without quotes there is nothing of a shell's in it */
                check(!strpbrk(text, ";&|<>()`$*?[]{}~!#\n"));
        return 0;
}
