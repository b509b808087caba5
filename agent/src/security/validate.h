/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* One function per kind of input: true if the text is exactly of that kind. Pure, libc only; NULL is never valid.
 * The frozen tables in tests/unit/security hold each of them to all 256 bytes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

bool valid_id(const char *s);           /* project, deployment, server id: [a-z0-9]{12} */
bool valid_slot(const char *s);         /* a or b */
bool valid_release(const char *s);      /* 1 … 999999999, no leading zero */
bool valid_project_name(const char *s); /* [a-z0-9-]{1,63}, no dash first or last */
bool valid_server_name(const char *s);  /* as a project name */
/* git's ref rules, ≤ 255 bytes, [A-Za-z0-9._/@+=,-], the first one of [A-Za-z0-9_], not HEAD */
bool valid_branch(const char *s);
bool valid_hex(const char *s, size_t digits); /* exactly so many lower-case hex digits */
bool valid_commit(const char *s);             /* 40 lower-case hex digits */
bool valid_pin(const char *s);                /* SHA-256 of a TLS public key: 64 lower-case hex digits */
bool valid_token(const char *s);              /* [A-Za-z0-9]{32}. Its form only: whether it is the right one says secret_equal() */
bool valid_host_name(const char *s);   /* LDH labels in lower case, ≥ 2 labels, ≤ 253, last label not all digits, no IP address */
bool valid_env_key(const char *s);     /* [A-Za-z_][A-Za-z0-9_]{0,127} */
bool valid_env_value(const char *s);   /* valid UTF-8, ≤ 32 KiB, no control characters but tab and newline */
bool valid_health_path(const char *s); /* / followed by unreserved and sub-delim characters, % escapes, optional query; ≤ 512 */
/* a/b/c of [A-Za-z0-9._@-], no empty, "." or ".." part, no part that starts with a dash, ≤ 255 */
bool valid_relative_directory(const char *s);
bool valid_version(const char *s);               /* digits and dots as 20, 22.11 or 1.2.20: one to three numbers without leading zeros */
bool valid_text_line(const char *s, size_t max); /* valid UTF-8 of at most max bytes without control characters */
bool valid_utf8(const char *s, size_t length);

/* Repository URL: https only, lower-case scheme, host name or IP address literal, optional port, path of [A-Za-z0-9._~/-] without
 * '..' or empty segments, no credentials, query or fragment; ≤ 512. host and port are written to ret_host (≥ 254 bytes) and ret_port
 * when not NULL. */
bool valid_repo_url(const char *s, char *ret_host, unsigned *ret_port);

/* True if the address literal (IPv4 or IPv6, no brackets) is private, loopback, link-local, multicast, unspecified, documentation,
 * carrier-grade NAT or an IPv4 address wrapped into such an IPv6 one. Text that is no address gives true: refuse what is not understood. */
bool address_is_internal(const char *s);

/* Where a node can be reached: an IPv4 address, an IPv6 address without brackets and zone (lower case), or a host name. Loopback and
 * private ones are in order; refused is what can be no server: 0.0.0.0/8, ::, multicast, broadcast and reserved, link-local (169.254.0.0/16
 * with the metadata service, fe80::/10), and IPv4 wrapped into IPv6. */
bool valid_server_address(const char *s);

/* A network: an address in its shortest spelling (IPv6 in lower case), a slash and the bits of its prefix; all others are zero. */
bool valid_cidr(const char *s);

/* Environment keys that NanoScale or systemd sets and a user cannot: PORT, HOME, PATH, and all of LISTEN_*, LD_* and NANOSCALE_*. */
bool env_key_is_reserved(const char *s);
