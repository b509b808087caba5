/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "deployment/environment.h"

#include "base/cleanup.h"
#include "security/validate.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* A sealed value of one project cannot be moved into another's row. */
static void seal_context(const char *project_id, char ret[static 64]) {
        (void) snprintf(ret, 64, "project-env:%s", project_id);
}

int environment_unseal(const Sealer *s, const char *project_id, const char *sealed, json_t **ret_env) {
        char context[64], *plain = NULL;
        size_t length = 0;
        json_t *env;
        int r;

        if (sealed[0] == '\0') {
                env = json_object();
                if (!env)
                        return -ENOMEM;
                *ret_env = env;
                return 0;
        }
        seal_context(project_id, context);
        r = unseal_text(s, context, sealed, &plain, &length);
        if (r < 0)
                return r;
        env = json_loadb(plain, length, JSON_REJECT_DUPLICATES, NULL);
        secret_free(plain, length);
        if (!json_is_object(env)) {
                json_decref(env);
                return -EBADMSG;
        }
        *ret_env = env;
        return 0;
}

int environment_seal(const Sealer *s, const char *project_id, const json_t *env, char **ret_sealed) {
        char context[64];
        char *plain;
        size_t length;
        int r;

        plain = json_dumps(env, JSON_COMPACT | JSON_SORT_KEYS);
        if (!plain)
                return -ENOMEM;
        length = strlen(plain);
        seal_context(project_id, context);
        r = seal_text(s, context, plain, length, ret_sealed);
        secret_free(plain, length);
        return r;
}

static int check_set(const json_t *env, const json_t *set, const char **ret_key) {
        size_t n = json_object_size(env);
        const char *key;
        json_t *value;

        json_object_foreach((json_t *) (uintptr_t) set, key, value) {
                *ret_key = key;
                if (!valid_env_key(key))
                        return ENVIRONMENT_E_KEY;
                if (env_key_is_reserved(key))
                        return ENVIRONMENT_E_RESERVED;
                if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value) ||
                    !valid_env_value(json_string_value(value)))
                        return ENVIRONMENT_E_VALUE;
                if (!json_object_get(env, key) && ++n > ENVIRONMENT_MAX)
                        return ENVIRONMENT_E_MANY;
        }
        return ENVIRONMENT_OK;
}

int environment_change(json_t *env, const json_t *set, const json_t *unset, const char **ret_key) {
        json_t *name;
        size_t i;
        int r;

        if (unset)
                json_array_foreach(unset, i, name) {
                        *ret_key = json_is_string(name) ? json_string_value(name) : "";
                        if (!valid_env_key(*ret_key))
                                return ENVIRONMENT_E_KEY;
                }
        if (set) {
                r = check_set(env, set, ret_key);
                if (r != ENVIRONMENT_OK)
                        return r;
        }
        if (unset)
                json_array_foreach(unset, i, name)(void) json_object_del(env, json_string_value(name));
        return set && json_object_update(env, (json_t *) (uintptr_t) set) < 0 ? -ENOMEM : 0;
}

const char *environment_explain(int code) {
        switch (code) {
        case ENVIRONMENT_E_KEY:
                return "An environment variable's name has letters, digits and underscores only and does not begin with a digit.";
        case ENVIRONMENT_E_RESERVED:
                return "NanoScale sets this variable itself. The port is set with the project's port.";
        case ENVIRONMENT_E_VALUE:
                return "A value is text of at most 32 KiB without control characters other than tab and newline.";
        case ENVIRONMENT_E_MANY:
                return "A project has at most 256 environment variables.";
        default:
                return "";
        }
}

void environment_put(FieldWriter *w, const json_t *env) {
        static const char digits[] = "0123456789abcdef";
        const char *key;
        json_t *value;

        json_object_foreach((json_t *) (uintptr_t) env, key, value) {
                size_t length = json_string_length(value), key_length = strlen(key), at = key_length + 1;
                const unsigned char *bytes = (const unsigned char *) json_string_value(value);
                char *line = malloc(key_length + 2 + 2 * length);

                if (!line) {
                        w->error = -ENOMEM;
                        return;
                }
                memcpy(line, key, key_length);
                line[key_length] = ' ';
                for (size_t i = 0; i < length; i++) {
                        line[at++] = digits[bytes[i] >> 4];
                        line[at++] = digits[bytes[i] & 15];
                }
                line[at] = '\0';
                fields_put(w, "env", line);
                secret_free(line, at);
        }
}
