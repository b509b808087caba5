/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Whatever the text: reading it takes no more memory than its weight says, and all of that is given back. */
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#include "cluster/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t used, most;

static void *count(size_t size) {
        void *p = malloc(size);

        used += p ? malloc_usable_size(p) : 0;
        most = used > most ? used : most;
        return p;
}

static void give_back(void *p) {
        used -= p ? malloc_usable_size(p) : 0;
        free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *) data;

        json_set_alloc_funcs(count, give_back);
        used = most = 0;
        json_decref(answer_parse(text, size));
        if (used != 0 || most > answer_weight(text, size) + 4096)
                abort();
        return 0;
}
