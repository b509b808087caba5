/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "place.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int path_format(Path *ret, const char *format, ...) {
        va_list list;
        va_start(list, format);
        int n = vsnprintf(ret->s, sizeof ret->s, format, list);
        va_end(list);
        if (n >= 0 && (size_t) n < sizeof ret->s)
                return 0;
        ret->s[0] = '\0';
        return -ENAMETOOLONG;
}
