/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "helper/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "security/validate.h"

int request_env(const char *field, char *ret_key, char **ret_value) {
        size_t n = strcspn(field, " ");
        auto_free char *value = NULL;
        int r;

        if (n < 1 || n > ENV_KEY_MAX || field[n] != ' ')
                return -EBADMSG;
        memcpy(ret_key, field, n);
        ret_key[n] = '\0';
        r = text_from_hex(field + n + 1, &value);
        if (r < 0)
                return r;
        if (!valid_env_key(ret_key) || env_key_is_reserved(ret_key) || !valid_env_value(value))
                return -EBADMSG;
        *ret_value = handover(value);
        return 0;
}

static bool valid_env(const char *field) {
        char key[ENV_KEY_MAX + 1];
        auto_free char *value = NULL;

        return request_env(field, key, &value) == 0;
}

#define NUMBER(key_, min_, max_) \
        { .rule = { .key = key_, .required = true }, .min = min_, .max = max_ }

static const FieldKind limits[] = {
        NUMBER("memory_mib", 32, 1048576),       NUMBER("cpu_percent", 1, 102400),       NUMBER("tasks", 16, 100000),
        NUMBER("build_memory_mib", 64, 1048576), NUMBER("build_cpu_percent", 1, 102400), NUMBER("build_tasks", 16, 100000),
        NUMBER("build_seconds", 10, 86400),      NUMBER("start_on_boot", 0, 1),          NUMBER("stop_seconds", 1, 600),
};
static const FieldKind env[] = {
        { .rule = { .key = "env", .repeats = true }, .valid = valid_env, .most = 1000 },
};
static const FieldKind site[] = {
        { .rule = { .key = "host", .required = true, .repeats = true }, .valid = valid_host_name, .most = 32 },
        NUMBER("body_mib", 1, 10240),
        { .rule = { .key = "static" }, .min = 0, .max = 1 },
};

#define FIELDS(table) .fields = table, .n_fields = ELEMENTS(table)

const Verb verbs[] = {
        { .name = "user-add", .needs = NEEDS_ID, .lock = LOCK_WHOLE, .act = user_add },
        { .name = "user-remove", .needs = NEEDS_ID, .lock = LOCK_LATE, .act = user_remove },
        { .name = "unit-install", .needs = NEEDS_ID | NEEDS_USER, FIELDS(limits), .lock = LOCK_WHOLE, .act = unit_install },
        { .name = "unit-remove", .needs = NEEDS_ID, .lock = LOCK_LATE, .act = unit_remove },
        { .name = "env-install", .needs = NEEDS_ID | NEEDS_USER, FIELDS(env), .lock = LOCK_WHOLE, .act = env_install },
        { .name = "site-install", .needs = NEEDS_ID | NEEDS_USER, FIELDS(site), .lock = LOCK_WHOLE, .act = site_install },
        { .name = "site-remove", .needs = NEEDS_ID, .lock = LOCK_WHOLE, .act = site_remove },
        { .name = "release-remove", .needs = NEEDS_ID | NEEDS_USER | NEEDS_RELEASE, .lock = LOCK_NONE, .act = release_remove },
        { .name = "build-start", .needs = NEEDS_ID, .lock = LOCK_NONE, .act = build_start },
        { .name = "build-stop", .needs = NEEDS_ID, .lock = LOCK_NONE, .act = build_stop },
        { .name = "unit-start", .needs = NEEDS_ID | NEEDS_SLOT, .lock = LOCK_NONE, .act = unit_start },
        { .name = "unit-stop", .needs = NEEDS_ID | NEEDS_SLOT, .lock = LOCK_NONE, .act = unit_stop },
        { .name = "socket-start", .needs = NEEDS_ID | NEEDS_SLOT, .lock = LOCK_NONE, .act = socket_start },
        { .name = "service-restart", .needs = NEEDS_ID | NEEDS_SLOT, .lock = LOCK_NONE, .act = service_restart },
        { .name = "slot-doze", .needs = NEEDS_ID | NEEDS_SLOT, .lock = LOCK_NONE, .act = slot_doze },
        { .name = "live-switch", .needs = NEEDS_ID | NEEDS_USER | NEEDS_SLOT, .lock = LOCK_WHOLE, .act = live_switch },
        { .name = "live-static", .needs = NEEDS_ID | NEEDS_USER | NEEDS_RELEASE, .lock = LOCK_WHOLE, .act = live_static },
        { .name = "nginx-reload", .lock = LOCK_WHOLE, .act = nginx_reload },
};
const size_t n_verbs = ELEMENTS(verbs);

