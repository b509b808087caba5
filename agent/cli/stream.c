/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "stream.h"

#include "base/cleanup.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#define TICK_MS 100

/* Not among the values of a handler: the tick saw the signal. */
enum { STREAM_INTERRUPTED = 2 };

/* Waits between attempts, in milliseconds: half a minute in all, which is more than a restart takes. */
static const int waits[] = { 250, 500, 1000, 2000, 3000, 4000, 5000, 5000, 5000, 5000 };

static volatile sig_atomic_t interrupted;

static void on_signal(int number) {
        (void) number;
        interrupted = 1;
}

static void cleanup_parser(SseParser **p) {
        (void) sse_parser_free(*p);
}

typedef struct {
        const Stream *stream;
} Run;

static int tick(void *owner) {
        const Run *run = owner;
        const Stream *s = run->stream;

        if (interrupted)
                return STREAM_INTERRUPTED;
        return s->tick ? s->tick(s->owner) : 0;
}

static int rest(Run *run, int ms) {
        for (; ms > 0; ms -= TICK_MS) {
                int r = tick(run);

                if (r != 0)
                        return r;
                (void) poll(NULL, 0, ms < TICK_MS ? ms : TICK_MS);
        }
        return 0;
}

/* A connection that ended: is it worth another one? */
static bool is_passing(int error, const Reply *reply) {
        if (error == 0)
                return reply->status == 200 || reply->status == 502 || reply->status == 503;
        return error == -ECONNREFUSED || error == -ECONNRESET || error == -ENOENT || error == -ETIMEDOUT || error == -EIO;
}

static int run(const Cli *cli, const Stream *s, SseParser *parser) {
        Run state = { s };
        bool connected = false;
        size_t attempt = 0;

        for (;;) {
                auto_call(reply_done) Reply reply = { 0 };
                auto_free char *last_id = strdup(sse_last_id(parser));
                int r, wait;

                if (!last_id)
                        return cli_out_of_memory(cli);
                r = client_stream(cli->client, connected ? s->path_again : s->path, parser, tick, &state, &reply);
                if (r == STREAM_END)
                        return DONE;
                if (r == STREAM_INTERRUPTED)
                        return INTERRUPTED;
                if (r == -ENOMEM)
                        return cli_out_of_memory(cli);
                if (r == -EBADMSG || r == -EMSGSIZE)
                        return cli_failed(cli, "protocol",
                                          "The agent's stream cannot be understood. Is the CLI of another version than the agent? "
                                          "`nanoscale --version`.");
                if (r == 0 && reply.status == 200 && s->close_is_end)
                        return DONE;
                connected = connected || reply.status == 200;
                if (!is_passing(r, &reply) || (!connected && !s->patient))
                        return r < 0 ? cli_unreachable(cli, r) : cli_problem(cli, &reply);
                if (strcmp(last_id, sse_last_id(parser)) != 0)
                        attempt = 0;
                if (attempt == ELEMENTS(waits)) {
                        if (r < 0)
                                return cli_unreachable(cli, r);
                        return cli_failed(cli, "protocol", "The agent closes the stream again and again before its end.");
                }
                if (s->lost)
                        s->lost(s->owner, (unsigned) attempt + 1);
                wait = sse_retry_ms(parser) > waits[attempt] && sse_retry_ms(parser) <= 5000 ? (int) sse_retry_ms(parser) : waits[attempt];
                attempt++;
                r = rest(&state, wait);
                if (r != 0)
                        return r == STREAM_INTERRUPTED ? INTERRUPTED : DONE;
        }
}

int stream_run(const Cli *cli, const Stream *s) {
        auto_call(cleanup_parser) SseParser *parser = NULL;
        struct sigaction action = { .sa_handler = on_signal }, old_int, old_term;
        int r;

        if (sse_parser_new(s->event, s->owner, &parser) < 0)
                return cli_out_of_memory(cli);
        interrupted = 0;
        (void) sigaction(SIGINT, &action, &old_int);
        (void) sigaction(SIGTERM, &action, &old_term);
        r = run(cli, s, parser);
        (void) sigaction(SIGINT, &old_int, NULL);
        (void) sigaction(SIGTERM, &old_term, NULL);
        return r;
}
