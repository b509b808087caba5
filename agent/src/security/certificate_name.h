/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Names that a certificate can be for: a host name, or one with "*" in place of its first label. In names of files that is "_", which no
 * host name has. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

bool is_wildcard_name(const char *name);
bool valid_certificate_name(const char *s);
/* `*.DOMAIN`: all names right below it. */
void wildcard_name_below(const char *domain, char *ret, size_t size);
/* `*.example.com` → `_.example.com`; another one as it is. ret is as long as name at least. */
void certificate_file_of(const char *name, char *ret, size_t size);
/* The other way. False: no certificate has a file of that name. */
bool certificate_name_of(const char *file, char *ret, size_t size);
/* The file, in /opt/nanoscale/certificates, of its key and chain: NAME.pem. False: the name is too long for one. */
bool certificate_pem_of(const char *name, char ret[static NAME_MAX + 1]);
