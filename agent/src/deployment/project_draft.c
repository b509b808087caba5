/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "deployment/project_draft.h"

#include "base/cleanup.h"
#include "deployment/defaults.h"
#include "deployment/protection.h"
#include "security/command.h"
#include "security/validate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum {
        KIND_TEXT,
        KIND_COMMAND,
        KIND_NUMBER,
        KIND_BOOLEAN,
        KIND_GATE,     /* protection.h */
        KIND_NETWORKS, /* the same */
} Kind;

typedef struct {
        const char *name;
        Kind kind;
        size_t offset;
        bool (*valid)(const char *);
        int64_t least, most;
        const char *standard; /* default of a text; NULL with may_be_null false: required */
        int64_t number;       /* default of a number or boolean */
        bool may_be_null, may_be_empty;
        const char *wanted; /* completes "FIELD must be …" */
} DraftField;

static bool valid_https_repo(const char *s) {
        return valid_repo_url(s, NULL, NULL);
}

#define AT(member) offsetof(ProjectRow, member)

static const DraftField fields[] = {
        { .name = "name",
          .kind = KIND_TEXT,
          .offset = AT(name),
          .valid = valid_project_name,
          .wanted = "1 to 63 lower-case letters, digits and dashes, without a dash at either end" },
        { .name = "repo_url",
          .kind = KIND_TEXT,
          .offset = AT(repo_url),
          .valid = valid_https_repo,
          .wanted = "an https:// URL of a git repository, such as https://git.example/app.git, without a user name, password or query" },
        { .name = "branch",
          .kind = KIND_TEXT,
          .offset = AT(branch),
          .valid = valid_branch,
          .standard = DEFAULT_BRANCH,
          .wanted = "a branch name that git accepts, without spaces and shell characters" },
        { .name = "root_directory",
          .kind = KIND_TEXT,
          .offset = AT(root_directory),
          .valid = valid_relative_directory,
          .standard = "",
          .may_be_empty = true,
          .wanted = "a directory inside the repository, such as apps/web, or empty" },
        { .name = "node_version",
          .kind = KIND_TEXT,
          .offset = AT(node_version),
          .valid = valid_version,
          .standard = DEFAULT_NODE_VERSION,
          .wanted = "a Node.js version such as 20, 22.11 or 22.11.0" },
        { .name = "bun_version",
          .kind = KIND_TEXT,
          .offset = AT(bun_version),
          .valid = valid_version,
          .standard = DEFAULT_BUN_VERSION,
          .wanted = "a Bun version such as 1.2 or 1.2.20" },
        { .name = "install_command",
          .kind = KIND_COMMAND,
          .offset = AT(install_command),
          .standard = DEFAULT_INSTALL_COMMAND,
          .may_be_empty = true },
        { .name = "build_command",
          .kind = KIND_COMMAND,
          .offset = AT(build_command),
          .standard = DEFAULT_BUILD_COMMAND,
          .may_be_empty = true },
        { .name = "start_command", .kind = KIND_COMMAND, .offset = AT(start_command), .standard = DEFAULT_START_COMMAND },
        { .name = "port",
          .kind = KIND_NUMBER,
          .offset = AT(port),
          .least = 1024,
          .most = 65535,
          .number = DEFAULT_PORT,
          .wanted = "a port from 1024 to 65535" },
        { .name = "domain",
          .kind = KIND_TEXT,
          .offset = AT(domain),
          .valid = valid_host_name,
          .may_be_null = true,
          .wanted = "a host name in lower case, such as www.example.com, or null" },
        { .name = "health_path",
          .kind = KIND_TEXT,
          .offset = AT(health_path),
          .valid = valid_health_path,
          .standard = DEFAULT_HEALTH_PATH,
          .wanted = "a path that begins with a slash, such as /healthz" },
        { .name = "scale_to_zero", .kind = KIND_BOOLEAN, .offset = AT(scale_to_zero), .number = 1, .wanted = "true or false" },
        { .name = "idle_seconds",
          .kind = KIND_NUMBER,
          .offset = AT(idle_seconds),
          .most = 2592000,
          .number = DEFAULT_IDLE_SECONDS,
          .wanted = "a number of seconds up to 2592000 (30 days), or 0 for an app that never sleeps" },
        { .name = "doze", .kind = KIND_BOOLEAN, .offset = AT(doze), .number = 1, .wanted = "true or false" },
        { .name = "exclusive", .kind = KIND_BOOLEAN, .offset = AT(exclusive), .number = 0, .wanted = "true or false" },
        { .name = "drain_seconds",
          .kind = KIND_NUMBER,
          .offset = AT(drain_seconds),
          .least = 1,
          .most = 3600,
          .number = DEFAULT_DRAIN_SECONDS,
          .wanted = "a number of seconds from 1 to 3600" },
        { .name = "static_directory",
          .kind = KIND_TEXT,
          .offset = AT(static_directory),
          .valid = valid_relative_directory,
          .standard = "",
          .may_be_empty = true,
          .wanted = "a directory that the build leaves, such as dist, or empty" },
        { .name = "memory_mib",
          .kind = KIND_NUMBER,
          .offset = AT(memory_mib),
          .least = 32,
          .most = 1048576,
          .number = DEFAULT_MEMORY_MIB,
          .wanted = "a number of MiB from 32 to 1048576" },
        { .name = "cpu_percent",
          .kind = KIND_NUMBER,
          .offset = AT(cpu_percent),
          .least = 5,
          .most = 12800,
          .number = DEFAULT_CPU_PERCENT,
          .wanted = "a percentage of one core from 5 to 12800" },
        { .name = "tasks_max",
          .kind = KIND_NUMBER,
          .offset = AT(tasks_max),
          .least = 16,
          .most = 32768,
          .number = DEFAULT_TASKS_MAX,
          .wanted = "a number of processes and threads from 16 to 32768" },
        { .name = "build_memory_mib",
          .kind = KIND_NUMBER,
          .offset = AT(build_memory_mib),
          .least = 64,
          .most = 1048576,
          .number = DEFAULT_BUILD_MEMORY_MIB,
          .wanted = "a number of MiB from 64 to 1048576" },
        { .name = "build_cpu_percent",
          .kind = KIND_NUMBER,
          .offset = AT(build_cpu_percent),
          .least = 5,
          .most = 12800,
          .number = DEFAULT_BUILD_CPU_PERCENT,
          .wanted = "a percentage of one core from 5 to 12800" },
        { .name = "build_seconds",
          .kind = KIND_NUMBER,
          .offset = AT(build_seconds),
          .least = 10,
          .most = 86400,
          .number = DEFAULT_BUILD_SECONDS,
          .wanted = "a number of seconds from 10 to 86400" },
        { .name = "gate",
          .kind = KIND_GATE,
          .wanted = "null, or an object with user (1 to 64 letters, digits and ._@-) and password (8 to 128 bytes in one line)" },
        { .name = "allow", .kind = KIND_NETWORKS, .wanted = "a list of up to 64 networks, such as 203.0.113.0/24 or 2001:db8::/32" },
        { .name = "rate",
          .kind = KIND_NUMBER,
          .offset = AT(rate),
          .most = 10000,
          .wanted = "a number of requests a second from 1 to 10000, or 0 for no limit" },
        { .name = "maintenance", .kind = KIND_BOOLEAN, .offset = AT(maintenance), .wanted = "true or false" },
        { .name = "security_headers", .kind = KIND_BOOLEAN, .offset = AT(security_headers), .wanted = "true or false" },
};

