/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "acme/certbot.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "security/certificate_name.h"

static void add(CertbotCommand *c, size_t *n, const char *word) {
        if (*n < CERTBOT_ARGV_MAX - 1)
                c->argv[(*n)++] = word;
        c->argv[*n] = NULL;
}

static void add_pair(CertbotCommand *c, size_t *n, const char *option, const char *value) {
        add(c, n, option);
        add(c, n, value);
}

/* What never differs. New names on an existing certificate are confirmed, hooks that lie about in certbot's directory are not run. */
static const char *const always[] = {
        "certonly",
        "--non-interactive",
        "--agree-tos",
        "--no-eff-email",
        "--no-directory-hooks",
        "--renew-with-new-domains",
        "--key-type",
        "ecdsa",
        "--reuse-key",
        "--max-log-backups",
        "10",
        /* certbot 2.1 with Python 3.11 loses what an authority refused with, and ends with "AttributeError: can't set attribute" instead:
         * the trace has it. */
        "--debug",
};

void certbot_command(const Certbot *c, const Fields *request, CertbotCommand *ret) {
        const char *ca = fields_get(request, "ca"), *email = fields_get(request, "email"), *hook = fields_get(request, "hook");
        const char *force = fields_get(request, "force");
        size_t n = 0;

        (void) snprintf(ret->home, sizeof(ret->home), "HOME=%s", c->directory);
        (void) snprintf(ret->ca, sizeof(ret->ca), "REQUESTS_CA_BUNDLE=%s", ca ? ca : "");
        (void) snprintf(ret->config, sizeof(ret->config), "%s/config", c->directory);
        (void) snprintf(ret->work, sizeof(ret->work), "%s/work", c->directory);
        (void) snprintf(ret->logs, sizeof(ret->logs), "%s/logs", c->directory);
        /* program_run() gives every program the same environment; certbot needs two things beside it. */
        add_pair(ret, &n, "/usr/bin/env", ret->home);
        if (ca)
                add(ret, &n, ret->ca);
        add(ret, &n, c->program);
        for (size_t i = 0; i < ELEMENTS(always); i++)
                add(ret, &n, always[i]);
        add_pair(ret, &n, "--config-dir", ret->config);
        add_pair(ret, &n, "--work-dir", ret->work);
        add_pair(ret, &n, "--logs-dir", ret->logs);
        add_pair(ret, &n, "--server", fields_get(request, "server"));
        if (email)
                add_pair(ret, &n, "--email", email);
        else
                add(ret, &n, "--register-unsafely-without-email");
        add(ret, &n, force && strcmp(force, "1") == 0 ? "--force-renewal" : "--keep-until-expiring");
        if (hook) {
                add(ret, &n, "--manual");
                add_pair(ret, &n, "--preferred-challenges", "dns");
                add_pair(ret, &n, "--manual-auth-hook", hook);
                add_pair(ret, &n, "--manual-cleanup-hook", hook);
        } else {
                add(ret, &n, "--webroot");
                add_pair(ret, &n, "--webroot-path", c->webroot);
        }
        certificate_file_of(fields_get(request, "host"), ret->name, sizeof(ret->name));
        add_pair(ret, &n, "--cert-name", ret->name);
        for (size_t i = 0; i < fields_count(request); i++)
                if (strcmp(fields_key(request, i), "host") == 0)
                        add_pair(ret, &n, "--domain", fields_value(request, i));
}

static bool hook_is_safe(const char *path, uid_t owner) {
        struct stat st;

        return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == owner && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
               (st.st_mode & S_IXUSR) != 0;
}

void certbot_run(const Certbot *c, const Fields *request, Outcome *ret) {
        const char *hook = fields_get(request, "hook");
        CertbotCommand command;
        Output o;

        if (hook && !hook_is_safe(hook, c->hook_owner)) {
                outcome_set(ret, "other", "%s is not an executable file that root alone can write to", hook);
                return;
        }
        certbot_command(c, request, &command);
        outcome_read(program_run(c->seconds, &o, command.argv), &o, ret);
}
