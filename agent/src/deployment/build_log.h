/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Reads what `nanoscale-run build` says, line by line (docs/design/interfaces.md). The build is hostile: though the runner writes these
 * lines, a line that does not fit is handed out as BUILD_SAYS_UNKNOWN, and every text in it is checked for form and length. */
#pragma once

typedef enum {
        BUILD_SAYS_UNKNOWN,
        BUILD_SAYS_DEPLOYMENT, /* text: id */
        BUILD_SAYS_BEGIN,      /* step */
        BUILD_SAYS_END,        /* step, outcome, number, text */
        BUILD_SAYS_OUT,        /* text */
        BUILD_SAYS_NOTE,       /* text */
        BUILD_SAYS_COMMIT,     /* text: 40 hex digits */
        BUILD_SAYS_AUTHOR,     /* text */
        BUILD_SAYS_SUBJECT,    /* text */
        BUILD_SAYS_START,      /* text: a command that command_split() takes */
        BUILD_SAYS_ROOT,       /* text: a relative directory */
        BUILD_SAYS_STATIC,     /* text: the directory whose files are the site */
        BUILD_SAYS_DONE,
} BuildSays;

typedef enum {
        BUILD_STEP_FETCH,
        BUILD_STEP_INSTALL,
        BUILD_STEP_BUILD,
        BUILD_STEP_RELEASE,
        BUILD_STEPS,
} BuildStep;

typedef enum {
        BUILD_END_OK,
        BUILD_END_EXIT,   /* number: code */
        BUILD_END_SIGNAL, /* text: name without SIG */
        BUILD_END_OOM,    /* number: limit in MiB */
        BUILD_END_ERROR,  /* text: sentence */
} BuildEnd;

typedef struct {
        BuildSays says;
        BuildStep step;
        BuildEnd end;
        unsigned number;
        const char *text; /* points into the line; never NULL */
} BuildLine;

/* Always fills *ret. */
void build_line_parse(const char *line, BuildLine *ret);
const char *build_step_name(BuildStep step);
