/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "base/text.h"
#include "security/validate.h"

#define FILE_MAX ((size_t) 64 << 10)

/* --- the table: what may be set, how it is called in the file and in the environment, and what it takes --- */

typedef enum {
        STRING,
        BOOLEAN,
        NUMBER, /* an unsigned in [min, max] */
        CHOICE, /* one of words; its index goes to an int or a bool */
} Kind;

typedef struct {
        const char *key, *variable;
        Kind kind;
        size_t offset;
        bool (*valid)(const char *value); /* STRING */
        const char *wanted;               /* STRING: completes "must be …" */
        const char *words[4];             /* CHOICE */
        unsigned long min, max;           /* NUMBER */
} Setting;

static bool is_path(const char *s) {
        return s[0] == '/' && strlen(s) < PATH_MAX && text_is_line(s, strlen(s));
}

static bool is_url(const char *s) {
        size_t scheme = text_starts(s, "https://") ? 8 : text_starts(s, "http://") ? 7 : 0;

        if (scheme == 0 || !isalnum((unsigned char) s[scheme]) || strlen(s) > 512)
                return false;
        for (; *s; s++)
                if (*s <= ' ' || *s > '~' || strchr("\"'<>\\^`{|}?#@", *s))
                        return false;
        return true;
}

/* With a project's name in front it must still be a host name; 63 is the longest name. */
static bool is_domain(const char *s) {
        char host[256];

        return strlen(s) <= 189 && snprintf(host, sizeof(host), "a.%s", s) > 0 && valid_host_name(host);
}

/* What nanoscale-acme takes: no quotes are needed wherever it goes. */
static bool is_plain_path(const char *s) {
        return s[0] == '/' && valid_relative_directory(s + 1);
}

static bool is_https(const char *s) {
        return valid_repo_url(s, NULL, NULL);
}

static bool is_email(const char *s) {
        size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-");

        return n >= 1 && n <= 64 && *s != '-' && *s != '.' && s[n] == '@' && valid_host_name(s + n + 1);
}

/* One blank between two, so that it reads back as it is written. */
static bool is_address_list(const char *s) {
        for (bool first = true; first || *s; first = false) {
                char word[64];
                size_t n;

                if (!first && *s++ != ' ')
                        return false;
                n = strcspn(s, " ");
                if (n == 0 || n >= sizeof(word))
                        return false;
                memcpy(word, s, n);
                word[n] = '\0';
                if (!valid_server_address(word) || valid_host_name(word))
                        return false;
                s += n;
        }
        return true;
}

#define A_PLAIN_PATH is_plain_path, "an absolute path of letters, digits and ._@-"
#define A_PATH is_path, "an absolute path"
#define A_URL is_url, "a URL that begins with https:// or http://, without credentials, query or fragment"

