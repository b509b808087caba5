/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "certificates/files.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "security/certificate_name.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One more than may be, so that what is too large is seen as such. */
#define READ_MAX (PEM_CHAIN_MAX + PEM_KEY_MAX + 1)

/* certbot's files are links into its archive; all of it belongs to our user. */
static int read_all(const char *path, char **ret_text, size_t *ret_length) {
        auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

        return fd < 0 ? -errno : fs_read_fd(fd, READ_MAX, ret_text, ret_length);
}

int files_check(const char *directory, const char *name, int64_t now_ms, PemInfo *ret_info) {
        char path[PATH_MAX], file[NAME_MAX + 1], *text = NULL;
        size_t length = 0;
        int r;

        if (!certificate_pem_of(name, file))
                return -ENAMETOOLONG;
        (void) snprintf(path, sizeof path, "%s/%s", directory, file);
        r = read_all(path, &text, &length);
        if (r == 0)
                r = pem_check(text, length, text, length, name, now_ms, ret_info, NULL, NULL);
        pem_free(text, length);
        return r;
}

int files_read_live(const char *config, const char *name, int64_t now_ms, PemInfo *ret_info, char **ret_pem, size_t *ret_length) {
        char path[PATH_MAX], file[NAME_MAX + 1], *key = NULL;
        auto_free char *chain = NULL;
        size_t chain_length = 0, key_length = 0;
        int r;

        certificate_file_of(name, file, sizeof file);
        (void) snprintf(path, sizeof path, "%s/live/%s/fullchain.pem", config, file);
        r = read_all(path, &chain, &chain_length);
        if (r < 0)
                return r;
        (void) snprintf(path, sizeof path, "%s/live/%s/privkey.pem", config, file);
        r = read_all(path, &key, &key_length);
        if (r == 0)
                r = pem_check(chain, chain_length, key, key_length, name, now_ms, ret_info, ret_pem, ret_length);
        pem_free(key, key_length);
        return r;
}

int files_put(const char *directory, const char *name, const char *pem, size_t length) {
        auto_close int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char file[NAME_MAX + 1];

        if (fd < 0)
                return -errno;
        if (!certificate_pem_of(name, file))
                return -ENAMETOOLONG;
        /* The group comes from the directory, which has the set-group-ID bit. */
        return fs_write_atomic(fd, file, pem, length, 0640, FS_KEEP_OWNER, (gid_t) FS_KEEP_OWNER);
}

static bool is_broken_link(int fd, const char *file) {
        struct stat st;

        return fstatat(fd, file, &st, 0) < 0 && errno == ENOENT;
}

static void sweep_directory(const char *path, const char *suffix, bool (*wanted)(void *owner, const char *name), void *owner,
                            void (*remove_one)(int fd, const char *name)) {
        auto_closedir DIR *d = opendir(path);
        const struct dirent *e;

        while (d && (e = readdir(d))) {
                char file[NAME_MAX + 1], name[NAME_MAX + 2];
                size_t n = strlen(e->d_name), m = strlen(suffix);

                if (n <= m || n > NAME_MAX || strcmp(e->d_name + n - m, suffix) != 0)
                        continue;
                memcpy(file, e->d_name, n - m);
                file[n - m] = '\0';
                /* What is no such name is none of ours: certbot's README, half-written files. */
                if (certificate_name_of(file, name, sizeof name) && (!wanted(owner, name) || is_broken_link(dirfd(d), e->d_name)))
                        remove_one(dirfd(d), file);
        }
}

static void remove_pem(int fd, const char *name) {
        char file[NAME_MAX + 1];

        if (snprintf(file, sizeof file, "%s.pem", name) < (int) sizeof file)
                (void) fs_remove_file(fd, file);
}

/* renewal/NAME.conf last: while it is there, certbot knows the name. */
static void remove_live(int fd, const char *name) {
        char path[NAME_MAX + 1];
        auto_close int archive = openat(fd, "../archive", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                       renewal = openat(fd, "../renewal", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (archive >= 0)
                (void) fs_remove_tree(archive, name);
        (void) fs_remove_tree(fd, name);
        if (renewal >= 0 && snprintf(path, sizeof path, "%s.conf", name) < (int) sizeof path)
                (void) fs_remove_file(renewal, path);
}

void files_sweep(const char *directory, const char *config, bool (*wanted)(void *owner, const char *name), void *owner) {
        char path[PATH_MAX];

        sweep_directory(directory, ".pem", wanted, owner, remove_pem);
        if (!config)
                return;
        (void) snprintf(path, sizeof path, "%s/live", config);
        sweep_directory(path, "", wanted, owner, remove_live);
}
