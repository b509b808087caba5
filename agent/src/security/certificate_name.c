/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "security/certificate_name.h"

#include "security/validate.h"

#include <stdio.h>

bool is_wildcard_name(const char *name) {
        return name[0] == '*' && name[1] == '.';
}

bool valid_certificate_name(const char *s) {
        return valid_host_name(is_wildcard_name(s) ? s + 2 : s);
}

void certificate_file_of(const char *name, char *ret, size_t size) {
        (void) snprintf(ret, size, "%s%s", is_wildcard_name(name) ? "_" : "", is_wildcard_name(name) ? name + 1 : name);
}

bool certificate_name_of(const char *file, char *ret, size_t size) {
        bool wild = file[0] == '_' && file[1] == '.';
        int n = snprintf(ret, size, "%s%s", wild ? "*" : "", wild ? file + 1 : file);

        return n > 0 && (size_t) n < size && valid_certificate_name(ret) && (wild || ret[0] != '*');
}
