/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is asked for on the terminal. */
#pragma once

/* One line of the terminal without its newline, which is not shown while it is typed. To be freed. NULL and errno: EINTR after Ctrl-C. */
char *ask_hidden(const char *question);
