/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "event/listen.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

/* What systemd passed, in its order; NULL for what was given away. The environment tells it once only. */
static struct {
        bool asked;
        int n; /* or negative errno */
        char **names;
} passed;

int listen_fd_take(const char *name) {
        int found = -1;

        if (!passed.asked) {
                passed.n = sd_listen_fds_with_names(1, &passed.names);
                passed.asked = true;
        }
        if (passed.n < 0)
                return passed.n;
        for (int i = 0; i < passed.n; i++) {
                if (!passed.names[i] || strcmp(passed.names[i], name) != 0)
                        continue;
                if (found >= 0)
                        return -EINVAL;
                found = i;
        }
        if (found < 0)
                return -ENOENT;
        if (sd_is_socket_unix(SD_LISTEN_FDS_START + found, SOCK_STREAM, 1, NULL, 0) <= 0)
                return -EINVAL;
        free(passed.names[found]);
        passed.names[found] = NULL;
        return SD_LISTEN_FDS_START + found;
}
