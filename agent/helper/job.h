/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* One request to the helper: what was asked (checked, see request.h), where to act, and the answer.
 *
 * Every act returns 0, or a negative number after job_fail() has recorded what to answer. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/fields.h"
#include "base/paths.h"
#include "base/program.h"

typedef struct Job Job;

typedef enum {
        LOCK_NONE, /* systemd orders its own jobs; or only the project's own home is touched */
        LOCK_WHOLE,
        LOCK_LATE, /* the act takes it itself, once the slow part is over */
} Lock;

enum { NEEDS_ID = 1, NEEDS_SLOT = 2, NEEDS_RELEASE = 4, NEEDS_USER = 8 /* the project has been added */ };

/* What is installed for a project: one file for both slots' services, one for their sockets, one for its builds. */
enum { SERVICE, SOCKET, BUILD, KINDS };

typedef struct {
        const char *key;
        bool (*valid)(const char *value); /* or a number in [min, max] */
        unsigned long min, max;
        size_t least, most; /* how many there may be */
} FieldKind;

typedef struct {
        const char *name;
        unsigned needs;
        const FieldKind *fields;
        size_t n_fields;
        Lock lock;
        int (*act)(Job *j);
        const char *command; /* of systemctl, for unit_control() */
        int kind, other;     /* the units that it is for */
} Verb;

struct Job {
        int root; /* "/", or a test's own tree; paths below it are opened without following links */
        const Verb *verb;
        const char *id, *argument;         /* NULL where the verb has none; argument is a slot or a release */
        Fields *fields;                    /* owned */
        char *line;                        /* owned: the first line, which id and argument point into */
        char user[32], file[40], home[40]; /* nanoscale-{id}, nanoscale-{id}.conf, /opt/nanoscale/sites/{id} */
        uid_t uid;                         /* the user's uid, which is its gid too; 0 until user_find() has found it */
        const char *word;                  /* of an error, else NULL */
        char sentence[512];                /* of an error; or what follows `ok` */
};

int job_fail(Job *j, const char *word, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* r; and if it is a negative errno, that is recorded as the answer, with word `system`. */
int job_result(Job *j, int r, const char *what);
int job_lock(Job *j);
/* Opens the directory with that absolute path below j->root. */
int job_open_directory(Job *j, const char *path);
/* Replaces a root-owned file. */
int job_write(Job *j, const char *directory, const char *name, const char *text, size_t length, mode_t mode, gid_t group);
/* The same for a symbolic link. */
int job_link(Job *j, const char *directory, const char *name, const char *target, uid_t owner);
int job_remove(Job *j, const char *directory, const char *name);
/* Reads a file of at most 1 MiB; a negative errno, which is not an answer yet. */
int job_read(Job *j, const char *directory, const char *name, char **ret_text, size_t *ret_length);
/* Runs a program; the exit code, or negative when it did not come to one. */
int job_run(Job *j, unsigned seconds, Output *ret_output, const char *const argv[]);
/* The same, and a code other than 0 is an error with the program's last line. */
int job_run_checked(Job *j, unsigned seconds, const char *const argv[]);

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define SYSTEMCTL "/usr/bin/systemctl"
#define UNITS "/etc/systemd/system"

/* project user (user.c) */
int user_add(Job *j);
int user_remove(Job *j);
int release_remove(Job *j);
/* Looks j->uid up; negative when the name belongs to something else. */
int user_find(Job *j);
/* The same, but its absence is an error as well. For all verbs with NEEDS_USER. */
int user_need(Job *j);

/* units (unit.c) */
int unit_install(Job *j);
int unit_remove(Job *j);
/* systemctl of one or two units of the slot, as the verb's row says. */
int unit_control(Job *j);
int unit_start(Job *j);
int build_start(Job *j);
/* Fails with `conflict` while one of the project's units is active or about to be. */
int units_refuse_active(Job *j);

/* memory of a slot (doze.c) */
int slot_doze(Job *j);

/* which slot is live (live.c) */
int live_switch(Job *j);
int live_static(Job *j);
/* Writes the tmpfiles entry for the runtime directory and the live link as it is. */
int live_write_tmpfiles(Job *j);
/* The live slot, or '\0'. */
char live_slot(Job *j);
/* Makes the units that start at boot be those of the slot; '\0' for none of this project. */
int live_enable(Job *j, char slot);

/* env file and nginx (site.c) */
int env_install(Job *j);
int site_install(Job *j);
int site_remove(Job *j);
int nginx_reload(Job *j);