void job_drop(Job *j) {
        j->fields = fields_free(j->fields);
        free(j->line);
}

static int parse_line(Job *j) {
        char *at = j->line; /* empty words come out as such, and are no valid id or argument */
        const char *name = strsep(&at, " ");

        for (size_t i = 0; i < n_verbs && !j->verb; i++)
                if (strcmp(verbs[i].name, name) == 0)
                        j->verb = &verbs[i];
        if (!j->verb)
                return job_fail(j, "request", "no such verb");
        j->id = j->verb->needs & NEEDS_ID ? strsep(&at, " ") : NULL;
        if (j->verb->needs & NEEDS_ID && !valid_id(j->id))
                return job_fail(j, "request", "%s needs a project id", j->verb->name);
        j->argument = j->verb->needs & (NEEDS_SLOT | NEEDS_RELEASE) ? strsep(&at, " ") : NULL;
        if (j->verb->needs & NEEDS_SLOT && !valid_slot(j->argument))
                return job_fail(j, "request", "%s needs a slot", j->verb->name);
        if (j->verb->needs & NEEDS_RELEASE && !valid_release(j->argument))
                return job_fail(j, "request", "%s needs a release", j->verb->name);
        if (at)
                return job_fail(j, "request", "%s takes no more words", j->verb->name);
        if (j->id) {
                (void) snprintf(j->user, sizeof(j->user), NS_USER "-%s", j->id);
                (void) snprintf(j->file, sizeof(j->file), "%s.conf", j->user);
                (void) snprintf(j->home, sizeof(j->home), NS_SITES "/%s", j->id);
        }
        return 0;
}

static int check_kind(Job *j, const FieldKind *kind) {
        size_t seen = 0;

        for (size_t i = 0; i < fields_count(j->fields); i++) {
                const char *value = fields_value(j->fields, i);

                if (strcmp(fields_key(j->fields, i), kind->rule.key) != 0)
                        continue;
                if (kind->valid ? !kind->valid(value) : !text_to_number(value, kind->min, kind->max, NULL))
                        return job_fail(j, "request", "value %zu of field %s is not valid", seen + 1, kind->rule.key);
                if (++seen > kind->most && kind->rule.repeats)
                        return job_fail(j, "request", "more than %zu fields %s", kind->most, kind->rule.key);
        }
        return 0;
}

static int check_fields(Job *j) {
        FieldRule rules[16];
        const char *key = NULL;
        int r = 0;

        _Static_assert(ELEMENTS(limits) <= ELEMENTS(rules), "the largest table fits");
        for (size_t i = 0; i < j->verb->n_fields; i++)
                rules[i] = j->verb->fields[i].rule;
        if (fields_check(j->fields, rules, j->verb->n_fields, &key) < 0)
                return job_fail(j, "request", "field %s is missing, repeated or unknown", key);
        for (size_t i = 0; r == 0 && i < j->verb->n_fields; i++)
                r = check_kind(j, &j->verb->fields[i]);
        return r;
}

int request_parse(Job *j, const char *text, size_t length) {
        const char *newline = memchr(text, '\n', length);
        size_t bad = 0;
        int r;

        if (length > REQUEST_MAX)
                return job_fail(j, "request", "longer than %d bytes", REQUEST_MAX);
        if (!newline || newline - text > 64 || !text_is_line(text, (size_t) (newline - text)))
                return job_fail(j, "request", "the first line is no verb");
        j->line = strndup(text, (size_t) (newline - text));
        if (!j->line)
                return job_fail_errno(j, -ENOMEM, "reading the request");
        r = parse_line(j);
        if (r < 0)
                return r;
        r = fields_parse(newline + 1, length - (size_t) (newline + 1 - text), &j->fields, &bad);
        if (r == -EBADMSG)
                return job_fail(j, "request", "line %zu is malformed or the closing line is missing", bad + 1);
        if (r < 0)
                return job_fail_errno(j, r, "reading the request");
        return check_fields(j);
}
