/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The part of fetching a runtime that would block the loop: each function runs in a forked child (child_call), touches only `directory`,
 * and writes its result, or a sentence on what is wrong, to output_fd. */
#pragma once

#include <limits.h>
#include <stdbool.h>

enum { VERSION_SIZE = 64, DIGEST_SIZE = 512, URL_SIZE = 1024 };

/* What a package is, and so where its files go. */
typedef enum {
        PACKAGE_NODE,      /* npm's node-linux-…: bin/node */
        PACKAGE_NPM,       /* npm itself */
        PACKAGE_BUN,       /* npm's @oven/bun-linux-… */
        PACKAGE_NODE_DIST, /* nodejs.org's archive, with npm in it */
        PACKAGE_BUN_DIST,  /* the archive of Bun's releases */
} PackageKind;

/* What is to be found out from the text in {directory}/index. */
typedef enum {
        INDEX_NPM_PACKAGE, /* all versions of a package: which one, its digest and address */
        INDEX_NPM_VERSION, /* one version: the same */
        INDEX_NODE_DIST,   /* nodejs.org/dist/index.json: which one */
        INDEX_SUMS,        /* SHASUMS256.txt: the digest of `file` */
} IndexKind;

typedef struct {
        char directory[PATH_MAX / 2]; /* ours alone; has index, archive and out/ */
        PackageKind package;
        IndexKind index;
        char name[96];             /* of the package or file, for sentences and for INDEX_SUMS */
        char wanted[VERSION_SIZE]; /* INDEX_…: which versions count; empty: all */
        char node[VERSION_SIZE];   /* INDEX_NPM_PACKAGE: only versions whose engines accept this node; empty: any */
        char digest[DIGEST_SIZE];  /* unpack: of the archive */
        char target[PATH_MAX / 2]; /* commit: where out/ goes */
} RuntimeWork;

enum {
        WORK_OK = 0,
        WORK_FAILED,   /* the output is a sentence */
        WORK_NO_MATCH, /* pick: the same; the index is fine, but has no such version */
};

/* Prints `VERSION DIGEST URL`, `VERSION` or `DIGEST`, as the index has it. */
int runtime_work_pick(void *work, int output_fd);
/* Verifies {directory}/archive, then adds what is wanted of it to {directory}/out. */
int runtime_work_unpack(void *work, int output_fd);
/* Makes out/ durable, gives it its name, removes the rest. Somebody else having been faster is no failure. */
int runtime_work_commit(void *work, int output_fd);
/* Whether an address that the registry named may be asked: one that itself is asked over TLS may not send us to where anybody could answer.
 */
bool runtime_url_is_safe(const char *registry, const char *url);
/* Removes a tree; nothing is followed. */
void runtime_remove_tree(const char *path);
