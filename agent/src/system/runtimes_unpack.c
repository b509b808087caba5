/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/cleanup.h"
#include "security/digest.h"
#include "system/runtimes_work.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

/* Far above what any runtime has: a bomb stops here. */
#define UNPACKED_MAX (INT64_C(1) << 30)
#define ENTRIES_MAX 50000
#define NPM "lib/node_modules/npm/"

/* Which files of a package are wanted, below the package's own top directory, and where they go. A source that ends with a slash takes all
 * below it. What no row names is not unpacked. */
static const struct {
        PackageKind package;
        const char *from, *to;
} rows[] = {
        { PACKAGE_NODE, "bin/node", "bin/node" },    { PACKAGE_NODE, "LICENSE", "LICENSE" }, { PACKAGE_NPM, "", NPM },
        { PACKAGE_BUN, "bin/bun", "bin/bun" },       { PACKAGE_BUN, "LICENSE", "LICENSE" },  { PACKAGE_NODE_DIST, "bin/node", "bin/node" },
        { PACKAGE_NODE_DIST, "LICENSE", "LICENSE" }, { PACKAGE_NODE_DIST, NPM, NPM },        { PACKAGE_BUN_DIST, "bun", "bin/bun" },
};

/* What must be there afterwards, and the links that are made then. There is no bin/node with Bun: what asks for node must not get Bun
 * unasked. */
static const struct {
        const char *must;
        struct {
                const char *name, *to;
        } links[2];
} results[] = {
        [PACKAGE_NODE] = { .must = "bin/node" },
        [PACKAGE_NPM] = { NPM "bin/npm-cli.js", { { "bin/npm", "../" NPM "bin/npm-cli.js" }, { "bin/npx", "../" NPM "bin/npx-cli.js" } } },
        [PACKAGE_BUN] = { "bin/bun", { { "bin/bunx", "bun" } } },
        [PACKAGE_NODE_DIST] = { "bin/node", { { "bin/npm", "../" NPM "bin/npm-cli.js" }, { "bin/npx", "../" NPM "bin/npx-cli.js" } } },
        [PACKAGE_BUN_DIST] = { "bin/bun", { { "bin/bunx", "bun" } } },
};

static void cleanup_read(struct archive **a) {
        (void) archive_read_free(*a);
}

static void cleanup_write(struct archive **a) {
        (void) archive_write_free(*a);
}

static void cleanup_entry(struct archive_entry **e) {
        archive_entry_free(*e);
}

static int say_errno(int fd, const RuntimeWork *w, int error) {
        if (error == ENOSPC || error == EDQUOT)
                (void) dprintf(fd, "the disk is full: %s does not fit into %s", w->name, w->directory);
        else
                (void) dprintf(fd, "%s could not be unpacked: %s", w->name, strerrordesc_np(error));
        return WORK_FAILED;
}

static bool path_is_safe(const char *path) {
        if (!path || !*path || *path == '/' || strlen(path) > 512)
                return false;
        for (const char *c = path; *c; c++)
                if ((unsigned char) *c < ' ' || *c == 0x7f || *c == '\\')
                        return false;
        for (const char *part = path;; part++) {
                size_t n = strcspn(part, "/");
                if ((n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.') || (n == 0 && part[0] != '\0'))
                        return false;
                part += n;
                if (!*part)
                        return true;
        }
}

/* Where the file goes, or NULL when it is not wanted. Uses buffer. */
static const char *map_path(PackageKind package, const char *path, char *buffer, size_t size) {
        const char *inner = strchr(path, '/'); /* the package's top directory has any name */
        if (!inner || !inner[1])
                return NULL;
        inner++;
        for (size_t i = 0; i < ELEMENTS(rows); i++) {
                size_t n = strlen(rows[i].from);
                bool below = n == 0 || rows[i].from[n - 1] == '/';
                if (rows[i].package != package || strncmp(inner, rows[i].from, n) != 0 || (!below && inner[n] != '\0'))
                        continue;
                (void) snprintf(buffer, size, "%s%s", rows[i].to, below ? inner + n : "");
                return buffer;
        }
        return NULL;
}

/* Of an entry only its path, its size and whether it can be executed come through; all else is ours. */
static int write_entry(struct archive *in, struct archive *out, struct archive_entry *entry, const char *path) {
        auto_call(cleanup_entry) struct archive_entry *fresh = archive_entry_new();
        if (!fresh)
                return ENOMEM;
        /* npm gives the commands of a package their bit when it installs it. */
        bool runs = (archive_entry_perm(entry) & 0111) != 0 || strncmp(path, "bin/", 4) == 0 ||
                    strncmp(path, NPM "bin/", strlen(NPM "bin/")) == 0;
        archive_entry_set_pathname(fresh, path);
        archive_entry_set_filetype(fresh, AE_IFREG);
        archive_entry_set_perm(fresh, runs ? 0755 : 0644);
        if (archive_entry_size_is_set(entry))
                archive_entry_set_size(fresh, archive_entry_size(entry));
        if (archive_write_header(out, fresh) < ARCHIVE_OK)
                return archive_errno(out) > 0 ? archive_errno(out) : EIO;
        for (;;) {
                const void *data;
                size_t n;
                la_int64_t at;
                int r = archive_read_data_block(in, &data, &n, &at);
                if (r == ARCHIVE_EOF)
                        break;
                if (r < ARCHIVE_OK)
                        return EBADMSG;
                if (at > UNPACKED_MAX || (la_int64_t) n > UNPACKED_MAX - at)
                        return EFBIG;
                if (archive_write_data_block(out, data, n, at) < ARCHIVE_OK)
                        return archive_errno(out) > 0 ? archive_errno(out) : EIO;
        }
        return archive_write_finish_entry(out) < ARCHIVE_OK ? (archive_errno(out) > 0 ? archive_errno(out) : EIO) : 0;
}

static int unpack(const RuntimeWork *w, int archive_fd, int output_fd) {
        auto_call(cleanup_read) struct archive *in = archive_read_new();
        auto_call(cleanup_write) struct archive *out = archive_write_disk_new();
        if (!in || !out)
                return say_errno(output_fd, w, ENOMEM);
        (void) archive_read_support_format_tar(in);
        (void) archive_read_support_format_zip_streamable(in);
        (void) archive_read_support_format_zip_seekable(in);
        (void) archive_read_support_filter_gzip(in);
        (void) archive_write_disk_set_options(out, ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_SECURE_NODOTDOT |
                                                                   ARCHIVE_EXTRACT_SECURE_SYMLINKS |
                                                                   ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS | ARCHIVE_EXTRACT_UNLINK);
        if (archive_read_open_fd(in, archive_fd, 64 * 1024) != ARCHIVE_OK) {
                (void) dprintf(output_fd, "the archive of %s is damaged or none at all: %s", w->name, archive_error_string(in));
                return WORK_FAILED;
        }
        int64_t total = 0;
        for (unsigned n = 0;; n++) {
                struct archive_entry *entry;
                char buffer[1024];
                int r = archive_read_next_header(in, &entry);
                if (r == ARCHIVE_EOF)
                        return WORK_OK;
                if (r < ARCHIVE_WARN) {
                        (void) dprintf(output_fd, "the archive of %s is damaged: %s", w->name, archive_error_string(in));
                        return WORK_FAILED;
                }
                const char *path = archive_entry_pathname(entry);
                if (!path_is_safe(path)) {
                        (void) dprintf(output_fd, "the archive of %s has an unsafe path in it; nothing was installed", w->name);
                        return WORK_FAILED;
                }
                total += archive_entry_size(entry);
                if (n > ENTRIES_MAX || total > UNPACKED_MAX) {
                        (void) dprintf(output_fd, "the archive of %s is too large", w->name);
                        return WORK_FAILED;
                }
                /* Directories come with their files; links, devices and the like have no place in what we take. */
                if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry))
                        continue;
                const char *to = map_path(w->package, path, buffer, sizeof buffer);
                int error = to ? write_entry(in, out, entry, to) : 0;
                if (error == EBADMSG) {
                        (void) dprintf(output_fd, "the archive of %s is damaged: %s", w->name, archive_error_string(in));
                        return WORK_FAILED;
                }
                if (error != 0)
                        return say_errno(output_fd, w, error);
        }
}

