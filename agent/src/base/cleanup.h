/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Ownership written in the declaration: a variable marked auto_… is released when its scope ends, on every path.
 * handover() is the one way to pass such a thing on: it yields the pointer and leaves NULL behind. */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define auto_call(fn) __attribute__((cleanup(fn)))

#define handover(p)                               \
        __extension__({                           \
                __typeof__(p) handed_over_ = (p); \
                (p) = NULL;                       \
                handed_over_;                     \
        })

#define handover_fd(fd)                  \
        __extension__({                  \
                int handed_over_ = (fd); \
                (fd) = -1;               \
                handed_over_;            \
        })

static inline void cleanup_free(void *p) {
        free(*(void **) p);
}

static inline void cleanup_close(int *fd) {
        if (*fd >= 0)
                (void) close(*fd);
}

static inline void cleanup_fclose(FILE **f) {
        if (*f)
                (void) fclose(*f);
}

static inline void cleanup_closedir(DIR **d) {
        if (*d)
                (void) closedir(*d);
}

#define auto_free auto_call(cleanup_free)
#define auto_close auto_call(cleanup_close)
#define auto_fclose auto_call(cleanup_fclose)
#define auto_closedir auto_call(cleanup_closedir)

/* For a type T with T *t_unref(T *): DEFINE_CLEANUP(Store, store_unref) makes auto_call(store_unref_cleanup) usable. */
#define DEFINE_CLEANUP(type, unref)                    \
        static inline void unref##_cleanup(type **p) { \
                (void) unref(*p);                      \
        }

#define ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))
