/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "event/listen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

int listen_fd_take(const char *name) {
        char **names = NULL;
        int n = sd_listen_fds_with_names(0, &names), fd = n < 0 ? n : -ENOENT;

        for (int i = 0; i < n; i++) {
                if (fd == -ENOENT && strcmp(names[i], name) == 0)
                        fd = SD_LISTEN_FDS_START + i;
                free(names[i]);
        }
        free(names);
        if (fd >= 0 && sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) <= 0)
                return -EINVAL;
        return fd;
}
