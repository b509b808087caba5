/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "acme/request.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "security/certificate_name.h"
#include "security/validate.h"

static const FieldRule rules[] = {
        { .key = "host", .required = true, .repeats = true },
        { .key = "email" },
        { .key = "server", .required = true },
        { .key = "ca" },
        { .key = "challenge", .required = true },
        { .key = "hook" },
        { .key = "force" },
};

static bool is_server(const char *s) {
        return valid_repo_url(s, NULL, NULL);
}

/* Such a path needs no quotes: certbot gives a hook's to a shell. */
static bool is_path(const char *s) {
        return s[0] == '/' && valid_relative_directory(s + 1);
}

static bool is_challenge(const char *s) {
        return strcmp(s, "webroot") == 0 || strcmp(s, "hook") == 0;
}

static bool is_switch(const char *s) {
        return strcmp(s, "0") == 0 || strcmp(s, "1") == 0;
}

static bool is_email(const char *s) {
        size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-");

        return n >= 1 && n <= 64 && *s != '-' && *s != '.' && s[n] == '@' && valid_host_name(s + n + 1);
}

static const struct {
        const char *key;
        bool (*valid)(const char *value);
        const char *sentence;
} kinds[] = {
        { "host", valid_certificate_name, "a host is no host name" },
        { "email", is_email, "the e-mail address is none" },
        { "server", is_server, "the server is no https address" },
        { "ca", is_path, "the file of authorities is no plain absolute path" },
        { "challenge", is_challenge, "the challenge is neither webroot nor hook" },
        { "hook", is_path, "the hook is no plain absolute path" },
        { "force", is_switch, "force is neither 0 nor 1" },
};

/* NULL, or what is wrong. */
static const char *judge(const Fields *f) {
        size_t hosts = 0, wild = 0;

        if (fields_check(f, rules, ELEMENTS(rules), NULL) < 0)
                return "a field is missing, repeated or unknown";
        for (size_t i = 0; i < fields_count(f); i++)
                for (size_t k = 0; k < ELEMENTS(kinds); k++)
                        if (strcmp(kinds[k].key, fields_key(f, i)) == 0) {
                                if (!kinds[k].valid(fields_value(f, i)))
                                        return kinds[k].sentence;
                                hosts += k == 0;
                                wild += k == 0 && is_wildcard_name(fields_value(f, i));
                        }
        if (hosts > ACME_HOSTS_MAX)
                return "there are too many hosts";
        if ((strcmp(fields_get(f, "challenge"), "hook") == 0) != (fields_get(f, "hook") != NULL))
                return "a hook goes with the challenge hook, and only with that";
        if (wild > 0 && !fields_get(f, "hook"))
                return "a name with * needs a hook: authorities look at its DNS alone";
        return NULL;
}

int acme_request_parse(const char *text, size_t length, Fields **ret, const char **ret_sentence) {
        auto_call(fields_free_cleanup) Fields *f = NULL;
        const char *sentence;
        int r = length > ACME_REQUEST_MAX ? -EBADMSG : fields_parse(text, length, &f, NULL);

        if (r < 0 && r != -EBADMSG)
                return r;
        sentence = r < 0 ? "the request is malformed or cut off" : judge(f);
        if (sentence) {
                *ret_sentence = sentence;
                return -EBADMSG;
        }
        *ret = handover(f);
        return 0;
}
