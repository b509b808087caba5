/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "repository/request.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "security/validate.h"

static const FieldRule rules[] = {
        { .key = "repo", .required = true }, { .key = "branch" }, { .key = "root" }, { .key = "resolve" }, { .key = "ca" },
};

static bool is_repo(const char *s) {
        return valid_repo_url(s, NULL, NULL);
}

/* host:port:address[,address]; it stands behind `http.curloptResolve=` as one argument. */
static bool is_resolve(const char *s) {
        return *s && strlen(s) < 768 && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.:,[]-") == strlen(s) && s[0] != '-';
}

static bool is_path(const char *s) {
        return s[0] == '/' && strlen(s) < 512;
}

static const struct {
        const char *key;
        bool (*valid)(const char *value);
        const char *sentence;
} kinds[] = {
        { "repo", is_repo, "the repository is no https address" },        { "branch", valid_branch, "the branch is none" },
        { "root", valid_relative_directory, "the directory is none" },    { "resolve", is_resolve, "the addresses are none" },
        { "ca", is_path, "the file of authorities is no absolute path" },
};

int repository_request_parse(const char *text, size_t length, Fields **ret, const char **ret_sentence) {
        auto_call(fields_free_cleanup) Fields *f = NULL;
        int r = length > REPOSITORY_REQUEST_MAX ? -EBADMSG : fields_parse(text, length, &f, NULL);

        *ret_sentence = "the request is malformed or cut off";
        if (r == 0)
                r = fields_check(f, rules, ELEMENTS(rules), NULL);
        for (size_t i = 0; r == 0 && i < ELEMENTS(kinds); i++) {
                const char *value = fields_get(f, kinds[i].key);

                if (value && !kinds[i].valid(value)) {
                        *ret_sentence = kinds[i].sentence;
                        r = -EBADMSG;
                }
        }
        if (r < 0)
                return r;
        *ret = handover(f);
        return 0;
}