static const Setting settings[] = {
        { "role", "NANOSCALE_ROLE", CHOICE, offsetof(Config, role), .words = { "orchestrator", "worker" } },
        { "name", "NANOSCALE_NAME", STRING, offsetof(Config, name), valid_server_name,
          "1 to 63 of a-z, 0-9 and -, without a dash first or last" },
        { "base_domain", "NANOSCALE_BASE_DOMAIN", STRING, offsetof(Config, base_domain), is_domain,
          "a domain in lower case, such as apps.example.com" },
        { "database", "NANOSCALE_DATABASE", STRING, offsetof(Config, database), A_PATH },
        { "seal_key", "NANOSCALE_SEAL_KEY", STRING, offsetof(Config, seal_key), A_PATH },
        { "helper.transport", "NANOSCALE_HELPER_TRANSPORT", CHOICE, offsetof(Config, helper_sudo), .words = { "socket", "sudo" } },
        { "runtimes.registry", "NANOSCALE_RUNTIMES_REGISTRY", STRING, offsetof(Config, runtimes_registry), A_URL },
        { "runtimes.node_dist", "NANOSCALE_RUNTIMES_NODE_DIST", STRING, offsetof(Config, runtimes_node_dist), A_URL },
        { "runtimes.bun_dist", "NANOSCALE_RUNTIMES_BUN_DIST", STRING, offsetof(Config, runtimes_bun_dist), A_URL },
        { "builds.registry", "NANOSCALE_BUILDS_REGISTRY", STRING, offsetof(Config, builds_registry), A_URL },
        { "builds.ca", "NANOSCALE_BUILDS_CA", STRING, offsetof(Config, builds_ca), A_PATH },
        { "cluster.address", "NANOSCALE_CLUSTER_ADDRESS", STRING, offsetof(Config, cluster_address), valid_server_address,
          "a host name in lower case, or an IPv4 or IPv6 address without brackets" },
        { "cluster.port", "NANOSCALE_CLUSTER_PORT", NUMBER, offsetof(Config, cluster_port), .min = 1, .max = 65535 },
        { "dashboard.domain", "NANOSCALE_DASHBOARD_DOMAIN", STRING, offsetof(Config, dashboard_domain), valid_host_name,
          "a host name in lower case, such as panel.example.com" },
        { "acme.email", "NANOSCALE_ACME_EMAIL", STRING, offsetof(Config, acme_email), is_email, "an e-mail address" },
        { "acme.server", "NANOSCALE_ACME_SERVER", STRING, offsetof(Config, acme_server), is_https,
          "the https:// address of an ACME directory" },
        { "acme.ca", "NANOSCALE_ACME_CA", STRING, offsetof(Config, acme_ca), A_PLAIN_PATH },
        { "acme.hook", "NANOSCALE_ACME_HOOK", STRING, offsetof(Config, acme_hook), A_PLAIN_PATH },
        { "acme.hook_for_all", "NANOSCALE_ACME_HOOK_FOR_ALL", BOOLEAN, offsetof(Config, acme_hook_for_all) },
        { "acme.addresses", "NANOSCALE_ACME_ADDRESSES", STRING, offsetof(Config, acme_addresses), is_address_list,
          "IP addresses with a blank between them" },
        { "acme.check_dns", "NANOSCALE_ACME_CHECK_DNS", BOOLEAN, offsetof(Config, acme_check_dns) },
        { "network.allow_private_repositories", "NANOSCALE_NETWORK_ALLOW_PRIVATE_REPOSITORIES", BOOLEAN,
          offsetof(Config, allow_private_repositories) },
        { "sleep.shortest_idle_seconds", "NANOSCALE_SLEEP_SHORTEST_IDLE_SECONDS", NUMBER, offsetof(Config, shortest_idle_seconds), .min = 1,
          .max = 86400 },
        { "sleep.doze_seconds", "NANOSCALE_SLEEP_DOZE_SECONDS", NUMBER, offsetof(Config, doze_seconds), .max = 86400 },
        { "sleep.deep_seconds", "NANOSCALE_SLEEP_DEEP_SECONDS", NUMBER, offsetof(Config, deep_seconds), .min = 1, .max = 31536000 },
        { "log.level", "NANOSCALE_LOG_LEVEL", CHOICE, offsetof(Config, log_level), .words = { "error", "warning", "info", "debug" } },
};

static void *member(Config *c, const Setting *s) {
        return (char *) c + s->offset;
}

/* --- sentences --- */

