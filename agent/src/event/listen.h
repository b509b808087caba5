/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

/* The listening unix socket that systemd passed by this name (FileDescriptorName= of its unit), close-on-exec, the caller's from now on:
 * each is given once. -ENOENT when none was passed by that name, -EINVAL when it is something else or there are two.
 * The variables (LISTEN_FDS, …) are taken out of the environment by the first call. Not for threads. */
int listen_fd_take(const char *name);
