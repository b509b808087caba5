/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/cleanup.h"
#include "commands.h"
#include "move.h"
#include "out.h"
#include "server.h"

#include <poll.h>
#include <string.h>

/* What a project has to do with the server that is drained. */
typedef enum {
        NOTHING,
        LEAVING,
        LEFT,  /* it serves elsewhere; its old place is not removed yet */
        STUCK, /* its move failed */
        STAYS, /* no move has begun: it has only just come itself, or no server could take it */
} Part;

typedef struct {
        const Cli *cli;
        const char *name; /* of the server */
        json_t *parts;    /* by a project's name: the part that was seen last */
        size_t counts[STAYS + 1];
        bool told_to_wait;
} Draining;

static Part part_of(const Draining *d, const json_t *project) {
        bool is_here = strcmp(member_text(project, "server"), d->name) == 0,
             leaves = strcmp(member_text(json_object_get(project, "move"), "from"), d->name) == 0;

        switch (move_state(project)) {
        case MOVE_UNDER_WAY:
                return leaves ? LEAVING : is_here ? STAYS : NOTHING;
        case MOVE_LINGERING:
                return leaves ? LEFT : is_here ? STAYS : NOTHING;
        case MOVE_UNDOING:
        case MOVE_FAILED:
                return leaves ? STUCK : is_here ? STAYS : NOTHING;
        case MOVE_NONE:
                break;
        }
        return is_here ? STAYS : NOTHING;
}

static const json_t *find_server(const json_t *servers, const char *name) {
        const json_t *server;
        size_t i;

        json_array_foreach(servers, i, server) if (strcmp(member_text(server, "name"), name) == 0) return server;
        return NULL;
}

static void tell(const Draining *d, const json_t *project, Part before, Part now, const json_t *servers) {
        const char *name = member_text(project, "name");
        char failure[600];

        if (d->cli->json || before == now)
                return;
        if (now == LEFT || (now == NOTHING && before == LEAVING))
                move_print_arrival(project, find_server(servers, member_text(project, "server")));
        else if (now == STUCK) {
                move_failure(project, failure, sizeof failure);
                say(stdout, "%s was not moved: %s\n", name, failure);
        } else if (now == STAYS)
                say(stdout, "%s is not being moved.\n", name);
        (void) fflush(stdout);
}

static int take_projects(Draining *d, const json_t *projects, const json_t *servers) {
        const json_t *project;
        size_t i;

        memset(d->counts, 0, sizeof d->counts);
        json_array_foreach(projects, i, project) {
                const char *name = member_text(project, "name");
                const json_t *seen = json_object_get(d->parts, name);
                /* Of what is seen for the first time all is news, but that it is on its way. */
                Part now = part_of(d, project), before = seen ? (Part) json_integer_value(seen) : now == NOTHING ? NOTHING : LEAVING;

                tell(d, project, before, now, servers);
                d->counts[now]++;
                if (json_object_set_new(d->parts, name, json_integer((json_int_t) now)) < 0)
                        return cli_out_of_memory(d->cli);
        }
        return DONE;
}

static int conclude(const Draining *d, const json_t *server) {
        size_t stay = d->counts[STUCK] + d->counts[STAYS];

        if (stay > 0)
                return cli_failed(d->cli, "move-failed", "%zu project%s still on %s. Try once more: `nanoscale servers drain %s`", stay,
                                  stay == 1 ? " is" : "s are", d->name, d->name);
        if (d->cli->json)
                out_json(stdout, server);
        else if (d->counts[LEFT] > 0)
                say(stdout, "%s is offline: what has moved is removed there when it is back.\n", d->name);
        else
                say(stdout, "No project is left on %s. It takes new ones after `nanoscale servers undrain %s`.\n", d->name, d->name);
        return DONE;
}