static int refuse(char **ret_sentence, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int refuse(char **ret_sentence, int error, const char *format, ...) {
        va_list args;

        va_start(args, format);
        if (vasprintf(ret_sentence, format, args) < 0)
                *ret_sentence = NULL;
        va_end(args);
        return error;
}

static int refuse_choice(char **ret_sentence, const Setting *s, const char *place, const char *value) {
        Text t = { 0 };

        text_printf(&t, "%s is \"%.200s\"; it must be", place, value);
        for (size_t i = 0; i < ELEMENTS(s->words) && s->words[i]; i++)
                text_printf(&t, "%s \"%s\"", i == 0 ? "" : " or", s->words[i]);
        text_put(&t, ".", 1);
        return text_take(&t, ret_sentence, NULL) < 0 ? -ENOMEM : -EINVAL;
}

/* --- values --- */

static int set_string(Config *c, const Setting *s, const char *value) {
        char *copy = strdup(value), **at = member(c, s);

        if (!copy)
                return -ENOMEM;
        free(*at);
        *at = copy;
        return 0;
}

/* The three choices are of three types. */
static int set_choice(Config *c, const Setting *s, size_t word) {
        if (s->offset == offsetof(Config, role))
                c->role = word == 0 ? ROLE_ORCHESTRATOR : ROLE_WORKER;
        else if (s->offset == offsetof(Config, helper_sudo))
                c->helper_sudo = word == 1;
        else
                return set_string(c, s, s->words[word]);
        return 0;
}

/* place is "key of file" or the variable's name. */
static int take_text(Config *c, const Setting *s, const char *place, const char *value, char **ret_sentence) {
        unsigned long number;

        switch (s->kind) {
        case STRING:
                if (s->valid(value))
                        return set_string(c, s, value);
                return refuse(ret_sentence, -EINVAL, "%s is \"%.200s\"; it must be %s.", place, value, s->wanted);
        case CHOICE:
                for (size_t i = 0; i < ELEMENTS(s->words) && s->words[i]; i++)
                        if (strcmp(value, s->words[i]) == 0)
                                return set_choice(c, s, i);
                return refuse_choice(ret_sentence, s, place, value);
        case BOOLEAN:
                if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
                        return refuse(ret_sentence, -EINVAL, "%s is \"%.200s\"; it must be true or false.", place, value);
                *(bool *) member(c, s) = value[0] == 't';
                return 0;
        case NUMBER:
                if (!text_to_number(value, s->min, s->max, &number))
                        return refuse(ret_sentence, -EINVAL, "%s is \"%.200s\"; it must be a whole number from %lu to %lu.", place, value,
                                      s->min, s->max);
                *(unsigned *) member(c, s) = (unsigned) number;
                return 0;
        }
        return -EINVAL;
}

/* --- the file --- */

static const char *type_name(const json_t *value) {
        static const char *const names[] = {
                [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array",     [JSON_STRING] = "a string",     [JSON_INTEGER] = "a number",
                [JSON_REAL] = "a number",    [JSON_TRUE] = "true or false", [JSON_FALSE] = "true or false", [JSON_NULL] = "null",
        };

        return names[json_typeof(value)];
}

static int take_value(Config *c, const Setting *s, const char *path, const json_t *value, char **ret_sentence) {
        char place[PATH_MAX + 64];

        (void) snprintf(place, sizeof(place), "%s of %s", s->key, path);
        if (s->kind == BOOLEAN && json_is_boolean(value))
                return take_text(c, s, place, json_is_true(value) ? "true" : "false", ret_sentence);
        if (s->kind == BOOLEAN)
                return refuse(ret_sentence, -EINVAL, "%s is %s; it must be true or false, without quotes.", place, type_name(value));
        if (s->kind == NUMBER && json_is_integer(value)) {
                char digits[32];

                (void) snprintf(digits, sizeof(digits), "%lld", (long long) json_integer_value(value));
                return take_text(c, s, place, digits, ret_sentence);
        }
        if (s->kind == NUMBER)
                return refuse(ret_sentence, -EINVAL, "%s is %s; it must be a whole number, without quotes.", place, type_name(value));
        if (!json_is_string(value))
                return refuse(ret_sentence, -EINVAL, "%s is %s; it must be a string.", place, type_name(value));
        /* A NUL, which JSON can carry, would hide the rest from every check. */
        if (strlen(json_string_value(value)) != json_string_length(value))
                return refuse(ret_sentence, -EINVAL, "%s contains a NUL character; remove it.", place);
        return take_text(c, s, place, json_string_value(value), ret_sentence);
}

static bool is_section(const char *key) {
        size_t n = strlen(key);

        for (size_t i = 0; i < ELEMENTS(settings); i++)
                if (strncmp(settings[i].key, key, n) == 0 && settings[i].key[n] == '.')
                        return true;
        return false;
}

static int unknown_key(const char *path, const char *section, const char *key, char **ret_sentence) {
        Text t = { 0 };

        text_printf(&t, "%s has the key %s%.100s, which does not exist; remove it, or choose one of", path, section, key);
        for (size_t i = 0; i < ELEMENTS(settings); i++)
                text_printf(&t, "%s %s", i == 0 ? "" : ",", settings[i].key);
        text_put(&t, ".", 1);
        return text_take(&t, ret_sentence, NULL) < 0 ? -ENOMEM : -EINVAL;
}

/* section is "" or ends with a dot. */
static int take_object(Config *c, const char *path, const char *section, json_t *object, char **ret_sentence) {
        const char *key;
        json_t *value;

        json_object_foreach(object, key, value) {
                const Setting *found = NULL;
                char full[128];
                int r;

                if (snprintf(full, sizeof(full), "%s%s", section, key) < (int) sizeof(full))
                        for (size_t i = 0; i < ELEMENTS(settings) && !found; i++)
                                if (strcmp(settings[i].key, full) == 0)
                                        found = &settings[i];
                if (found)
                        r = take_value(c, found, path, value, ret_sentence);
                else if (!*section && is_section(key) && json_is_object(value)) {
                        (void) snprintf(full, sizeof(full), "%s.", key);
                        r = take_object(c, path, full, value, ret_sentence);
                } else if (!*section && is_section(key))
                        r = refuse(ret_sentence, -EINVAL, "%s of %s is %s; it must be an object.", key, path, type_name(value));
                else
                        r = unknown_key(path, section, key, ret_sentence);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int read_file(const char *path, char *buffer, size_t size, size_t *ret_length, char **ret_sentence) {
        auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        size_t length = 0;
        struct stat st;

        if (fd < 0 && errno == ENOENT)
                return -ENOENT;
        if (fd < 0 || fstat(fd, &st) < 0) {
                int error = -errno;

                return refuse(ret_sentence, error, "%s cannot be read: %s. The user of the agent must be able to read it.", path,
                              strerror(-error));
        }
        if (!S_ISREG(st.st_mode))
                return refuse(ret_sentence, -EINVAL, "%s is not a regular file; replace it by one.", path);
        while (length < size) {
                ssize_t n = read(fd, buffer + length, size - length);

                if (n < 0) {
                        int error = -errno;

                        return refuse(ret_sentence, error, "%s cannot be read: %s.", path, strerror(-error));
                }
                if (n == 0)
                        break;
                length += (size_t) n;
        }
        if (length == size)
                return refuse(ret_sentence, -EFBIG, "%s is larger than 64 KiB; no set of settings is.", path);
        *ret_length = length;
        return 0;
}

static void json_cleanup(json_t **value) {
        json_decref(*value);
}

static int load_file(Config *c, const char *path, char **ret_sentence) {
        auto_free char *buffer = malloc(FILE_MAX + 1);
        auto_call(json_cleanup) json_t *root = NULL;
        json_error_t error;
        size_t length;
        int r;

        if (!buffer)
                return -ENOMEM;
        r = read_file(path, buffer, FILE_MAX + 1, &length, ret_sentence);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        root = json_loadb(buffer, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        if (!root)
                return refuse(ret_sentence, -EINVAL, "%s, line %d, column %d: %s. Correct it, or remove the file to get the defaults.",
                              path, error.line, error.column, error.text);
        if (!json_is_object(root))
                return refuse(ret_sentence, -EINVAL, "%s holds %s; it must be an object: { \"role\": \"orchestrator\" }.", path,
                              type_name(root));
        return take_object(c, path, "", root, ret_sentence);
}

/* --- the environment --- */

static int load_environment(Config *c, char *const *env, char **ret_sentence) {
        for (; env && *env; env++) {
                size_t n = strcspn(*env, "=");
                const Setting *found = NULL;
                char name[64];
                int r;

                if (!text_starts(*env, "NANOSCALE_") || !(*env)[n])
                        continue;
                for (size_t i = 0; i < ELEMENTS(settings) && !found; i++)
                        if (strlen(settings[i].variable) == n && strncmp(settings[i].variable, *env, n) == 0)
                                found = &settings[i];
                if (!found)
                        return refuse(ret_sentence, -EINVAL,
                                      "The variable %.*s of the environment is not a setting; unset it. A setting such as log.level is "
                                      "called "
                                      "NANOSCALE_LOG_LEVEL.",
                                      (int) (n < 100 ? n : 100), *env);
                (void) snprintf(name, sizeof(name), "The variable %s", found->variable);
                r = take_text(c, found, name, *env + n + 1, ret_sentence);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* --- all --- */

/* The host name as far as it is a name for a node. */
static void host_name(char *buffer, size_t size) {
        if (gethostname(buffer, size) < 0)
                buffer[0] = '\0';
        buffer[size - 1] = '\0';
        buffer[strcspn(buffer, ".")] = '\0';
        for (char *c = buffer; *c; c++)
                *c = (char) tolower((unsigned char) *c);
        if (!valid_server_name(buffer))
                (void) snprintf(buffer, size, "node");
}

static int set_defaults(Config *c) {
        char name[HOST_NAME_MAX + 1];

        host_name(name, sizeof(name));
        c->name = strdup(name);
        c->base_domain = strdup("localhost");
        c->database = strdup(NS_DATA "/nanoscale.db");
        c->seal_key = strdup(NS_DATA "/seal.key");
        c->log_level = strdup("info");
        c->acme_server = strdup("https://acme-v02.api.letsencrypt.org/directory");
        c->acme_check_dns = true;
        c->cluster_port = 4000;
        c->shortest_idle_seconds = 60;
        c->doze_seconds = 120;
        c->deep_seconds = 86400;
        return c->name && c->acme_server && c->base_domain && c->database && c->seal_key && c->log_level ? 0 : -ENOMEM;
}

DEFINE_CLEANUP(Config, config_free)

int config_load(const char *path, char *const *env, Config **ret_config, char **ret_sentence) {
        auto_call(config_free_cleanup) Config *c = calloc(1, sizeof(*c));
        int r;

        *ret_sentence = NULL;
        r = c ? set_defaults(c) : -ENOMEM;
        if (r == 0)
                r = load_file(c, path, ret_sentence);
        if (r == 0)
                r = load_environment(c, env, ret_sentence);
        if (r < 0) {
                if (!*ret_sentence)
                        *ret_sentence = strdup("There is not enough memory to read the settings.");
                return r;
        }
        *ret_config = handover(c);
        return 0;
}

Config *config_free(Config *c) {
        if (c) {
                char *const owned[] = { c->name,
                                        c->base_domain,
                                        c->database,
                                        c->seal_key,
                                        c->runtimes_registry,
                                        c->runtimes_node_dist,
                                        c->runtimes_bun_dist,
                                        c->builds_registry,
                                        c->builds_ca,
                                        c->cluster_address,
                                        c->dashboard_domain,
                                        c->acme_email,
                                        c->acme_server,
                                        c->acme_ca,
                                        c->acme_hook,
                                        c->acme_addresses,
                                        c->log_level };

                for (size_t i = 0; i < ELEMENTS(owned); i++)
                        free(owned[i]);
                free(c);
        }
        return NULL;
}
