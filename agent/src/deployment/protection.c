/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "deployment/protection.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "security/password.h"
#include "security/validate.h"

#include <errno.h>
#include <string.h>

/* NULL also for one with a NUL inside. */
static const char *text_of(const json_t *o, const char *key) {
        const json_t *value = json_object_get(o, key);
        const char *text = json_string_value(value);

        return text && strlen(text) == json_string_length(value) ? text : NULL;
}

static int set_gate(ProjectRow *row, const char *user, const char *hash) {
        auto_free char *new_user = user ? strdup(user) : NULL, *new_hash = hash ? strdup(hash) : NULL;

        if ((user && !new_user) || (hash && !new_hash))
                return -ENOMEM;
        free(row->gate_user);
        free(row->gate_hash);
        row->gate_user = handover(new_user);
        row->gate_hash = handover(new_hash);
        return 0;
}

int protection_take_gate(const json_t *value, ProjectRow *row) {
        const char *user = text_of(value, "user"), *password = text_of(value, "password"), *hash = text_of(value, "hash");
        char made[PASSWORD_HASH_SIZE];
        int r;

        if (json_is_null(value))
                return set_gate(row, NULL, NULL);
        if (!json_is_object(value) || json_object_size(value) != (password || hash ? 2 : 1) || !valid_gate_user(user))
                return 1;
        if (hash)
                return valid_password_hash(hash) ? set_gate(row, user, hash) : 1;
        if (!password)
                return row->gate_user && strcmp(row->gate_user, user) == 0 ? 0 : 1;
        if (!valid_gate_password(password))
                return 1;
        r = password_hash(password, made);
        return r < 0 ? r : set_gate(row, user, made);
}

int protection_take_networks(const json_t *value, ProjectRow *row) {
        auto_call(text_cleanup) Text text = { 0 };
        const json_t *item;
        char *all = NULL;
        size_t i;
        int r;

        if (!json_is_array(value) || json_array_size(value) > NETWORKS_MOST)
                return 1;
        json_array_foreach((json_t *) (uintptr_t) value, i, item) {
                const char *network = json_string_value(item);

                if (!network || strlen(network) != json_string_length(item) || !valid_cidr(network))
                        return 1;
                text_printf(&text, "%s%s", i ? " " : "", network);
        }
        text_put(&text, "", 0);
        r = text_take(&text, &all, NULL);
        if (r < 0)
                return r;
        free(row->allowed);
        row->allowed = all;
        return 0;
}

json_t *protection_describe_gate(const ProjectRow *row, bool with_hash) {
        if (!row->gate_user)
                return json_null();
        return with_hash ? json_pack("{s:s, s:s}", "user", row->gate_user, "hash", row->gate_hash)
                         : json_pack("{s:s}", "user", row->gate_user);
}

json_t *protection_describe_networks(const ProjectRow *row) {
        json_t *list = json_array();

        for (const char *at = row->allowed ? row->allowed : ""; list && *at;) {
                size_t n = strcspn(at, " ");

                if (json_array_append_new(list, json_stringn(at, n)) < 0) {
                        json_decref(list);
                        return NULL;
                }
                at += n + strspn(at + n, " ");
        }
        return list;
}
