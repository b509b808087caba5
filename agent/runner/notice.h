/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The runner's own lines on a slot's standard error, for the agent and for people (docs/design/interfaces.md, Notices). */
#pragma once

enum { NOTICE_CANNOT_START = 127 };

/* `nanoscale: TEXT` with priority 5, written at once. Safe in signal handlers. */
void notice(const char *text);

/* `nanoscale: cannot start the app: SENTENCE`; answers NOTICE_CANNOT_START, the exit code. */
int notice_cannot_start(const char *format, ...) __attribute__((format(printf, 1, 2)));
