/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* In the path of every wake: read what to do, check that all is there, wait if that is wanted, become the app. What can fail is done before
 * the wait; behind it are a clock, one line, and exec. */
#include "start.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "environment.h"
#include "lock.h"
#include "notice.h"
#include "package.h"
#include "program.h"
#include "proxy.h"
#include "security/command.h"
#include "spec.h"
#include "wake.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WOKEN "NANOSCALE_WOKEN_US"

enum { SOCKET_FD = 3, WOKEN_DIGITS = 16 };

typedef struct {
        Spec *spec;               /* owned; NULL once all is known */
        char **argv;              /* owned, one block */
        Environment *environment; /* owned */
        int lock;                 /* owned by the app */
        bool armed, exclusive;
        unsigned long proxy; /* port; 0: the app takes the socket itself */
        int64_t woken_us;    /* 0: it was not */
        Path directory, data, program;
} App;

static void app_drop(App *a) {
        (void) spec_free(a->spec);
        (void) environment_free(a->environment);
        free(a->argv);
}

static int check_socket(void) {
        const char *count = getenv("LISTEN_FDS");
        int listening = 0;
        socklen_t length = sizeof listening;
        if (!count || strcmp(count, "1") != 0 || getsockopt(SOCKET_FD, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) < 0 || !listening)
                return notice_cannot_start("no listening socket was passed; it is started by its unit only");
        /* systemd passes nothing else; should it ever, the app is not to have it. */
        (void) close_range(SOCKET_FD + 1, UINT_MAX, 0);
        return fcntl(SOCKET_FD, F_SETFD, 0) < 0 ? notice_cannot_start("%s", strerror(errno)) : 0;
}

/* The app takes the socket by itself, as it believes in a TCP port. */
static int set_shim(App *a, const Place *place, const char *id, const char *slot) {
        Environment *e = a->environment;
        Path shim;
        if (path_format(&shim, "%s/lib/nanoscale-listen.so", place->root) < 0)
                return notice_cannot_start("%s", strerror(ENAMETOOLONG));
        if (access(shim.s, R_OK) < 0)
                return notice_cannot_start("%s: %s; run the installer again", shim.s, strerror(errno));
        environment_set(e, "PORT", "%s", spec_get(a->spec, "port"));
        environment_default(e, "HOST", "0.0.0.0");
        environment_default(e, "HOSTNAME", "0.0.0.0");
        environment_set(e, "NANOSCALE_LISTEN_FD", "%d", SOCKET_FD);
        environment_set(e, "NANOSCALE_LISTEN_PORT", "%s", spec_get(a->spec, "port"));
        environment_set(e, "NANOSCALE_LISTEN_SOCKET", "%s/apps/%s/%s.sock", place->run, id, slot);
        const char *preload = environment_get(e, "LD_PRELOAD");
        auto_free char *users = preload && *preload ? strdup(preload) : NULL;
        environment_set(e, "LD_PRELOAD", "%s%s%s", shim.s, users ? ":" : "", users ? users : "");
        return 0;
}

/* It listens on a port of its own, for this machine alone if it listens to us, and the socket is for the proxy. */
static int set_proxy(App *a) {
        Environment *e = a->environment;
        if (access(PROXY_PROGRAM, X_OK) < 0)
                return notice_cannot_start("%s: %s", PROXY_PROGRAM, strerror(errno));
        environment_set(e, "PORT", "%lu", a->proxy);
        environment_default(e, "HOST", "127.0.0.1");
        environment_default(e, "HOSTNAME", "127.0.0.1");
        environment_unset_prefix(e, "LISTEN_");
        return 0;
}

/* Of what `bun run start` adds, the variables that apps ask for: their start scripts are run without it. */
static void set_package(Environment *e, const char *directory) {
        Path file;
        Package package;
        if (path_format(&file, "%s/package.json", directory) < 0 || !package_read(file.s, &package))
                return;
        if (*package.name)
                environment_default(e, "npm_package_name", package.name);
        if (*package.version)
                environment_default(e, "npm_package_version", package.version);
        environment_default(e, "npm_lifecycle_event", "start");
}

