/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The lock of an app: flock on its data directory, which lives as long as any process of the app has the descriptor. An app that must never
 * run twice has it alone. The others share it, so that one whose project has become exclusive meanwhile is waited for, too. */
#pragma once

/* Opens the directory on a high number that goes along with exec. The descriptor, or negative errno. */
int lock_open(const char *directory);

/* Shares the lock; where another one has it alone (the project was exclusive until now) goes without. 0 or negative errno. */
int lock_share(int fd);

/* Takes the lock alone, however long that lasts; says so after a second. Negative errno. */
int lock_take(int fd);