static char **text_of(ProjectRow *row, const DraftField *f) {
        return (char **) (void *) ((char *) row + f->offset);
}

static int64_t *number_of(ProjectRow *row, const DraftField *f) {
        return (int64_t *) (void *) ((char *) row + f->offset);
}

static bool *boolean_of(ProjectRow *row, const DraftField *f) {
        return (bool *) (void *) ((char *) row + f->offset);
}

static int refuse(DraftProblem *problem, const DraftField *f, const char *sentence) {
        problem->field = f->name;
        if (sentence)
                (void) snprintf(problem->sentence, sizeof problem->sentence, "%s", sentence);
        else
                (void) snprintf(problem->sentence, sizeof problem->sentence, "%s must be %s.", f->name, f->wanted);
        return 1;
}

static int replace_text(char **text, const char *value) {
        char *copy = NULL;
        if (value && !(copy = strdup(value)))
                return -ENOMEM;
        free(*text);
        *text = copy;
        return 0;
}

static int take_text(const DraftField *f, const json_t *value, ProjectRow *row, DraftProblem *problem) {
        const char *text = json_string_value(value);

        if (json_is_null(value) && f->may_be_null)
                return replace_text(text_of(row, f), NULL);
        if (!text || strlen(text) != json_string_length(value))
                return refuse(problem, f, f->kind == KIND_COMMAND ? "A command is a text." : NULL);
        if (text[0] == '\0' && f->may_be_empty)
                return replace_text(text_of(row, f), "");
        if (f->kind == KIND_COMMAND) {
                int r = command_split(text, NULL, NULL);
                if (r < 0)
                        return r;
                if (r != COMMAND_OK)
                        return refuse(problem, f, command_explain(r));
        } else if (!f->valid(text))
                return refuse(problem, f, NULL);
        return replace_text(text_of(row, f), text);
}