/* Until all have left and their old places are removed, as far as the server can be asked to. */
static int follow(Draining *d) {
        for (;;) {
                auto_json json_t *projects = NULL, *answer = NULL;
                const json_t *server;
                int r = cli_call(d->cli, "GET", "/api/servers", NULL, &answer);

                if (r == DONE)
                        r = projects_fetch(d->cli, &projects);
                if (r == DONE)
                        r = take_projects(d, projects, json_object_get(answer, "servers"));
                if (r != DONE)
                        return r;
                server = find_server(json_object_get(answer, "servers"), d->name);
                if (!server)
                        return cli_failed(d->cli, "move-failed", "%s was removed meanwhile.", d->name);
                if (d->counts[LEAVING] == 0) {
                        if (d->counts[LEFT] == 0 || d->counts[STUCK] + d->counts[STAYS] > 0 || !server_is_online(server))
                                return conclude(d, server);
                        if (!d->told_to_wait && !d->cli->json)
                                say(stdout, "All have moved. Waiting until %s has removed the old places.\n", d->name);
                        (void) fflush(stdout);
                        d->told_to_wait = true;
                }
                (void) poll(NULL, 0, MOVE_LOOK_MS);
        }
}

static int confirm(const Cli *cli, const char *name, const char *path) {
        auto_json json_t *server = NULL;
        auto_free char *consequence = NULL;
        json_int_t n;
        int r = cli_call(cli, "GET", path, NULL, &server);

        if (r != DONE)
                return r;
        n = member_number(server, "projects", 0);
        if (n == 0)
                return DONE; /* it can be taken back */
        if (asprintf(&consequence,
                     "This moves %" JSON_INTEGER_FORMAT
                     " project%s from %s to other servers, and it takes no new ones. Each is built anew there. Files in data directories "
                     "are NOT moved, and are removed with the old places. DNS must be pointed to the new servers.",
                     n, n == 1 ? "" : "s", name) < 0) {
                consequence = NULL;
                return cli_out_of_memory(cli);
        }
        return move_confirm(cli, name, "Draining", "moved", consequence);
}

static int print_begun(const Cli *cli, const json_t *server) {
        const char *name = member_text(server, "name");
        json_int_t n = member_number(server, "moving", 0);

        (void) cli;
        say(stdout, "%s takes no new projects. %" JSON_INTEGER_FORMAT " project%s.\n", name, n, n == 1 ? " moves away" : "s move away");
        (void) fflush(stdout);
        return DONE;
}

int command_servers_drain(const Cli *cli) {
        const char *name = cli_server_name(cli);
        auto_free char *path = name ? cli_path("/api/servers/%s", name) : NULL,
                       *target = name ? cli_path("/api/servers/%s/drain", name) : NULL;
        auto_json json_t *body = NULL, *server = NULL, *parts = json_object();
        Cli patient = *cli;
        int r;

        if (!name)
                return USAGE;
        if (!path || !target || !parts)
                return cli_out_of_memory(cli);
        r = move_body(cli, &body);
        if (r == DONE)
                r = confirm(cli, name, path);
        if (r == DONE)
                r = cli_call(cli, "POST", target, body, &server);
        if (r == DONE)
                r = cli_print(cli, server, print_begun);
        if (r != DONE || options_has(cli->options, "no-wait"))
                return r;
        (void) fflush(stdout);
        patient.patient = true;
        return follow(&(Draining){ .cli = &patient, .name = member_text(server, "name"), .parts = parts });
}

static int print_undrained(const Cli *cli, const json_t *server) {
        (void) cli;
        say(stdout, "%s takes projects again.\n", member_text(server, "name"));
        return DONE;
}

int command_servers_undrain(const Cli *cli) {
        const char *name = cli_server_name(cli);
        auto_free char *path = name ? cli_path("/api/servers/%s/undrain", name) : NULL;
        auto_json json_t *server = NULL;
        int r;

        if (!name)
                return USAGE;
        r = path ? cli_call(cli, "POST", path, NULL, &server) : cli_out_of_memory(cli);
        return r == DONE ? cli_print(cli, server, print_undrained) : r;
}
