/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a project gets where its owner said nothing. The commands and versions are the specification's. */
#pragma once

#define DEFAULT_BRANCH "main"
#define DEFAULT_NODE_VERSION "20"
#define DEFAULT_BUN_VERSION "1.2.20"
#define DEFAULT_INSTALL_COMMAND "bun install --frozen-lockfile"
#define DEFAULT_BUILD_COMMAND "bun run build"
#define DEFAULT_START_COMMAND "bun run start"
#define DEFAULT_HEALTH_PATH "/"

enum {
        DEFAULT_PORT = 3000,
        DEFAULT_MEMORY_MIB = 512,
        DEFAULT_CPU_PERCENT = 200, /* starting takes more than one thread; under contention weights decide */
        DEFAULT_TASKS_MAX = 256,
        DEFAULT_BUILD_MEMORY_MIB = 2048,
        DEFAULT_BUILD_CPU_PERCENT = 200,
        DEFAULT_BUILD_SECONDS = 1200,
        DEFAULT_IDLE_SECONDS = 900,
        DEFAULT_DRAIN_SECONDS = 120,

        BUILD_TASKS = 512,
        STOP_SECONDS = 10,   /* from SIGTERM to SIGKILL */
        HEALTH_SECONDS = 60, /* for the first healthy answer */
        KEPT_RELEASES = 5,   /* the live one among them */
        SITE_BODY_MIB = 100, /* largest request body that nginx takes for an app */
};
