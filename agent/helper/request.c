/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "helper/request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "security/validate.h"

/* Copies what stands before the first mark to ret_head (HEAD_MAX + 1 bytes), gives what follows it; NULL if there is none or it is too
 * long. */
static const char *split(const char *s, char mark, char *ret_head) {
        const char *end = strchr(s, mark);
        size_t n = end ? (size_t) (end - s) : 0;

        if (!end || n > HEAD_MAX)
                return NULL;
        memcpy(ret_head, s, n);
        ret_head[n] = '\0';
        return end + 1;
}

int request_env(const char *field, char *ret_key, char **ret_value) {
        const char *hex = split(field, ' ', ret_key);
        auto_free char *value = NULL;
        int r = hex ? text_from_hex(hex, &value) : -EBADMSG;

        if (r < 0)
                return r;
        if (!valid_env_key(ret_key) || env_key_is_reserved(ret_key) || !valid_env_value(value))
                return -EBADMSG;
        *ret_value = handover(value);
        return 0;
}

static bool valid_env(const char *field) {
        char key[HEAD_MAX + 1];
        auto_free char *value = NULL;

        return request_env(field, key, &value) == 0;
}

/* `FROM TO`, two host names. */
static bool valid_redirect(const char *field) {
        char from[HEAD_MAX + 1];
        const char *to = split(field, ' ', from);

        return to && valid_host_name(from) && valid_host_name(to) && strcmp(from, to) != 0;
}

/* An address and how many of its bits count: 203.0.113.0/24, 2001:db8::/32. */
static bool valid_network(const char *field) {
        char address[HEAD_MAX + 1];
        const char *bits = split(field, '/', address);
        struct in6_addr any;

        return bits && ((inet_pton(AF_INET, address, &any) == 1 && text_to_number(bits, 0, 32, NULL)) ||
                        (inet_pton(AF_INET6, address, &any) == 1 && text_to_number(bits, 0, 128, NULL)));
}

#define NUMBER(key_, min_, max_) \
        { .key = key_, .min = min_, .max = max_, .least = 1, .most = 1 }
#define OPTION(key_, max_) \
        { .key = key_, .max = max_, .most = 1 }
#define LIST(key_, valid_, most_) \
        { .key = key_, .valid = valid_, .most = most_ }

static const FieldKind limits[] = {
        NUMBER("memory_mib", 32, 1048576),       NUMBER("cpu_percent", 1, 102400),       NUMBER("tasks", 16, 100000),
        NUMBER("build_memory_mib", 64, 1048576), NUMBER("build_cpu_percent", 1, 102400), NUMBER("build_tasks", 16, 100000),
        NUMBER("build_seconds", 10, 86400),      NUMBER("start_on_boot", 0, 1),          NUMBER("stop_seconds", 1, 600),
};
static const FieldKind env[] = { LIST("env", valid_env, 1000) };
static const FieldKind site[] = {
        LIST("host", valid_host_name, 32),
        LIST("secure_host", valid_host_name, 32),
        LIST("redirect_host", valid_redirect, 32),
        LIST("allow", valid_network, 256),
        NUMBER("body_mib", 1, 10240),
        OPTION("static", 1),
        OPTION("hsts", 1),
        OPTION("headers", 1),
        OPTION("rate", 10000),
        OPTION("gate", 1),
        OPTION("maintenance", 1),
};
#define FIELDS_MAX 16
_Static_assert(ELEMENTS(limits) <= FIELDS_MAX && ELEMENTS(site) <= FIELDS_MAX, "the largest table fits");

#define FIELDS(table) .fields = table, .n_fields = ELEMENTS(table)
#define CONTROL(command_, kind_, other_) .lock = LOCK_NONE, .act = unit_control, .command = command_, .kind = kind_, .other = other_

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
        { .name = "build-stop", .needs = NEEDS_ID, CONTROL("stop", BUILD, BUILD) },
        { .name = "unit-start", .needs = NEEDS_ID | NEEDS_SLOT, .lock = LOCK_NONE, .act = unit_start },
        { .name = "unit-stop", .needs = NEEDS_ID | NEEDS_SLOT, CONTROL("stop", SOCKET, SERVICE) },
        { .name = "socket-start", .needs = NEEDS_ID | NEEDS_SLOT, CONTROL("start", SOCKET, SOCKET) },
        { .name = "service-restart", .needs = NEEDS_ID | NEEDS_SLOT, CONTROL("restart", SERVICE, SERVICE) },
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
        j->argument = j->verb->needs & (NEEDS_SLOT | NEEDS_RELEASE) ? strsep(&at, " ") : NULL;
        if ((j->verb->needs & NEEDS_ID && !valid_id(j->id)) || (j->verb->needs & NEEDS_SLOT && !valid_slot(j->argument)) ||
            (j->verb->needs & NEEDS_RELEASE && !valid_release(j->argument)) || at)
                return job_fail(j, "request", "what follows %s is not what it needs", j->verb->name);
        if (j->id) {
                (void) snprintf(j->user, sizeof(j->user), NS_USER "-%s", j->id);
                (void) snprintf(j->file, sizeof(j->file), "%s.conf", j->user);
                (void) snprintf(j->home, sizeof(j->home), NS_SITES "/%s", j->id);
        }
        return 0;
}

static int check_fields(Job *j) {
        const FieldKind *kinds = j->verb->fields;
        size_t n = j->verb->n_fields, seen[FIELDS_MAX] = { 0 }, k;

        for (size_t i = 0; i < fields_count(j->fields); i++) {
                const char *key = fields_key(j->fields, i), *value = fields_value(j->fields, i);

                for (k = 0; k < n && strcmp(kinds[k].key, key) != 0; k++)
                        ;
                if (k == n || ++seen[k] > kinds[k].most)
                        return job_fail(j, "request", "field %s is unknown, or there are too many", key);
                if (kinds[k].valid ? !kinds[k].valid(value) : !text_to_number(value, kinds[k].min, kinds[k].max, NULL))
                        return job_fail(j, "request", "value %zu of field %s is not valid", seen[k], key);
        }
        for (k = 0; k < n; k++)
                if (seen[k] < kinds[k].least)
                        return job_fail(j, "request", "field %s is missing", kinds[k].key);
        if (kinds == site && !fields_get(j->fields, "host") && !fields_get(j->fields, "secure_host"))
                return job_fail(j, "request", "a site needs a field host or secure_host");
        return 0;
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
                return job_result(j, -ENOMEM, "reading the request");
        r = parse_line(j);
        if (r < 0)
                return r;
        r = fields_parse(newline + 1, length - (size_t) (newline + 1 - text), &j->fields, &bad);
        if (r == -EBADMSG)
                return job_fail(j, "request", "line %zu is malformed or the closing line is missing", bad + 1);
        return r < 0 ? job_result(j, r, "reading the request") : check_fields(j);
}
