/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "security/random.h"

#include <sodium.h>
#include <stdlib.h>

void random_id(char ret_id[static 13]) {
        static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";

        /* Without a source of randomness nothing that follows would be safe. */
        if (sodium_init() < 0)
                abort();
        for (unsigned i = 0; i < 12; i++)
                ret_id[i] = digits[randombytes_uniform(sizeof(digits) - 1)];
        ret_id[12] = '\0';
}
