/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "draft.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "dotenv.h"
#include "human.h"
#include "security/validate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define READ_MAX ((size_t) 1024 * 1024)

typedef enum {
        TEXT,
        TEXT_OR_NULL, /* an empty one takes it away */
        NUMBER,
        DURATION,
        DURATION_OR_NEVER, /* 0: never */
        SWITCH,
        SET_TRUE,
        SET_FALSE,
} Kind;

static const struct {
        Option option;
        const char *field;
        Kind kind;
        Counts counts;
} settings[] = {
        { { "repo", 0, "URL", false, "git repository, https://..." }, "repo_url", TEXT, COUNTS_AFTER_DEPLOYMENT },
        { { "branch", 'b', "BRANCH", false, "branch to deploy (main)" }, "branch", TEXT, COUNTS_AFTER_DEPLOYMENT },
        { { "root", 0, "DIR", false, "the app's directory below the repository" }, "root_directory", TEXT, COUNTS_AFTER_DEPLOYMENT },
        { { "node", 0, "VERSION", false, "version of Node.js (20)" }, "node_version", TEXT, COUNTS_AFTER_DEPLOYMENT },
        { { "bun", 0, "VERSION", false, "version of Bun (1.2.20)" }, "bun_version", TEXT, COUNTS_AFTER_DEPLOYMENT },
        { { "install", 0, "COMMAND", false, "installs dependencies (bun install --frozen-lockfile); empty: skip" },
          "install_command",
          TEXT,
          COUNTS_AFTER_DEPLOYMENT },
        { { "build", 0, "COMMAND", false, "builds the app (bun run build); empty: skip" }, "build_command", TEXT, COUNTS_AFTER_DEPLOYMENT },
        { { "start", 0, "COMMAND", false, "starts the app (bun run start)" }, "start_command", TEXT, COUNTS_AFTER_DEPLOYMENT },
        { { "static-directory", 0, "DIR", false, "files that the build leaves for nginx (found by itself)" },
          "static_directory",
          TEXT,
          COUNTS_AFTER_DEPLOYMENT },
        { { "domain", 0, "HOST", false, "domain that its URL shows, added when it is new; empty: none" },
          "domain",
          TEXT_OR_NULL,
          COUNTS_NOW },
        { { "port", 0, "PORT", false, "the app's $PORT (3000)" }, "port", NUMBER, COUNTS_AFTER_RESTART },
        { { "health", 0, "PATH", false, "path that answers when the app is well (/)" }, "health_path", TEXT, COUNTS_AFTER_RESTART },
        { { "memory", 0, "MIB", false, "memory of the app in MiB (512)" }, "memory_mib", NUMBER, COUNTS_AFTER_RESTART },
        { { "cpu", 0, "PERCENT", false, "processor time of the app, 100 is one core (200)" }, "cpu_percent", NUMBER, COUNTS_AFTER_RESTART },
        { { "tasks", 0, "N", false, "processes and threads of the app (256)" }, "tasks_max", NUMBER, COUNTS_AFTER_RESTART },
        { { "build-memory", 0, "MIB", false, "memory of a build in MiB (2048)" }, "build_memory_mib", NUMBER, COUNTS_AFTER_DEPLOYMENT },
        { { "build-cpu", 0, "PERCENT", false, "processor time of a build (200)" }, "build_cpu_percent", NUMBER, COUNTS_AFTER_DEPLOYMENT },
        { { "build-seconds", 0, "SECONDS", false, "longest time of a build (1200)" }, "build_seconds", NUMBER, COUNTS_AFTER_DEPLOYMENT },
        { { "idle", 0, "DURATION", false, "sleep after so long without a request: 90s, 15m, 1h; never (15m)" },
          "idle_seconds",
          DURATION_OR_NEVER,
          COUNTS_NOW },
        { { "no-sleep", 0, NULL, false, "never put the app to sleep" }, "scale_to_zero", SET_FALSE, COUNTS_NOW },
        { { "sleep", 0, NULL, false, "let the app sleep when nobody asks for it (default)" }, "scale_to_zero", SET_TRUE, COUNTS_NOW },
        { { "doze", 0, "on|off", false, "page the idle app out before it sleeps (on)" }, "doze", SWITCH, COUNTS_NOW },
        { { "exclusive", 0, "on|off", false, "the app must never run twice, not even during a switch (off)" },
          "exclusive",
          SWITCH,
          COUNTS_AFTER_RESTART },
        { { "drain", 0, "DURATION", false, "time for open requests to end when a release is replaced (2m)" },
          "drain_seconds",
          DURATION,
          COUNTS_NOW },
};

