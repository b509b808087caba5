/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* nanoscale-acme: gets one certificate by certbot. One request on standard input, which is a connection to /run/nanoscale/acme.sock, one
 * line of answer, then it is over (docs/design/interfaces.md). It runs as the user nanoscale, in a sandbox of its own: certbot is a large
 * program in Python that talks to the network, and neither root nor the agent's database is for it. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "acme/certbot.h"
#include "base/cleanup.h"
#include "base/fields.h"
#include "base/paths.h"
#include "base/text.h"

#define READ_SECONDS 20
#define CERTBOT_SECONDS 600

static const Certbot certbot = {
        .program = "/usr/bin/certbot",
        .webroot = NS_ROOT "/acme/webroot",
        .directory = NS_DATA "/acme",
        .seconds = CERTBOT_SECONDS,
};

/* The socket is open to the group, whose members may use the CLI; certificates are the agent's business alone. */
static bool caller_is_agent(void) {
        struct ucred peer;
        socklen_t length = sizeof(peer);

        return getsockopt(0, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && (peer.uid == getuid() || peer.uid == 0);
}

static void perform(Fields **ret_fields, Outcome *ret) {
        auto_call(text_cleanup) Text request = { 0 };
        const char *sentence = NULL;
        int r;

        if (!caller_is_agent()) {
                outcome_set(ret, "other", "only the agent may ask");
                return;
        }
        r = fields_read(0, ACME_REQUEST_MAX, READ_SECONDS, &request);
        if (r == 0)
                r = acme_request_parse(request.data, request.length, ret_fields, &sentence);
        if (r < 0)
                outcome_set(ret, "other", "%s", sentence ? sentence : strerror(-r));
        else
                certbot_run(&certbot, *ret_fields, ret);
}

int main(void) {
        auto_call(fields_free_cleanup) Fields *fields = NULL;
        Outcome outcome = { 0 };

        (void) signal(SIGPIPE, SIG_IGN);
        (void) umask(077);
        if (close_range(3, ~0U, 0) < 0 || chdir("/") < 0)
                return 1;
        perform(&fields, &outcome);
        if (outcome.word)
                (void) dprintf(1, "error %s %s\n", outcome.word, outcome.sentence);
        else
                (void) dprintf(1, "ok\n");
        (void) dprintf(2, "%s: %s %s\n", fields ? fields_get(fields, "host") : "-", outcome.word ? outcome.word : "ok", outcome.sentence);
        return outcome.word ? 1 : 0;
}