static int set_environment(App *a, const Place *place, const char *id, const char *slot) {
        Environment *e = a->environment = environment_new(environ);
        Path bin, compiled;
        if (!e || path_format(&bin, "%s/node_modules/.bin", a->directory.s) < 0 ||
            path_format(&compiled, "%s/sites/%s/source/%s/.compile-cache", place->root, id, spec_get(a->spec, "release")) < 0 ||
            path_format(&a->data, "%s/sites/%s/data", place->root, id) < 0)
                return notice_cannot_start("%s", strerror(ENOMEM));
        environment_unset_prefix(e, "NANOSCALE_");
        environment_set_path(e, place, spec_get(a->spec, "node"), spec_get(a->spec, "bun"), bin.s);
        environment_default(e, "NODE_ENV", "production");
        environment_default(e, "NEXT_TELEMETRY_DISABLED", "1");
        /* Node 22 and later leave there, when they exit, what they compiled, and start faster with it. It goes with the release. */
        environment_default(e, "NODE_COMPILE_CACHE", compiled.s);
        set_package(e, a->directory.s);
        environment_set(e, "HOME", "%s", a->data.s); /* the one place that is writable and stays */
        environment_set(e, "DATA_DIR", "%s", a->data.s);
        if (spec_is_set(a->spec, "ca"))
                environment_default(e, "NODE_EXTRA_CA_CERTS", spec_get(a->spec, "ca"));
        environment_set(e, "NANOSCALE_RELEASE", "%s", spec_get(a->spec, "release"));
        (void) text_to_number(spec_get(a->spec, "proxy"), 1, 65535, &a->proxy);
        return a->proxy ? set_proxy(a) : set_shim(a, place, id, slot);
}

static bool is_flag_set(const Spec *s, const char *key) {
        return strcmp(spec_get(s, key), "1") == 0;
}

static int app_read(App *a, const Place *place, const char *id, const char *slot) {
        const char *why = NULL;
        int r = spec_read(place, id, slot, SPEC_SLOT, &a->spec, &why);
        if (r < 0)
                return notice_cannot_start("the description of slot %s: %s (%s)", slot, *why ? why : "unreadable", strerror(-r));
        const char *root = spec_get(a->spec, "root");
        if (path_format(&a->directory, "%s/sites/%s/source/%s%s%s", place->root, id, spec_get(a->spec, "release"), *root ? "/" : "", root) <
            0)
                return notice_cannot_start("%s", strerror(ENAMETOOLONG));
        r = command_split(spec_get(a->spec, "start"), &a->argv, NULL);
        if (r != COMMAND_OK)
                return notice_cannot_start("start command: %s", r < 0 ? strerror(-r) : command_explain(r));
        return set_environment(a, place, id, slot);
}

/* Leaves the process in the app's directory. */
static int app_check(App *a) {
        if (chdir(a->directory.s) < 0)
                return notice_cannot_start("its directory %s: %s", a->directory.s, strerror(errno));
        const char *path = environment_get(a->environment, "PATH");
        int r = program_find(AT_FDCWD, a->argv[0], path, &a->program);
        if (r < 0)
                return notice_cannot_start("%s: %s (looked in %s)", a->argv[0], r == -ENOENT ? "no such program" : strerror(-r),
                                           path ? path : "");
        a->exclusive = is_flag_set(a->spec, "exclusive");
        a->lock = lock_open(a->data.s);
        if (a->lock < 0)
                return notice_cannot_start("its data directory %s: %s", a->data.s, strerror(-a->lock));
        a->armed = is_flag_set(a->spec, "armed");
        a->spec = spec_free(a->spec);
        /* Room for the time of the wake, so that nothing is allocated then. */
        environment_set(a->environment, WOKEN, "%0*d", WOKEN_DIGITS, 0);
        if (!environment_list(a->environment))
                return notice_cannot_start("%s", strerror(ENOMEM));
        return 0;
}

static void tell_woken(App *a, int64_t when) {
        a->woken_us = when;
        for (char **entry = environment_list(a->environment); *entry; entry++)
                if (text_starts(*entry, WOKEN "="))
                        for (char *digits = *entry + strlen(WOKEN "="), *p = digits + WOKEN_DIGITS; p > digits; when /= 10)
                                *--p = (char) ('0' + when % 10);
        notice("woken");
}

static void app_wait(App *a) {
        if (a->armed || a->exclusive)
                wake_end_on_signals();
        if (wake_is_due(SOCKET_FD)) {
                tell_woken(a, wake_process_start());
        } else if (a->armed) {
                notice("armed");
                tell_woken(a, wake_wait(SOCKET_FD));
        } else {
                environment_unset(a->environment, WOKEN);
        }
}

static int app_become(App *a) {
        int r = a->exclusive ? lock_take(a->lock) : lock_share(a->lock);
        if (r < 0)
                return notice_cannot_start("its lock on %s: %s", a->data.s, strerror(-r));
        char **environment = environment_list(a->environment);
        if (a->proxy) {
                const ProxyApp proxied = { a->program.s, a->argv, environment, SOCKET_FD, (uint16_t) a->proxy, a->woken_us };
                return proxy_run(&proxied);
        }
        (void) execve(a->program.s, a->argv, environment);
        return notice_cannot_start("%s: %s", a->program.s, strerror(errno));
}

int start_app(const Place *place, const char *id, const char *slot) {
        auto_call(app_drop) App app = { .lock = -1 };
        int r = check_socket();
        if (r == 0)
                r = app_read(&app, place, id, slot);
        if (r == 0)
                r = app_check(&app);
        if (r != 0)
                return r;
        app_wait(&app);
        return app_become(&app);
}
