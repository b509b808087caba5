/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* nanoscale-repository: looks at one repository for a project that is about to be made. One request on standard input, which is a
 * connection to /run/nanoscale/repository.sock, one answer of field lines, then it is over (docs/design/interfaces.md). URL and server are
 * a stranger's, so it runs as nobody in particular, in a sandbox of its own. */
#include "repository/check.h"
#include "repository/request.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/paths.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define READ_SECONDS 10

/* The socket is open to the group, whose members may use the CLI; which addresses may be asked is for the agent to say. */
static bool caller_is_agent(void) {
        struct ucred peer;
        socklen_t length = sizeof(peer);
        const struct passwd *agent = getpwnam(NS_USER);

        return getsockopt(0, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && (peer.uid == 0 || (agent && peer.uid == agent->pw_uid));
}

/* Up to the closing line, or to the end. A client that stops halfway is ended by the alarm, without an answer. */
static int read_request(Text *t) {
        static const char closing[] = "\nend\n";
        const size_t n_closing = sizeof(closing) - 1;

        (void) alarm(READ_SECONDS);
        while (t->error == 0 && t->length <= REPOSITORY_REQUEST_MAX) {
                char chunk[4096];
                ssize_t n = read(0, chunk, sizeof(chunk));

                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n == 0)
                        break;
                if (n > 0)
                        text_put(t, chunk, (size_t) n);
                if (t->length >= n_closing && memcmp(t->data + t->length - n_closing, closing, n_closing) == 0)
                        break;
        }
        (void) alarm(0);
        text_put(t, "", 0);
        return t->error;
}

static int perform(FieldWriter *w) {
        auto_call(fields_free_cleanup) Fields *request = NULL;
        auto_call(text_cleanup) Text text = { 0 };
        char directory[] = "/tmp/nanoscale-repository-XXXXXX";
        const char *sentence = NULL;
        int r;

        if (!caller_is_agent())
                return -EPERM;
        r = read_request(&text);
        if (r == 0)
                r = repository_request_parse(text.data, text.length, &request, &sentence);
        if (r < 0) {
                (void) dprintf(2, "refused: %s\n", sentence ? sentence : strerror(-r));
                return r;
        }
        if (!mkdtemp(directory))
                return -errno;
        r = repository_check(request, directory, w);
        auto_close int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (tmp >= 0)
                (void) fs_remove_tree(tmp, directory + strlen("/tmp/"));
        return r;
}

int main(void) {
        FieldWriter w = { 0 };
        auto_free char *answer = NULL;
        size_t length = 0;
        int r;

        (void) signal(SIGPIPE, SIG_IGN);
        (void) umask(077);
        if (close_range(3, ~0U, 0) < 0 || chdir("/") < 0)
                return 1;
        r = perform(&w);
        if (r == 0)
                r = fields_finish(&w, &answer, &length);
        else
                free(w.text);
        for (size_t done = 0; r == 0 && done < length;) {
                ssize_t n = write(1, answer + done, length - done);

                if (n < 0)
                        return 1;
                done += (size_t) n;
        }
        return r == 0 ? 0 : 1;
}
