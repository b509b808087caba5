/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

/* The listening unix socket that systemd passed under this name (FileDescriptorName=), close-on-exec. -ENOENT when none was, -EINVAL when
 * it is something else. */
int listen_fd_take(const char *name);
