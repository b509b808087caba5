/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "follow.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "human.h"
#include "out.h"
#include "security/validate.h"
#include "stream.h"
#include "view.h"

#include <errno.h>
#include <string.h>

typedef struct {
        const Cli *cli;
        View *view; /* NULL with --json */
        json_t *end;
        unsigned long last_log; /* id of the last log event that was shown */
} Following;

static int on_deployment(Following *f, const SseEvent *event, json_t *data) {
        (void) event;
        view_deployment(f->view, data);
        return 0;
}

static int on_step(Following *f, const SseEvent *event, json_t *data) {
        (void) event;
        view_step(f->view, data);
        return 0;
}

/* Steps and states may come twice after a reconnection and do no harm; a line of the log would stand there twice. */
static int on_log(Following *f, const SseEvent *event, json_t *data) {
        unsigned long id;

        if (text_to_number(event->id, 1, (unsigned long) -1, &id)) {
                if (id <= f->last_log)
                        return 0;
                f->last_log = id;
        }
        view_log(f->view, data);
        return 0;
}

static int on_end(Following *f, const SseEvent *event, json_t *data) {
        (void) event;
        if (f->view)
                view_deployment(f->view, data);
        f->end = json_incref(data);
        return STREAM_END;
}

static const struct {
        const char *type;
        int (*take)(Following *f, const SseEvent *event, json_t *data);
        bool always; /* with --json, too */
} events[] = {
        { "deployment", on_deployment, false },
        { "step", on_step, false },
        { "log", on_log, false },
        { "end", on_end, true },
};

static int on_event(void *owner, const SseEvent *event) {
        Following *f = owner;
        auto_json json_t *data = json_loadb(event->data, event->length, 0, NULL);

        if (!data)
                return -EBADMSG;
        if (f->cli->json) {
                unsigned long id = 0;
                auto_json json_t *line = NULL;

                (void) text_to_number(event->id, 0, (unsigned long) -1, &id);
                line = json_pack("{s:s, s:I, s:O}", "event", event->type, "id", (json_int_t) id, "data", data);
                if (!line)
                        return -ENOMEM;
                out_json(stdout, line);
        }
        for (size_t i = 0; i < ELEMENTS(events); i++)
                if (strcmp(events[i].type, event->type) == 0 && (f->view || events[i].always))
                        return events[i].take(f, event, data);
        return 0; /* an event of a later version */
}

static int on_tick(void *owner) {
        Following *f = owner;

        if (f->view)
                view_tick(f->view);
        return 0;
}

static void on_lost(void *owner, unsigned attempt) {
        Following *f = owner;

        if (f->view && attempt == 1)
                view_note(f->view, "the connection to the agent is gone; connecting again");
}

void follow_explain(const Cli *cli, const json_t *deployment) {
        const json_t *failure = json_object_get(deployment, "failure");
        const char *project = member_text(deployment, "project"), *state = member_text(deployment, "state"),
                   *what = deployment_words(deployment)->noun;
        json_int_t code = member_number(failure, "exit_code", -1), number = member_number(deployment, "number", 0), live = 0;
        auto_json json_t *now = NULL;
        char code_text[48] = "", serving[96] = "";

        if (strcmp(state, "failed") != 0) {
                complain("%s %" JSON_INTEGER_FORMAT " of %s was %s.", what, number, project, state);
                return;
        }
        if (code >= 0 && !strstr(member_text(failure, "sentence"), "exit code"))
                (void) snprintf(code_text, sizeof code_text, " (exit code %" JSON_INTEGER_FORMAT ")", code);
        if (valid_project_name(project)) {
                auto_free char *path = cli_path("/api/projects/%s", project);
                auto_call(reply_done) Reply reply = { 0 };

                if (path && client_call(cli->client, "GET", path, NULL, &reply) == 0)
                        now = handover(reply.json);
                live = member_number(now, "live_release", 0);
        }
        if (live > 0)
                (void) snprintf(serving, sizeof serving, " Release %" JSON_INTEGER_FORMAT " goes on serving.", live);
        complain("%s %" JSON_INTEGER_FORMAT " of %s failed in step %s%s: %s%s", what, number, project, member_text(failure, "step"),
                 code_text, *member_text(failure, "sentence") ? member_text(failure, "sentence") : "the agent gave no reason.", serving);
}

static int conclude(const Following *f) {
        const char *state = member_text(f->end, "state");
        char duration[32];

        if (strcmp(state, "live") != 0) {
                if (f->view) {
                        view_last_lines(f->view, f->end);
                        follow_explain(f->cli, f->end);
                }
                return FAILED;
        }
        if (!f->view)
                return DONE;
        format_duration(member_number(f->end, "duration_ms", 0), true, duration, sizeof duration);
        out_style(stdout, STYLE_BOLD);
        say(stdout, "%s is live at %s", member_text(f->end, "project"), member_text(f->end, "url"));
        out_style(stdout, STYLE_PLAIN);
        say(stdout, " (release %" JSON_INTEGER_FORMAT ", %s)\n", member_number(f->end, "release", 0), duration);
        return DONE;
}

int follow_deployment(const Cli *cli, const char *id, bool patient) {
        auto_free char *path = cli_path("/api/deployments/%s/events", id);
        auto_call(view_free_cleanup) View *view = NULL;
        Following f = { .cli = cli };
        Stream stream = {
                .path = path,
                .path_again = path,
                .event = on_event,
                .tick = on_tick,
                .lost = on_lost,
                .owner = &f,
                .patient = patient,
        };
        int r;

        if (!path || (!cli->json && view_new(options_has(cli->options, "verbose"), &view) < 0))
                return cli_out_of_memory(cli);
        f.view = view;
        r = stream_run(cli, &stream);
        if (view)
                view_end(view);
        if (r == DONE)
                r = f.end ? conclude(&f) : FAILED;
        else if (r == INTERRUPTED && view)
                complain("The deployment goes on. Follow it: `nanoscale deployments follow %s`. Stop it: `nanoscale deployments cancel "
                         "%s`.",
                         id, id);
        json_decref(f.end);
        return r;
}

int follow_new(const Cli *cli, const char *name, const char *rest, const json_t *body) {
        auto_free char *path = cli_path("/api/projects/%s%s", name, rest);
        auto_json json_t *deployment = NULL;
        const char *id;
        int r = path ? cli_call(cli, "POST", path, body, &deployment) : cli_out_of_memory(cli);

        if (r != DONE)
                return r;
        id = member_text(deployment, "id");
        if (!valid_id(id))
                return cli_failed(cli, "protocol", "The agent's answer has no deployment.");
        if (!options_has(cli->options, "no-follow"))
                return follow_deployment(cli, id, true);
        if (cli->json)
                out_json(stdout, deployment);
        else
                say(stdout, "Deployment %" JSON_INTEGER_FORMAT " of %s has begun. Follow it: `nanoscale deployments follow %s`\n",
                    member_number(deployment, "number", 0), name, id);
        return DONE;
}
