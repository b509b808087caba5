/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "statistics/ring_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fs.h"

struct RingFile {
        Rings *rings;
        size_t size;
};

static void sign(Rings *r, const char *boot) {
        (void) snprintf(r->boot, sizeof(r->boot), "%s", boot);
}

static int map(int fd, size_t size, Rings **ret) {
        void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (at == MAP_FAILED)
                return -errno;
        *ret = at;
        return 0;
}

/* Whoever opens the name sees the old file or a whole new one. Blocks are reserved first: the kernel's word for a page of a mapping that
 * has no room on the disk is SIGBUS. */
static int make_anew(int dir, const char *name, unsigned n_series, Rings **ret) {
        size_t size = rings_size(n_series);
        char temporary[64];
        Rings *r = NULL;
        int result;

        if ((size_t) snprintf(temporary, sizeof(temporary), ".%s.new", name) >= sizeof(temporary))
                return -ENAMETOOLONG;
        result = fs_remove_file(dir, temporary);
        if (result < 0)
                return result;

        auto_close int fd = openat(dir, temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

        if (fd < 0)
                return -errno;
        result = -posix_fallocate(fd, 0, (off_t) size);
        if (result == 0)
                result = map(fd, size, &r);
        if (result == 0) {
                rings_make(r, n_series);
                if (renameat(dir, temporary, dir, name) < 0) {
                        result = -errno;
                        (void) munmap(r, size);
                }
        }
        if (result < 0)
                (void) unlinkat(dir, temporary, 0);
        else
                *ret = r;
        return result;
}

/* RING_FILE_E_ABSENT, or RING_FILE_E_NEW for one that is no good. */
static int open_present(int dir, const char *name, unsigned n_series, const char *boot, Rings **ret) {
        /* O_NONBLOCK: a FIFO in the file's place must not hang us. */
        auto_close int fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        size_t size = rings_size(n_series);
        struct stat st;
        Rings *r = NULL;
        int result;

        if (fd < 0)
                return errno == ENOENT                                       ? RING_FILE_E_ABSENT
                       : errno == ELOOP || errno == EISDIR || errno == ENXIO ? RING_FILE_E_NEW
                                                                             : -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_size != (off_t) size)
                return RING_FILE_E_NEW;
        /* A copy that a backup has brought back may have holes. */
        result = -posix_fallocate(fd, 0, (off_t) size);
        if (result == 0)
                result = map(fd, size, &r);
        if (result < 0)
                return result;
        if (!rings_are_sound(r, size, n_series)) {
                (void) munmap(r, size);
                return RING_FILE_E_NEW;
        }
        if (strcmp(r->boot, boot) != 0) {
                if (*r->boot)
                        rings_forget_newest(r);
                sign(r, boot);
        }
        *ret = r;
        return RING_FILE_OK;
}

int ring_file_open(int dir, const char *name, unsigned n_series, const char *boot, bool make, RingFile **ret_file) {
        auto_free RingFile *f = calloc(1, sizeof(*f));
        int r, made;

        if (!f)
                return -ENOMEM;
        f->size = rings_size(n_series);
        r = open_present(dir, name, n_series, boot, &f->rings);
        if (r < 0 || (r == RING_FILE_E_ABSENT && !make))
                return r;
        if (r != RING_FILE_OK) {
                made = make_anew(dir, name, n_series, &f->rings);
                if (made < 0)
                        return made;
                sign(f->rings, boot);
        }
        *ret_file = handover(f);
        return r == RING_FILE_E_NEW ? RING_FILE_E_NEW : RING_FILE_OK;
}

RingFile *ring_file_close(RingFile *f) {
        if (!f)
                return NULL;
        (void) munmap(f->rings, f->size);
        free(f);
        return NULL;
}

Rings *ring_file_rings(RingFile *f) {
        return f->rings;
}
