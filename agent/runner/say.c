/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void say(const char *format, ...) {
        char line[4096 + 2];
        va_list list;
        va_start(list, format);
        int n = vsnprintf(line, sizeof line - 1, format, list);
        va_end(list);
        size_t length = n < 0 ? 0 : (size_t) n < sizeof line - 1 ? (size_t) n : sizeof line - 2;
        for (size_t i = 0; i < length; i++)
                if (line[i] == '\n')
                        line[i] = ' ';
        line[length++] = '\n';
        for (size_t at = 0; at < length;) {
                ssize_t w = write(STDOUT_FILENO, line + at, length - at);
                if (w < 0 && errno != EINTR)
                        return; /* nobody listens any more; the exit code still tells */
                at += w > 0 ? (size_t) w : 0;
        }
}
