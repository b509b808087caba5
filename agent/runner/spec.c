/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "spec.h"

#include "base/cleanup.h"
#include "base/fields.h"
#include "base/fs.h"
#include "base/paths.h"
#include "base/text.h"
#include "security/command.h"
#include "security/validate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define SPEC_MAX (64 * 1024)

struct Spec {
        Fields *fields; /* owned */
};

static bool good_repo(const char *s) {
        return valid_repo_url(s, NULL, NULL);
}

static bool good_command(const char *s) {
        return command_split(s, NULL, NULL) == COMMAND_OK;
}

static bool good_command_or_none(const char *s) {
        return !*s || good_command(s);
}

static bool good_flag(const char *s) {
        return strcmp(s, "0") == 0 || strcmp(s, "1") == 0;
}

static bool good_port(const char *s) {
        return text_to_number(s, 1, 65535, NULL);
}

static bool good_proxy_port(const char *s) {
        return text_to_number(s, NS_PROXY_PORT_FIRST, NS_PROXY_PORT_LAST, NULL);
}

/* HOST:PORT:ADDRESS[,ADDRESS…] as curl's --resolve takes it: git is held to the address that was checked. */
static bool good_resolve(const char *s) {
        size_t n = strspn(s, "ABCDEFabcdefghijklmnopqrstuvwxyz0123456789.-:,[]");
        return n > 0 && n <= 512 && s[n] == '\0' && s[0] != '-';
}

/* URL or absolute path that becomes an env value: printable ASCII without spaces. */
static bool good_word(const char *s) {
        size_t n = 0;
        for (; s[n]; n++)
                if (s[n] <= 0x20 || s[n] == 0x7f || (signed char) s[n] < 0)
                        return false;
        return n > 0 && n <= 512;
}

static bool good_registry(const char *s) {
        return good_word(s) && (text_starts(s, "https://") || text_starts(s, "http://"));
}

static bool good_absolute(const char *s) {
        return good_word(s) && s[0] == '/';
}

static bool good_static(const char *s) {
        return strcmp(s, ".") == 0 || valid_relative_directory(s);
}

static const struct {
        const char *key;
        bool (*valid)(const char *value);
        bool build, build_required, slot, slot_required;
} keys[] = {
        { "deployment", valid_id, true, true, false, false },
        { "release", valid_release, true, true, true, true },
        { "repo", good_repo, true, true, false, false },
        { "branch", valid_branch, true, true, false, false },
        { "commit", valid_commit, true, false, false, false },
        { "resolve", good_resolve, true, false, false, false },
        { "root", valid_relative_directory, true, false, true, false },
        { "node", valid_version, true, true, true, true },
        { "bun", valid_version, true, true, true, true },
        { "install", good_command_or_none, true, true, false, false },
        { "build", good_command_or_none, true, true, false, false },
        { "start", good_command, true, true, true, true },
        { "default_start", good_flag, true, false, false, false },
        { "static", good_static, true, false, false, false },
        { "registry", good_registry, true, false, false, false },
        { "ca", good_absolute, true, false, true, false },
        { "port", good_port, false, false, true, true },
        { "armed", good_flag, false, false, true, false },
        { "exclusive", good_flag, false, false, true, false },
        { "proxy", good_proxy_port, false, false, true, false },
};

static int check(const Fields *f, SpecKind kind, const char **ret_why) {
        FieldRule rules[ELEMENTS(keys)];
        size_t n = 0;
        for (size_t i = 0; i < ELEMENTS(keys); i++)
                if (kind == SPEC_BUILD ? keys[i].build : keys[i].slot)
                        rules[n++] = (FieldRule){ .key = keys[i].key,
                                                  .required = kind == SPEC_BUILD ? keys[i].build_required : keys[i].slot_required };

        const char *key = NULL;
        int r = fields_check(f, rules, n, &key);
        if (r < 0) {
                *ret_why = "a field is missing, unknown or there twice";
                return r;
        }
        for (size_t i = 0; i < ELEMENTS(keys); i++) {
                const char *value = fields_get(f, keys[i].key);
                if (value && !keys[i].valid(value)) {
                        *ret_why = keys[i].key;
                        return -EBADMSG;
                }
        }
        return 0;
}

int spec_read(const Place *place, const char *id, const char *name, SpecKind kind, Spec **ret_spec, const char **ret_why) {
        *ret_why = "";
        Path directory;
        int r = path_format(&directory, "%s/specs/%s", place->root, id);
        if (r < 0)
                return r;
        auto_close int dir = open(directory.s, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0) {
                r = -errno;
                *ret_why = "no such project here";
                return r;
        }
        auto_free char *text = NULL;
        size_t length = 0;
        r = fs_read_file(dir, name, SPEC_MAX, &text, &length);
        if (r < 0) {
                *ret_why = "not readable";
                return r;
        }
        auto_call(fields_free_cleanup) Fields *fields = NULL;
        r = fields_parse(text, length, &fields, NULL);
        if (r < 0) {
                *ret_why = "not in the form of field lines";
                return r;
        }
        r = check(fields, kind, ret_why);
        if (r < 0)
                return r;
        auto_call(spec_free_cleanup) Spec *spec = calloc(1, sizeof *spec);
        if (!spec)
                return -ENOMEM;
        spec->fields = handover(fields);
        *ret_spec = handover(spec);
        return 0;
}

Spec *spec_free(Spec *s) {
        if (s) {
                (void) fields_free(s->fields);
                free(s);
        }
        return NULL;
}

void spec_free_cleanup(Spec **s) {
        (void) spec_free(*s);
}

const char *spec_get(const Spec *s, const char *key) {
        const char *value = fields_get(s->fields, key);
        return value ? value : "";
}

bool spec_is_set(const Spec *s, const char *key) {
        return *spec_get(s, key) != '\0';
}
