/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The moment at which an app is wanted: a connection waits on its listening socket. Nothing here accepts one. Times are CLOCK_MONOTONIC, in
 * microseconds. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

int64_t wake_clock(void);

/* When this process was made, to 10 ms: before its sandbox was. The present where /proc does not say it. */
int64_t wake_process_start(void);

/* Is a connection waiting? */
bool wake_is_due(int listener);

/* From now on, until exec, SIGTERM and SIGINT end this process with code 0: it is nobody yet. */
void wake_end_on_signals(void);

/* Waits for a connection; the time at which it came. */
int64_t wake_wait(int listener);
