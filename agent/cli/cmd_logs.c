/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/cleanup.h"
#include "base/text.h"
#include "commands.h"
#include "human.h"
#include "out.h"
#include "stream.h"

#include <errno.h>
#include <string.h>

static int on_event(void *owner, const SseEvent *event) {
        const Cli *cli = *(const Cli *const *) owner;
        auto_json json_t *data = NULL;
        char when[64];

        if (strcmp(event->type, "log") != 0)
                return 0; /* an event of a later version */
        data = json_loadb(event->data, event->length, 0, NULL);
        if (!data)
                return -EBADMSG;
        if (cli->json) {
                out_json(stdout, data);
                return 0;
        }
        if (isatty(STDOUT_FILENO) == 1)
                format_time(member_text(data, "at"), false, when, sizeof when);
        else
                (void) snprintf(when, sizeof when, "%.40s", member_text(data, "at"));
        out_style(stdout, STYLE_DIM);
        say(stdout, "%s ", when);
        out_style(stdout, STYLE_PLAIN);
        say_printed(member_text(data, "line"));
        (void) fflush(stdout);
        return 0;
}

static void on_lost(void *owner, unsigned attempt) {
        const Cli *cli = *(const Cli *const *) owner;

        if (!cli->json && attempt == 1)
                complain("The connection to the agent is gone; connecting again.");
}

int command_logs(const Cli *cli) {
        const char *name = cli_project_name(cli), *lines = options_get(cli->options, "lines");
        bool follow = options_has(cli->options, "follow");
        auto_free char *path = NULL, *again = NULL;
        Stream stream = { .event = on_event, .lost = on_lost, .owner = &cli, .close_is_end = !follow };
        int r;

        if (!name)
                return USAGE;
        if (lines && !text_to_number(lines, 0, 10000, NULL))
                return cli_usage(cli, "--lines: give a number from 0 to 10000.");
        path = cli_path("/api/logs/%s?lines=%s&follow=%d", name, lines ? lines : "100", follow);
        again = cli_path("/api/logs/%s?lines=0&follow=%d", name, follow); /* the lines before are on the screen already */
        if (!path || !again)
                return cli_out_of_memory(cli);
        stream.path = path;
        stream.path_again = again;
        r = stream_run(cli, &stream);
        return r == INTERRUPTED && follow ? DONE : r; /* Ctrl-C is how following ends */
}
