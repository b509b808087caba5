/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

/* The one listening unix socket that systemd passed (LISTEN_FDS), close-on-exec. -ENOENT when none was passed, -EINVAL when it is
 * something else. The variables are taken out of the environment. */
int listen_fd_take(void);
