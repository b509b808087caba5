/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is asked for on the terminal. */
#pragma once

/* One line of the terminal without its newline, which is not shown while it is typed. To be freed. NULL and errno: EINTR after Ctrl-C. */
char *ask_hidden(const char *question);
/* The same; where standard input is no terminal, all of it without the last newline. errno also EILSEQ: it has a NUL byte. */
char *ask_or_read(const char *question);
