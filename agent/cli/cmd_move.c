/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/cleanup.h"
#include "commands.h"
#include "move.h"
#include "out.h"
#include "security/validate.h"

#include <poll.h>
#include <string.h>
#include <time.h>

enum {
        GOES_ON = -1,
        UNDO_SECONDS = 60, /* a new server that is away would be waited for as long as it is */
};

typedef struct {
        const Cli *cli;
        const char *name;
        const json_t *server; /* the new one */
        char shown[24];       /* the state that was shown last */
        int64_t undoing_since;
} Moving;

static const struct {
        const char *state, *words;
} states[] = {
        { "queued", "is queued for" },
        { "placing", "is set up on" },
        { "deploying", "is about to be built on" },
        { "building", "is built and started on" },
        { "undoing", "is removed again from" },
};

static int64_t monotonic_seconds(void) {
        struct timespec now = { 0 };

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec;
}

static void show(Moving *m, const char *state) {
        if (m->cli->json || strcmp(state, m->shown) == 0)
                return;
        (void) snprintf(m->shown, sizeof m->shown, "%s", state);
        for (size_t i = 0; i < ELEMENTS(states); i++)
                if (strcmp(states[i].state, state) == 0)
                        say(stdout, "%s %s %s.\n", m->name, states[i].words, member_text(m->server, "name"));
        (void) fflush(stdout);
}

static int explain(const Moving *m, const json_t *project) {
        json_int_t live = member_number(project, "live_release", 0);
        char failure[600], serving[128] = "";

        move_failure(project, failure, sizeof failure);
        if (live > 0)
                (void) snprintf(serving, sizeof serving, " Release %" JSON_INTEGER_FORMAT " goes on serving on %.64s.", live,
                                member_text(project, "server"));
        return cli_failed(m->cli, "move-failed", "%s was not moved to %s: %s%s", m->name, member_text(m->server, "name"), failure, serving);
}

/* GOES_ON, DONE when it serves from its new place, or an exit code after the error was reported. */
static int look(Moving *m, const json_t *project) {
        switch (move_state(project)) {
        case MOVE_UNDER_WAY:
                show(m, member_text(json_object_get(project, "move"), "state"));
                return GOES_ON;
        case MOVE_UNDOING:
                show(m, "undoing");
                if (m->undoing_since == 0)
                        m->undoing_since = monotonic_seconds();
                return monotonic_seconds() - m->undoing_since < UNDO_SECONDS ? GOES_ON : explain(m, project);
        case MOVE_FAILED:
                return explain(m, project);
        case MOVE_LINGERING:
                return DONE;
        case MOVE_NONE:
                break;
        }
        /* The old place may be gone since the last look. */
        if (strcmp(member_text(project, "server"), member_text(m->server, "name")) == 0)
                return DONE;
        return cli_failed(m->cli, "move-failed", "%s is on %s, and does not move any more.", m->name, member_text(project, "server"));
}

static int follow(Moving *m, const char *path, json_t *first) {
        auto_json json_t *project = json_incref(first);

        for (;;) {
                int r = look(m, project);

                if (r == DONE && m->cli->json)
                        out_json(stdout, project);
                else if (r == DONE)
                        move_print_arrival(project, m->server);
                if (r != GOES_ON)
                        return r;
                (void) poll(NULL, 0, MOVE_LOOK_MS);
                json_decref(project);
                project = NULL;
                r = cli_call(m->cli, "GET", path, NULL, &project);
                if (r != DONE)
                        return r;
        }
}

static int confirm(const Cli *cli, const char *path, const char *name, const json_t *server) {
        const char *to = member_text(server, "name"), *from;
        auto_json json_t *project = NULL;
        auto_free char *consequence = NULL;
        char hosts[1100], address[400];
        int r = cli_call(cli, "GET", path, NULL, &project);

        if (r != DONE)
                return r;
        from = member_text(project, "server");
        if (strcmp(from, to) == 0)
                return DONE; /* nobody should type a name for what the agent is about to refuse */
        move_hosts(project, hosts, sizeof hosts);
        move_address(server, address, sizeof address);
        if (asprintf(&consequence,
                     "This moves %s from %s to %s. It is built anew there; %s serves it until that is healthy, and a while longer. Files "
                     "in "
                     "its data directory are NOT moved, and are removed with the old place. The DNS of %s must be pointed to %s.",
                     name, from, to, from, hosts, address) < 0) {
                consequence = NULL;
                return cli_out_of_memory(cli);
        }
        return move_confirm(cli, name, "Moving", "moved", consequence);
}

static int print_begun(const Cli *cli, const json_t *project) {
        (void) project;
        say(stdout, "The move of %s has begun. How far it is: `nanoscale projects show %s`\n", options_operand(cli->options, 0),
            options_operand(cli->options, 0));
        return DONE;
}

static int begin(const Cli *cli, const char *name, const json_t *server, const char *path) {
        auto_free char *move_path = cli_path("/api/projects/%s/move", name);
        auto_json json_t *body = NULL, *project = NULL;
        Cli patient = *cli;
        int r = move_path ? move_body(cli, &body) : cli_out_of_memory(cli);

        if (r != DONE)
                return r;
        if (json_object_set(body, "server", json_object_get(server, "name")) < 0)
                return cli_failed(cli, "protocol", "The agent's answer has no name of the server.");
        r = cli_call(cli, "POST", move_path, body, &project);
        if (r != DONE)
                return r;
        if (options_has(cli->options, "no-wait"))
                return cli_print(cli, project, print_begun);
        if (cli->json)
                out_json(stdout, project);
        (void) fflush(stdout);
        patient.patient = true;
        return follow(&(Moving){ .cli = &patient, .name = name, .server = server }, path, project);
}

int command_projects_move(const Cli *cli) {
        const char *name = cli_project_name(cli), *to = options_operand(cli->options, 1);
        auto_free char *path = name ? cli_path("/api/projects/%s", name) : NULL, *server_path = NULL;
        auto_json json_t *server = NULL, *checked = NULL;
        int r;

        if (!name)
                return USAGE;
        if (!valid_server_name(to))
                return cli_usage(cli, "\"%s\" is not a server's name: use lower-case letters, digits and dashes.", to);
        server_path = cli_path("/api/servers/%s", to);
        if (!path || !server_path)
                return cli_out_of_memory(cli);
        r = move_body(cli, &checked); /* before anything is asked */
        if (r == DONE)
                r = cli_call(cli, "GET", server_path, NULL, &server);
        if (r == DONE)
                r = confirm(cli, path, name, server);
        return r == DONE ? begin(cli, name, server, path) : r;
}