static int verify(const RuntimeWork *w, int archive_fd, int output_fd) {
        int r = digest_verify(archive_fd, w->digest);
        if (r == DIGEST_OK)
                return WORK_OK;
        if (r == DIGEST_E_DIFFERENT)
                (void) dprintf(output_fd, "the download of %s does not match its published digest; nothing was installed", w->name);
        else if (r == DIGEST_E_FORM)
                (void) dprintf(output_fd, "the published digest of %s is malformed; nothing was installed", w->name);
        else
                (void) dprintf(output_fd, "the download of %s cannot be read: %s", w->name, strerrordesc_np(-r));
        return WORK_FAILED;
}

static int finish(const RuntimeWork *w, int output_fd) {
        struct stat st;
        if (stat(results[w->package].must, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0) {
                (void) dprintf(output_fd, "the archive of %s has no %s in it", w->name, results[w->package].must);
                return WORK_FAILED;
        }
        for (size_t i = 0; i < ELEMENTS(results[0].links) && results[w->package].links[i].name; i++)
                if (symlink(results[w->package].links[i].to, results[w->package].links[i].name) < 0)
                        return say_errno(output_fd, w, errno);
        return WORK_OK;
}

int runtime_work_unpack(void *work, int output_fd) {
        const RuntimeWork *w = work;
        (void) umask(022);
        /* From here on everything is relative to out/: nothing that an archive could say is absolute. */
        if (chdir(w->directory) < 0 || (mkdir("out", 0755) < 0 && errno != EEXIST))
                return say_errno(output_fd, w, errno);
        auto_close int archive_fd = open("archive", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (archive_fd < 0 || chdir("out") < 0)
                return say_errno(output_fd, w, errno);
        int r = verify(w, archive_fd, output_fd);
        if (r == WORK_OK)
                r = unpack(w, archive_fd, output_fd);
        return r == WORK_OK ? finish(w, output_fd) : r;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        (void) st;
        (void) type;
        (void) ftw;
        (void) remove(path);
        return 0;
}

void runtime_remove_tree(const char *path) {
        (void) nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

int runtime_work_commit(void *work, int output_fd) {
        const RuntimeWork *w = work;
        char out[PATH_MAX], parent[PATH_MAX];
        (void) snprintf(out, sizeof out, "%s/out", w->directory);
        (void) snprintf(parent, sizeof parent, "%s", w->target);
        *strrchr(parent, '/') = '\0'; /* target is absolute */
        auto_close int fd = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        auto_close int parent_fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        /* One syncfs() for some thousand files, before the name says that all is there. */
        if (fd < 0 || parent_fd < 0 || syncfs(fd) < 0)
                return say_errno(output_fd, w, errno);
        if (rename(out, w->target) < 0 && errno != EEXIST && errno != ENOTEMPTY)
                return say_errno(output_fd, w, errno);
        if (fsync(parent_fd) < 0)
                return say_errno(output_fd, w, errno);
        runtime_remove_tree(w->directory);
        return WORK_OK;
}
