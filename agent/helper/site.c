/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The env file, and nginx: a configuration that does not pass nginx's own test is never left where nginx reads it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "helper/job.h"
#include "helper/render.h"

#define AVAILABLE "/etc/nginx/sites-available"
#define ENABLED "/etc/nginx/sites-enabled"
#define NGINX_SECONDS 60
/* Is there while nginx may run with another configuration than the files say: from before a change until after the reload. Gone with a
 * reboot, at which nginx reads the files anew. */
#define PENDING "nginx.pending"
#define PENDING_FILE NS_RUN "/" PENDING
/* execve() gives up at a quarter of the stack's 8 MiB for argv and environment together. */
#define ENV_FILE_MAX (1024 * 1024)

int env_install(Job *j) {
        auto_call(text_cleanup) Text t = { 0 };
        int r = render_env(&t, j->fields);

        text_put(&t, "", 0);
        if (r == -EBADMSG || t.length > ENV_FILE_MAX)
                return job_fail(j, "request", "a variable is there twice, or all of them together are over %d bytes", ENV_FILE_MAX);
        if (r < 0 || t.error < 0)
                return job_result(j, r < 0 ? r : t.error, "the env file");
        return job_write(j, "/etc/default", j->user, t.data, t.length, 0640, j->uid);
}

/* The line of nginx's message that says what is wrong; the very last one only says that the test failed. */
static const char *nginx_reason(Output *o) {
        const char *line = program_last_line(o);

        if (line == o->text || !strstr(line, " test failed"))
                return line;
        o->length = (size_t) (line - o->text);
        o->text[o->length] = '\0';
        return program_last_line(o);
}

static int nginx_test(Job *j, Output *ret_output) {
        int code = job_run(j, NGINX_SECONDS, ret_output, ARGV("/usr/sbin/nginx", "-t"));

        return code <= 0 ? code : job_fail(j, "nginx", "%s", nginx_reason(ret_output));
}

/* Or restarts it: an nginx that an earlier broken configuration stopped comes back with this one, which passed. */
static int reload(Job *j) {
        int r = job_run_checked(j, NGINX_SECONDS, ARGV(SYSTEMCTL, "reload-or-restart", "nginx.service"));

        return r < 0 ? r : job_remove(j, NS_RUN, PENDING);
}

/* A second server of the same name is only a warning to nginx, which then serves the first: one project could take another's visitors. */
static int refuse_taken_names(Job *j, const Output *o) {
        for (size_t i = 0; i < fields_count(j->fields); i++) {
                char name[256] = "", warning[320];

                if (!strstr(fields_key(j->fields, i), "host"))
                        continue;
                (void) sscanf(fields_value(j->fields, i), "%255s", name); /* of a redirect, the name that it is from */
                (void) snprintf(warning, sizeof(warning), "conflicting server name \"%s\"", name);
                if (strstr(o->text, warning))
                        return job_fail(j, "conflict", "another site has the name %s", name);
        }
        return 0;
}

/* Puts text (NULL: nothing) as the site's configuration, with its link. */
static int put_site(Job *j, const char *text, size_t length) {
        char target[96];
        int r;

        (void) snprintf(target, sizeof(target), AVAILABLE "/%s", j->file);
        if (!text) { /* the link first: nginx stops at a link to nothing */
                r = job_remove(j, ENABLED, j->file);
                return r < 0 ? r : job_remove(j, AVAILABLE, j->file);
        }
        r = job_write(j, AVAILABLE, j->file, text, length, 0644, 0);
        return r < 0 ? r : job_link(j, ENABLED, j->file, target, 0);
}

/* The site's link is there, and nginx has loaded what the files say: then a deployment that changes no name leaves nginx alone. */
static bool is_loaded(const Job *j) {
        char path[96], target[96], link[96] = "";

        (void) snprintf(path, sizeof(path), "%s/%s", &ENABLED[1], j->file);
        (void) snprintf(target, sizeof(target), AVAILABLE "/%s", j->file);
        return faccessat(j->root, &PENDING_FILE[1], F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
               readlinkat(j->root, path, link, sizeof(link) - 1) > 0 && strcmp(link, target) == 0;
}

/* Replaces the site by text (NULL: removes it), tests, reloads; what was there before is put back when the test fails. */
static int change_site(Job *j, const char *text, size_t length) {
        auto_free char *old = NULL;
        size_t old_length = 0;
        Output o;
        int r = job_read(j, AVAILABLE, j->file, &old, &old_length);

        if (r < 0 && r != -ENOENT)
                return job_result(j, r, j->file);
        if (text && r == 0 && old_length == length && memcmp(old, text, length) == 0 && is_loaded(j))
                return 0;
        r = job_write(j, NS_RUN, PENDING, "", 0, 0600, 0);
        if (r == 0)
                r = put_site(j, text, length);
        if (r == 0)
                r = nginx_test(j, &o);
        if (r == 0 && text)
                r = refuse_taken_names(j, &o);
        if (r < 0) {
                Job undo = *j; /* has a sentence of its own */

                if (put_site(&undo, old, old_length) < 0)
                        return job_fail(j, "system", "the old site could not be put back: %s", undo.sentence);
                return r;
        }
        return reload(j);
}

int site_install(Job *j) {
        auto_call(text_cleanup) Text t = { 0 };

        render(&t, template_site_conf, j->id, j->fields);
        return t.error < 0 ? job_result(j, t.error, "the site") : change_site(j, t.data, t.length);
}

int site_remove(Job *j) {
        return change_site(j, NULL, 0);
}

int nginx_reload(Job *j) {
        Output o;
        int r = nginx_test(j, &o);

        return r < 0 ? r : reload(j);
}
