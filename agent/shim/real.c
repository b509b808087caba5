/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "real.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

static RealCalls calls;
static atomic_bool looked_up;

static const struct {
        const char *name;
        size_t at;
} wanted[] = {
#define WANT(f) \
        { #f, offsetof(RealCalls, f) }
        WANT(bind),       WANT(listen),     WANT(accept),  WANT(accept4), WANT(getsockname), WANT(getpeername),
        WANT(getsockopt), WANT(setsockopt), WANT(close),   WANT(execve),  WANT(close_range), WANT(closefrom),
        WANT(execv),      WANT(execvp),     WANT(execvpe), WANT(connect),
};

const RealCalls *real(void) {
        if (atomic_load_explicit(&looked_up, memory_order_acquire))
                return &calls;
        int kept_errno = errno;
        /* Two threads at once write the same values. */
        for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
                *(void **) (void *) ((char *) &calls + wanted[i].at) = dlsym(RTLD_NEXT, wanted[i].name);
        atomic_store_explicit(&looked_up, true, memory_order_release);
        errno = kept_errno;
        return &calls;
}