const Option env_options[] = {
        { "env", 'e', "KEY=VALUE", true, "an environment variable; may be repeated" },
        { "env-file", 0, "FILE", false, "environment variables from a .env file; -: standard input" },
        { 0 },
};

const Option *draft_options(void) {
        static Option options[ELEMENTS(settings) + 1];

        for (size_t i = 0; i < ELEMENTS(settings); i++)
                options[i] = settings[i].option;
        return options;
}

const char *draft_option_of(const char *field) {
        for (size_t i = 0; i < ELEMENTS(settings); i++)
                if (strcmp(settings[i].field, field) == 0)
                        return settings[i].option.name;
        return NULL;
}

Counts draft_counts(const Cli *cli) {
        Counts most = COUNTS_NOW;

        for (size_t i = 0; i < ELEMENTS(settings); i++)
                if (options_has(cli->options, settings[i].option.name) && settings[i].counts > most)
                        most = settings[i].counts;
        return most;
}

static int take_text(const Cli *cli, const char *name, const char *value, json_t **ret_json) {
        if (!text_is_utf8(value, strlen(value)))
                return cli_usage(cli, "--%s: the value is not UTF-8 text.", name);
        *ret_json = json_string(value);
        return DONE;
}

static int take_number(const Cli *cli, const char *name, const char *value, json_t **ret_json) {
        unsigned long number;

        if (!text_to_number(value, 0, 1000000000, &number))
                return cli_usage(cli, "--%s: \"%s\" is not a number; give digits only, as in --%s 512.", name, value, name);
        *ret_json = json_integer((json_int_t) number);
        return DONE;
}

static int take_duration(const Cli *cli, const char *name, const char *value, bool may_be_never, json_t **ret_json) {
        unsigned long seconds = 0;

        if (!may_be_never || strcmp(value, "never") != 0) {
                if (!duration_parse(value, &seconds))
                        return cli_usage(cli, "--%s: \"%s\" is not a duration; give a number with its unit, as in 90s, 15m, 1h or 1h30m%s.",
                                         name, value, may_be_never ? ", or never" : "");
                if (seconds == 0)
                        return cli_usage(cli, "--%s: the duration is zero%s.", name,
                                         may_be_never ? "; for an app that never sleeps give never" : "");
        }
        *ret_json = json_integer((json_int_t) seconds);
        return DONE;
}

int take_switch(const Cli *cli, const char *name, const char *value, json_t **ret_json) {
        bool on = strcmp(value, "on") == 0;

        if (!on && strcmp(value, "off") != 0)
                return cli_usage(cli, "--%s: \"%s\" is neither on nor off.", name, value);
        *ret_json = json_boolean(on);
        return DONE;
}

static int take(const Cli *cli, Kind kind, const char *name, const char *value, json_t **ret_json) {
        switch (kind) {
        case TEXT_OR_NULL:
                if (*value)
                        return take_text(cli, name, value, ret_json);
                *ret_json = json_null();
                return DONE;
        case TEXT:
                return take_text(cli, name, value, ret_json);
        case NUMBER:
                return take_number(cli, name, value, ret_json);
        case DURATION:
        case DURATION_OR_NEVER:
                return take_duration(cli, name, value, kind == DURATION_OR_NEVER, ret_json);
        case SWITCH:
                return take_switch(cli, name, value, ret_json);
        case SET_TRUE:
        case SET_FALSE:
                *ret_json = json_boolean(kind == SET_TRUE);
                return DONE;
        }
        return FAILED;
}

