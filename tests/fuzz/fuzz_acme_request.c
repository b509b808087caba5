/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Accepted ⇒ the command has only the options that it may have, each host is its own word, and no word is more than one to a shell.
 * Refused ⇒ a sentence says why. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "acme/certbot.h"
#include "base/cleanup.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
        if (!holds)
                abort();
}

static bool is_option(const char *word) {
        static const char *const options[] = {
                "--non-interactive",
                "--agree-tos",
                "--no-eff-email",
                "--no-directory-hooks",
                "--renew-with-new-domains",
                "--key-type",
                "--reuse-key",
                "--max-log-backups",
                "--debug",
                "--config-dir",
                "--work-dir",
                "--logs-dir",
                "--server",
                "--email",
                "--register-unsafely-without-email",
                "--force-renewal",
                "--keep-until-expiring",
                "--manual",
                "--preferred-challenges",
                "--manual-auth-hook",
                "--manual-cleanup-hook",
                "--webroot",
                "--webroot-path",
                "--cert-name",
                "--domain",
        };

        for (size_t i = 0; i < ELEMENTS(options); i++)
                if (strcmp(options[i], word) == 0)
                        return true;
        return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const Certbot certbot = { .program = "/usr/bin/certbot", .webroot = "/w", .directory = "/d" };
        auto_call(fields_free_cleanup) Fields *f = NULL;
        const char *sentence = NULL;
        CertbotCommand c;
        size_t domains = 0, hosts = 0, n = 0;

        if (acme_request_parse((const char *) data, size, &f, &sentence) < 0) {
                check(!f && sentence && text_is_line(sentence, strlen(sentence)));
                return 0;
        }
        certbot_command(&certbot, f, &c);
        for (; c.argv[n]; n++) {
                const char *word = c.argv[n];

                check(*word && !word[strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/.:=_@+~-")]);
                check(*word != '-' || is_option(word));
                domains += strcmp(word, "--domain") == 0;
        }
        for (size_t i = 0; i < fields_count(f); i++)
                hosts += strcmp(fields_key(f, i), "host") == 0;
        check(n < CERTBOT_ARGV_MAX - 1 && domains == hosts && hosts >= 1 && hosts <= ACME_HOSTS_MAX);
        return 0;
}
