/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* run-at ROOT RUN VERB …: the runner with its two directories elsewhere. */
#include "runner.h"

int main(int argc, char **argv) {
        if (argc < 4)
                return 2;
        const Place place = { .root = argv[1], .run = argv[2] };
        return runner_main(&place, argc - 2, argv + 2);
}
