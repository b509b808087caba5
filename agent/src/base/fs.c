/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

/* One part at a time, none of them a link or `..`. openat2() with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS would do the same in one call, but
 * systemd's RestrictSUIDSGID=, which our units have, makes it fail (it cannot look at a mode that is passed by a pointer), and two ways
 * would be one too many. */
int fs_open(int dir, const char *path, int flags, mode_t mode) {
        auto_close int at = -1;

        for (;;) {
                const char *slash = strchrnul(path, '/');
                char part[NAME_MAX + 1];
                size_t n = (size_t) (slash - path);
                int fd;

                if (n < 1 || n > NAME_MAX)
                        return n < 1 ? -EINVAL : -ENAMETOOLONG;
                memcpy(part, path, n);
                part[n] = '\0';
                if (strcmp(part, ".") == 0 || strcmp(part, "..") == 0)
                        return -EINVAL;
                fd = openat(at < 0 ? dir : at, part, (*slash ? O_PATH | O_DIRECTORY : flags) | O_NOFOLLOW | O_CLOEXEC, mode);
                if (fd < 0)
                        return -errno;
                if (!*slash)
                        return fd;
                if (at >= 0)
                        (void) close(at);
                at = fd;
                path = slash + 1;
        }
}

int fs_open_directory(int dir, const char *path) {
        return fs_open(dir, path, O_PATH | O_DIRECTORY, 0);
}

int fs_read_fd(int fd, size_t limit, char **ret_text, size_t *ret_length) {
        auto_free char *text = NULL;
        size_t length = 0, size = 0;

        for (;;) {
                ssize_t n;

                if (length + 1 >= size) {
                        char *grown;

                        size = size ? size * 2 : 4096;
                        grown = realloc(text, size);
                        if (!grown)
                                return -ENOMEM;
                        text = grown;
                }
                n = read(fd, text + length, size - length - 1);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                length += (size_t) n;
                if (length > limit)
                        return -EFBIG;
        }
        text[length] = '\0';
        *ret_text = handover(text);
        if (ret_length)
                *ret_length = length;
        return 0;
}