static int take(const DraftField *f, const json_t *value, ProjectRow *row, DraftProblem *problem) {
        int r;

        switch (f->kind) {
        case KIND_TEXT:
        case KIND_COMMAND:
                return take_text(f, value, row, problem);
        case KIND_NUMBER:
                if (!json_is_integer(value) || json_integer_value(value) < f->least || json_integer_value(value) > f->most)
                        return refuse(problem, f, NULL);
                *number_of(row, f) = json_integer_value(value);
                return 0;
        case KIND_BOOLEAN:
                if (!json_is_boolean(value))
                        return refuse(problem, f, NULL);
                *boolean_of(row, f) = json_is_true(value);
                return 0;
        case KIND_GATE:
        case KIND_NETWORKS:
                r = f->kind == KIND_GATE ? protection_take_gate(value, row) : protection_take_networks(value, row);
                return r > 0 ? refuse(problem, f, NULL) : r;
        }
        return -EINVAL;
}

static int put_default(const DraftField *f, ProjectRow *row, DraftProblem *problem) {
        switch (f->kind) {
        case KIND_TEXT:
        case KIND_COMMAND:
                if (f->standard)
                        return replace_text(text_of(row, f), f->standard);
                if (f->may_be_null)
                        return 0;
                problem->field = f->name;
                (void) snprintf(problem->sentence, sizeof problem->sentence, "%s is missing. It must be %s.", f->name, f->wanted);
                return 1;
        case KIND_NUMBER:
                *number_of(row, f) = f->number;
                return 0;
        case KIND_BOOLEAN:
                *boolean_of(row, f) = f->number != 0;
                return 0;
        case KIND_GATE:
                return 0; /* none */
        case KIND_NETWORKS:
                return replace_text(&row->allowed, "");
        }
        return -EINVAL;
}

/* A misspelt field must not pass silently as "not given". */
static int refuse_unknown(const json_t *draft, bool is_new, DraftProblem *problem) {
        const char *key;
        json_t *value;

        json_object_foreach((json_t *) (uintptr_t) draft, key, value) {
                bool known = is_new && strcmp(key, "env") == 0;
                for (size_t i = 0; i < ELEMENTS(fields); i++)
                        if (strcmp(key, fields[i].name) == 0)
                                known = true;
                if (known)
                        continue;
                problem->field = key;
                (void) snprintf(problem->sentence, sizeof problem->sentence,
                                "There is no such field. docs/api.md lists the fields of a project.");
                return 1;
        }
        return 0;
}

static int walk(const json_t *draft, ProjectRow *row, bool is_new, DraftProblem *problem) {
        int r;

        if (!json_is_object(draft)) {
                problem->field = NULL;
                (void) snprintf(problem->sentence, sizeof problem->sentence, "The body must be a JSON object.");
                return 1;
        }
        r = refuse_unknown(draft, is_new, problem);
        if (r != 0)
                return r;
        for (size_t i = 0; i < ELEMENTS(fields); i++) {
                const json_t *value = json_object_get(draft, fields[i].name);
                if (!value && !is_new)
                        continue;
                r = value ? take(&fields[i], value, row, problem) : put_default(&fields[i], row, problem);
                if (r != 0)
                        return r;
        }
        return 0;
}

int project_draft_new(const json_t *draft, ProjectRow *row, DraftProblem *ret_problem) {
        return walk(draft, row, true, ret_problem);
}

int project_draft_change(const json_t *draft, ProjectRow *row, DraftProblem *ret_problem) {
        return walk(draft, row, false, ret_problem);
}

int project_draft_describe(const ProjectRow *row, json_t *object) {
        ProjectRow *r = (ProjectRow *) (uintptr_t) row; /* only read */

        for (size_t i = 0; i < ELEMENTS(fields); i++) {
                const DraftField *f = &fields[i];
                json_t *value = NULL;

                switch (f->kind) {
                case KIND_TEXT:
                case KIND_COMMAND:
                        value = *text_of(r, f) ? json_string(*text_of(r, f)) : json_null();
                        break;
                case KIND_NUMBER:
                        value = json_integer(*number_of(r, f));
                        break;
                case KIND_BOOLEAN:
                        value = json_boolean(*boolean_of(r, f));
                        break;
                case KIND_GATE:
                        value = protection_describe_gate(r, false);
                        break;
                case KIND_NETWORKS:
                        value = protection_describe_networks(r);
                        break;
                }
                if (json_object_set_new(object, f->name, value) < 0)
                        return -ENOMEM;
        }
        return 0;
}
