/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* How a run of certbot ended: one word for programs, one sentence for people. certbot tells by what it prints only. Pure. */
#pragma once

#include "base/program.h"

typedef struct {
        /* NULL: all is well; or challenge, rate-limit, unreachable, refused, disk, timeout, other */
        const char *word;
        char sentence[400]; /* a line for which text_is_line() holds; empty when all is well */
} Outcome;

/* From what program_run() gave, negative too, and the output of certbot, of which this cuts off pieces. */
void outcome_read(int code, Output *o, Outcome *ret);
void outcome_set(Outcome *ret, const char *word, const char *format, ...) __attribute__((format(printf, 3, 4)));
