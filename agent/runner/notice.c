/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "notice.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

void notice(const char *text) {
        static const char begin[] = "<5>nanoscale: ", end[] = "\n";
        const struct iovec line[] = {
                { (void *) (uintptr_t) begin, sizeof begin - 1 },
                { (void *) (uintptr_t) text, strlen(text) },
                { (void *) (uintptr_t) end, sizeof end - 1 },
        };
        if (writev(STDERR_FILENO, line, sizeof line / sizeof *line) < 0)
                return; /* nobody is there to be told */
}

int notice_cannot_start(const char *format, ...) {
        char sentence[1536];
        va_list list;
        va_start(list, format);
        (void) vsnprintf(sentence, sizeof sentence, format, list);
        va_end(list);
        (void) dprintf(STDERR_FILENO, "nanoscale: cannot start the app: %s\n", sentence);
        return NOTICE_CANNOT_START;
}