int fs_read_file(int dir, const char *path, size_t limit, char **ret_text, size_t *ret_length) {
        /* O_NONBLOCK: a FIFO in the file's place must not hang us. */
        auto_close int fd = fs_open(dir, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
        struct stat st;

        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EBADF;
        return fs_read_fd(fd, limit, ret_text, ret_length);
}

/* The name under which the next version of name is prepared. Hidden, so that neither nginx nor systemd takes it for a file of theirs. */
static int new_name(char buffer[static NAME_MAX + 1], const char *name) {
        if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
                return -EINVAL;
        if ((size_t) snprintf(buffer, NAME_MAX + 1, ".%s.new", name) > NAME_MAX)
                return -ENAMETOOLONG;
        return 0;
}

static int write_all(int fd, const char *text, size_t length) {
        while (length > 0) {
                ssize_t n = write(fd, text, length);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                text += n;
                length -= (size_t) n;
        }
        return 0;
}

/* Renames over name and makes that last. */
static int put_in_place(int dir, const char *temporary, const char *name) {
        auto_close int real = -1;

        if (renameat(dir, temporary, dir, name) < 0)
                return -errno;
        real = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* dir may be O_PATH, which cannot be synced */
        if (real < 0 || fsync(real) < 0)
                return -errno;
        return 0;
}

static int write_file(int dir, const char *name, const char *text, size_t length, mode_t mode, uid_t uid, gid_t gid) {
        auto_close int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        int r;

        if (fd < 0)
                return -errno;
        r = write_all(fd, text, length);
        if (r < 0)
                return r;
        /* Mode first: once the file is someone else's, changing it takes one more capability. */
        if (fchmod(fd, mode) < 0)
                return -errno;
        /* Not even asked for where nothing is to change: the agent's sandbox refuses the call itself. */
        if ((uid != FS_KEEP_OWNER || gid != (gid_t) FS_KEEP_OWNER) && fchown(fd, uid, gid) < 0)
                return -errno;
        return fsync(fd) < 0 ? -errno : 0;
}

int fs_write_atomic(int dir, const char *name, const char *text, size_t length, mode_t mode, uid_t uid, gid_t gid) {
        char temporary[NAME_MAX + 1];
        int r = new_name(temporary, name);

        if (r < 0)
                return r;
        r = fs_remove_file(dir, temporary);
        if (r == 0)
                r = write_file(dir, temporary, text, length, mode, uid, gid);
        if (r == 0)
                r = put_in_place(dir, temporary, name);
        if (r < 0)
                (void) unlinkat(dir, temporary, 0);
        return r;
}

int fs_link_atomic(int dir, const char *name, const char *target, uid_t uid, gid_t gid) {
        char temporary[NAME_MAX + 1];
        int r = new_name(temporary, name);

        if (r == 0)
                r = fs_remove_file(dir, temporary);
        if (r < 0)
                return r;
        if (symlinkat(target, dir, temporary) < 0)
                return -errno;
        if ((uid != FS_KEEP_OWNER || gid != (gid_t) FS_KEEP_OWNER) && fchownat(dir, temporary, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
                r = -errno;
        if (r == 0)
                r = put_in_place(dir, temporary, name);
        if (r < 0)
                (void) unlinkat(dir, temporary, 0);
        return r;
}

int fs_make_directory(int dir, const char *name, mode_t mode, uid_t uid, gid_t gid) {
        auto_close int fd = -1;
        struct stat st;

        if (mkdirat(dir, name, mode) < 0 && errno != EEXIST)
                return -errno;
        fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        /* Only what differs, so that repeating needs no more rights than making it did. */
        if ((st.st_mode & 07777) != mode && fchmod(fd, mode) < 0)
                return -errno;
        if (((uid != FS_KEEP_OWNER && st.st_uid != uid) || (gid != (gid_t) FS_KEEP_OWNER && st.st_gid != gid)) && fchown(fd, uid, gid) < 0)
                return -errno;
        return 0;
}

int fs_remove_file(int dir, const char *name) {
        return unlinkat(dir, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

typedef struct {
        int top;        /* the tree's own directory: what is too deep is moved up to it */
        unsigned moved; /* numbers the names given there */
        int error;      /* the first */
} Removal;

static void note_error(Removal *rm, int error) {
        if (rm->error == 0)
                rm->error = error;
}

/* Brings a directory that is too deep up to the tree's top, where the next pass finds it. */
static void move_up(Removal *rm, int dir, const char *name) {
        for (unsigned tries = 0; tries < 1000; tries++) {
                char fresh[32];

                (void) snprintf(fresh, sizeof(fresh), ".removed-%u", rm->moved++);
                if (renameat2(dir, name, rm->top, fresh, RENAME_NOREPLACE) == 0)
                        return;
                if (errno != EEXIST) {
                        note_error(rm, -errno);
                        return;
                }
        }
        note_error(rm, -EEXIST);
}

static void empty(Removal *rm, int dir, unsigned depth);

static void remove_entry(Removal *rm, int dir, const char *name, unsigned depth) {
        int fd;

        if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
                return;
        if (errno != EISDIR) {
                note_error(rm, -errno);
                return;
        }
        fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && errno == EACCES && fchmodat(dir, name, 0700, 0) == 0)
                fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) {
                if (errno != ENOENT)
                        note_error(rm, -errno);
                return;
        }
        (void) fchmod(fd, 0700); /* not ours: then removing from it fails below, and says so */
        if (depth >= FS_DEPTH_MAX) {
                (void) close(fd);
                move_up(rm, dir, name);
                return;
        }
        empty(rm, fd, depth + 1); /* closes fd */
        if (unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT && errno != ENOTEMPTY)
                note_error(rm, -errno);
}

/* Removes what is in the directory, which it closes. One pass: entries that appear meanwhile may stay. */
static void empty(Removal *rm, int dir, unsigned depth) {
        auto_closedir DIR *d = fdopendir(dir);

        if (!d) {
                note_error(rm, -errno);
                (void) close(dir);
                return;
        }
        for (;;) {
                struct dirent *entry;

                errno = 0;
                entry = readdir(d);
                if (!entry)
                        break;
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        remove_entry(rm, dirfd(d), entry->d_name, depth);
        }
        if (errno != 0)
                note_error(rm, -errno);
}

/* 1 if the directory is empty. */
static int is_empty(int dir) {
        int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        auto_closedir DIR *d = fd < 0 ? NULL : fdopendir(fd);
        size_t entries = 0;

        if (!d) {
                int error = -errno;

                if (fd >= 0)
                        (void) close(fd);
                return error;
        }
        while (entries < 3 && readdir(d))
                entries++;
        return entries <= 2; /* . and .. */
}

int fs_empty_tree(int dir, const char *name) {
        auto_close int top = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int r;

        if (top < 0 && errno == ENOENT)
                return 0;
        if (top < 0)
                return -errno;
        /* A tree of depth n takes n / FS_DEPTH_MAX passes; PATH_MAX does not bound n, so the number only stops an endless race. */
        for (unsigned pass = 0; pass < 1000; pass++) {
                Removal rm = { .top = top, .moved = pass * 1000 };
                int fd = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

                if (fd < 0)
                        return -errno;
                empty(&rm, fd, 0);
                r = is_empty(top);
                if (r < 0)
                        return r;
                if (r > 0)
                        return 0;
                if (rm.error < 0)
                        return rm.error;
        }
        return -EBUSY;
}

int fs_remove_tree(int dir, const char *name) {
        struct stat st;
        int r;

        if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISDIR(st.st_mode))
                return fs_remove_file(dir, name);
        r = fs_empty_tree(dir, name);
        if (r < 0)
                return r;
        return unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}
