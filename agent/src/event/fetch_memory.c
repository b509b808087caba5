/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* curl's memory. Each transfer takes buffers of 16 to 64 KiB and gives them back, and each kept connection of HTTP/2 takes one of 32 KiB
 * for good (curl 7.88) and rarely uses more than a page of it. From malloc, the latter lie among what the former leave, pages and all: with
 * hundreds of nodes that is a third of the agent's memory. So large blocks are mappings: what was not written costs nothing, what is freed
 * is gone. Small ones are cleared: curl copies bodies and header fields, in which there may be keys. */
#include "event/fetch_internal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LARGE = 12 * 1024 };

/* Before each block; as large as what malloc aligns to. */
typedef struct {
        _Alignas(max_align_t) size_t size;
        size_t mapped; /* 0: from malloc */
} Head;

static void *give(Head *head, size_t size, size_t mapped) {
        head->size = size;
        head->mapped = mapped;
        return head + 1;
}

static void *take(size_t size) {
        size_t whole = size + sizeof(Head);
        void *at;

        if (size > SIZE_MAX - sizeof(Head))
                return NULL;
        if (size < LARGE) {
                at = malloc(whole);
                return at ? give(at, size, 0) : NULL;
        }
        at = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return at == MAP_FAILED ? NULL : give(at, size, whole);
}

static void release(void *block) {
        Head *head = block ? (Head *) block - 1 : NULL;

        if (head && head->mapped)
                (void) munmap(head, head->mapped);
        else if (head) {
                explicit_bzero(block, head->size);
                free(head);
        }
}

static void *take_cleared(size_t n, size_t size) {
        size_t whole;
        void *block;

        if (__builtin_mul_overflow(n, size, &whole))
                return NULL;
        block = take(whole);
        if (block && !((Head *) block - 1)->mapped)
                memset(block, 0, whole);
        return block;
}

static void *resize(void *block, size_t size) {
        const Head *head = block ? (Head *) block - 1 : NULL;
        void *other = take(size);

        if (other && head) {
                memcpy(other, block, head->size < size ? head->size : size);
                release(block);
        }
        return other;
}

static char *copy(const char *text) {
        size_t size = strlen(text) + 1;
        void *block = take(size);

        return block ? memcpy(block, text, size) : NULL;
}

bool fetch_memory_init(void) {
        return curl_global_init_mem(CURL_GLOBAL_DEFAULT, take, release, resize, copy, take_cleared) == CURLE_OK;
}
