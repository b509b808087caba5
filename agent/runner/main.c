/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* nanoscale-run: the one program that units of projects start. No privilege, no shell: it reads the project's spec and becomes or watches
 * what the spec says. */
#include "base/paths.h"
#include "runner.h"

int main(int argc, char **argv) {
        static const Place place = { .root = NS_ROOT, .run = NS_RUN };
        return runner_main(&place, argc, argv);
}