/* --idle with a time means an app that sleeps; what says the opposite beside it is a mistake. */
static int reconcile_sleep(const Cli *cli, json_t *draft) {
        bool sleep = options_has(cli->options, "sleep"), no_sleep = options_has(cli->options, "no-sleep");
        json_int_t idle = member_number(draft, "idle_seconds", -1);

        if (sleep && no_sleep)
                return cli_usage(cli, "--sleep and --no-sleep contradict each other; give one.");
        if ((sleep && idle == 0) || (no_sleep && idle > 0))
                return cli_usage(cli, "--idle %s and --%s contradict each other; give one.", options_get(cli->options, "idle"),
                                 sleep ? "sleep" : "no-sleep");
        if (idle > 0 && json_object_set_new(draft, "scale_to_zero", json_true()) < 0)
                return cli_out_of_memory(cli);
        return DONE;
}

int draft_fill(const Cli *cli, json_t *draft) {
        for (size_t i = 0; i < ELEMENTS(settings); i++) {
                const char *name = settings[i].option.name;
                json_t *json = NULL;
                int r;

                if (!options_has(cli->options, name))
                        continue;
                r = take(cli, settings[i].kind, name, options_get(cli->options, name), &json);
                if (r != DONE)
                        return r;
                if (json_object_set_new(draft, settings[i].field, json) < 0)
                        return cli_out_of_memory(cli);
        }
        return reconcile_sleep(cli, draft);
}

char *read_all(int fd, size_t *ret_length) {
        auto_call(text_cleanup) Text text = { 0 };
        char *all = NULL;
        int r;

        for (;;) {
                char piece[4096];
                ssize_t n = read(fd, piece, sizeof piece);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return NULL;
                if (n == 0)
                        break;
                if (text.length + (size_t) n > READ_MAX) {
                        errno = EFBIG;
                        return NULL;
                }
                text_put(&text, piece, (size_t) n);
        }
        r = text_take(&text, &all, ret_length);
        if (r < 0) {
                errno = -r;
                return NULL;
        }
        return all;
}

int env_fill_pair(const Cli *cli, json_t *env, const char *pair) {
        const char *equals = strchr(pair, '=');
        auto_free char *key = equals ? strndup(pair, (size_t) (equals - pair)) : strdup(pair);

        if (!key)
                return cli_out_of_memory(cli);
        if (!equals)
                return cli_usage(cli, "\"%s\" is not KEY=VALUE.", pair);
        if (!valid_env_key(key))
                return cli_usage(cli,
                                 "\"%s\" is not a name for an environment variable: use letters, digits and underscores, and no digit "
                                 "first.",
                                 key);
        if (!valid_env_value(equals + 1))
                return cli_usage(cli, "%s: the value has a control character, is not UTF-8 or is over 32 KiB.", key);
        if (json_object_set_new(env, key, json_string(equals + 1)) < 0)
                return cli_out_of_memory(cli);
        return DONE;
}

int env_fill_file(const Cli *cli, json_t *env, const char *path) {
        bool is_stdin = strcmp(path, "-") == 0;
        auto_close int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        auto_call(dotenv_free_cleanup) Dotenv *parsed = NULL;
        auto_free char *text = NULL;
        const char *name = is_stdin ? "standard input" : path, *sentence = NULL;
        size_t length = 0, line = 0;
        int r;

        if (fd < 0)
                return cli_failed(cli, "file", "%s: %s.", name, strerror(errno));
        text = read_all(fd, &length);
        if (!text)
                return cli_failed(cli, "file", "%s: %s.", name, strerror(errno));
        r = dotenv_parse(text, length, &parsed, &line, &sentence);
        if (r == -ENOMEM)
                return cli_out_of_memory(cli);
        if (r < 0)
                return cli_failed(cli, "file", "%s, line %zu: %s.", name, line, sentence);
        for (size_t i = 0; i < dotenv_count(parsed); i++)
                if (json_object_set_new(env, dotenv_key(parsed, i), json_string(dotenv_value(parsed, i))) < 0)
                        return cli_out_of_memory(cli);
        return DONE;
}

typedef struct {
        const Cli *cli;
        json_t *env;
} Filling;

static int fill_pair(void *owner, const char *value) {
        Filling *f = owner;

        return env_fill_pair(f->cli, f->env, value);
}

int env_fill(const Cli *cli, json_t *env) {
        const char *file = options_get(cli->options, "env-file");
        Filling f = { cli, env };
        int r = file ? env_fill_file(cli, env, file) : DONE;

        return r != DONE ? r : options_each(cli->options, "env", fill_pair, &f);
}
