/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Rings in a file of their own, mapped and shared: what is written survives the agent, even its sudden end, and takes no anonymous memory.
 */
#pragma once

#include "statistics/rings.h"

typedef struct RingFile RingFile;

enum {
        RING_FILE_OK = 0,
        RING_FILE_E_NEW = 1, /* opened, but what was there was damaged or of another version; it begins anew */
        RING_FILE_E_ABSENT,  /* not there, and not to be made */
};

/* Opens the file `name` of directory dir, or makes it. boot: the boot id of this machine; a file that another boot has left loses its
 * newest minute, which may not have reached the disk. The blocks are reserved: a full disk is met here, not while writing to the memory. */
int ring_file_open(int dir, const char *name, unsigned n_series, const char *boot, bool make, RingFile **ret_file);
RingFile *ring_file_close(RingFile *f); /* NULL-safe, returns NULL */
Rings *ring_file_rings(RingFile *f);
