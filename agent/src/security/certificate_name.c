/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "security/certificate_name.h"

#include "security/validate.h"

#include <stdio.h>
#include <string.h>

bool is_wildcard_name(const char *name) {
        return name[0] == '*' && name[1] == '.';
}

bool valid_certificate_name(const char *s) {
        return valid_host_name(is_wildcard_name(s) ? s + 2 : s);
}

void wildcard_name_below(const char *domain, char *ret, size_t size) {
        (void) snprintf(ret, size, "*.%s", domain);
}

void certificate_file_of(const char *name, char *ret, size_t size) {
        (void) snprintf(ret, size, "%s%s", is_wildcard_name(name) ? "_" : "", is_wildcard_name(name) ? name + 1 : name);
}

bool certificate_name_of(const char *file, char *ret, size_t size) {
        bool wild = file[0] == '_' && file[1] == '.';
        int n = snprintf(ret, size, "%s%s", wild ? "*" : "", wild ? file + 1 : file);

        return n > 0 && (size_t) n < size && valid_certificate_name(ret) && (wild || ret[0] != '*');
}

bool certificate_pem_of(const char *name, char ret[static NAME_MAX + 1]) {
        certificate_file_of(name, ret, NAME_MAX + 1);
        if (strlen(ret) + strlen(".pem") > NAME_MAX)
                return false;
        (void) strcat(ret, ".pem");
        return true;
}
