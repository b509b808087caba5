/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "statistics/exposition.h"

#include <inttypes.h>
#include <string.h>

/* Of help: backslash and newline; of a label's value: quotes, too. */
static void put_escaped(Text *t, const char *s, bool quotes) {
        for (; *s; s++)
                if (*s == '\\')
                        text_puts(t, "\\\\");
                else if (*s == '\n')
                        text_puts(t, "\\n");
                else if (*s == '"' && quotes)
                        text_puts(t, "\\\"");
                else
                        text_put(t, s, 1);
}

void exposition_family(Text *t, const char *name, const char *type, const char *help) {
        text_printf(t, "# HELP %s ", name);
        put_escaped(t, help, false);
        text_printf(t, "\n# TYPE %s %s\n", name, type);
}

static void put_name(Text *t, const char *name, const char *const *labels) {
        text_puts(t, name);
        for (size_t i = 0; labels && labels[i]; i += 2) {
                text_printf(t, "%s%s=\"", i == 0 ? "{" : ",", labels[i]);
                put_escaped(t, labels[i + 1], true);
                text_puts(t, "\"");
        }
        text_puts(t, labels && labels[0] ? "} " : " ");
}

void exposition_integer(Text *t, const char *name, const char *const *labels, uint64_t value) {
        put_name(t, name, labels);
        text_printf(t, "%" PRIu64 "\n", value);
}

void exposition_decimal(Text *t, const char *name, const char *const *labels, uint64_t value, uint64_t divisor) {
        int digits = 0;

        for (uint64_t d = divisor; d > 1; d /= 10)
                digits++;
        put_name(t, name, labels);
        if (digits == 0)
                text_printf(t, "%" PRIu64 "\n", value);
        else
                text_printf(t, "%" PRIu64 ".%0*" PRIu64 "\n", value / divisor, digits, value % divisor);
}
