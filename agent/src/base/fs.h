/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Files below a directory that somebody else may be changing at the same time. No call here follows a symbolic link, of any part of a
 * path, nor leaves the directory it was given. All return negative errno on failure. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* A hostile tree deeper than this is taken apart piece by piece; it only bounds how many directories are open at once. */
#define FS_DEPTH_MAX 32

#define FS_KEEP_OWNER ((uid_t) -1)

/* Opens path, relative and with any number of parts, below dir; -EINVAL for an empty part, `.` or `..`. A link is refused with -ELOOP or
 * -ENOTDIR (but opened itself if flags have O_PATH without O_DIRECTORY). The descriptor, close-on-exec. */
int fs_open(int dir, const char *path, int flags, mode_t mode);
/* The same for a directory that is only to be passed as dir of another call. */
int fs_open_directory(int dir, const char *path);

/* Reads all that fd has. The text has a NUL behind it. -EFBIG when it is longer than limit. */
int fs_read_fd(int fd, size_t limit, char **ret_text, size_t *ret_length);
int fs_read_file(int dir, const char *path, size_t limit, char **ret_text, size_t *ret_length);

/* Replaces the file name (one part) in dir: written beside it, synced, renamed over it, the directory synced. After a power cut there is
 * the old or the new text. One writer at a time per name; what a killed writer left behind is overwritten by the next. */
int fs_write_atomic(int dir, const char *name, const char *text, size_t length, mode_t mode, uid_t uid, gid_t gid);
/* The same for a symbolic link. */
int fs_link_atomic(int dir, const char *name, const char *target, uid_t uid, gid_t gid);

/* Makes directory name (one part) in dir, or sets owner and mode of the one that is there. -ENOTDIR or -ELOOP for anything else there. */
int fs_make_directory(int dir, const char *name, mode_t mode, uid_t uid, gid_t gid);

/* Removes a file or link; absent is fine. */
int fs_remove_file(int dir, const char *name);
/* Removes the tree name (one part) in dir; absent is fine. Restores write permission of directories that are the caller's own. Goes on
 * after a failure and returns the first. */
int fs_remove_tree(int dir, const char *name);
/* All that is in the tree, but not the directory itself. */
int fs_empty_tree(int dir, const char *name);
