/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "helper/job.h"
#include "helper/render.h"

#define SYSTEMCTL_SECONDS 90
#define STOP_SECONDS 660 /* a bit over the longest stop_seconds */
#define EXIT_NOT_LOADED 5
#define NO_WAIT "--no-block"
#define WAIT "--quiet" /* systemctl's default */

typedef char UnitName[64];

/* slot "": the name of the file. */
static const char *unit_name(UnitName name, const Job *j, int kind, const char *slot) {
        if (kind == BUILD)
                (void) snprintf(name, sizeof(UnitName), NS_USER "-build-%s.service", j->id);
        else
                (void) snprintf(name, sizeof(UnitName), "%s@%s.%s", j->user, slot, kind == SOCKET ? "socket" : "service");
        return name;
}

/* All units of the project, the sockets first: they start the services. */
static void unit_names(UnitName names[static 5], const Job *j) {
        for (int i = 0; i < 4; i++)
                (void) unit_name(names[i], j, i < 2 ? SOCKET : SERVICE, i % 2 == 0 ? "a" : "b");
        (void) unit_name(names[4], j, BUILD, "");
}

static int install(Job *j, const char *name, const char *template) {
        auto_call(text_cleanup) Text t = { 0 };

        render(&t, template, j->id, j->fields);
        return t.error < 0 ? job_result(j, t.error, name) : job_write(j, UNITS, name, t.data, t.length, 0644, 0);
}

int unit_install(Job *j) {
        static const char *const templates[KINDS] = { template_slot_service, template_slot_socket, template_build_service };
        UnitName name;
        int r = 0;

        for (int i = 0; r == 0 && i < KINDS; i++)
                r = install(j, unit_name(name, j, i, ""), templates[i]);
        if (r == 0)
                r = live_enable(j, live_slot(j)); /* start_on_boot may have changed */
        return r < 0 ? r : job_run_checked(j, SYSTEMCTL_SECONDS, ARGV(SYSTEMCTL, "daemon-reload"));
}

int unit_remove(Job *j) {
        UnitName file, units[5];
        Output o;
        int r;

        unit_names(units, j);
        for (size_t i = 0; i < ELEMENTS(units); i++) {
                r = job_run(j, STOP_SECONDS, &o, ARGV(SYSTEMCTL, "stop", "--", units[i]));
                if (r < 0)
                        return r;
                if (r != 0 && r != EXIT_NOT_LOADED)
                        return job_fail(j, "system", "stopping %s: %s", units[i], program_last_line(&o));
        }
        r = job_lock(j);
        if (r == 0)
                r = live_enable(j, '\0');
        for (int i = 0; r == 0 && i < KINDS; i++)
                r = job_remove(j, UNITS, unit_name(file, j, i, ""));
        if (r == 0)
                r = job_run_checked(j, SYSTEMCTL_SECONDS, ARGV(SYSTEMCTL, "daemon-reload"));
        if (r < 0)
                return r;
        /* A failed unit would be listed for ever. Not failed, or not there: fine. */
        r = job_run(j, SYSTEMCTL_SECONDS, &o, ARGV(SYSTEMCTL, "reset-failed", "--", units[0], units[1], units[2], units[3], units[4]));
        return r < 0 ? r : 0;
}

/* Fails with `conflict` unless all of the units (NULL-terminated behind `systemctl show …`) are at rest. */
static int refuse(Job *j, const char *sentence, const char *const show[]) {
        Output o;
        int r = job_run(j, SYSTEMCTL_SECONDS, &o, show);

        if (r != 0)
                return r < 0 ? r : job_fail(j, "system", "asking for the project's units: %s", program_last_line(&o));
        for (char *line = o.text, *rest = NULL; (line = strtok_r(line, "\n", &rest)); line = NULL)
                if (strcmp(line, "inactive") != 0 && strcmp(line, "failed") != 0)
                        return job_fail(j, "conflict", "%s", sentence);
        return 0;
}

#define SHOW_STATE SYSTEMCTL, "show", "--property=ActiveState", "--value", "--"

int units_refuse_active(Job *j) {
        UnitName u[5];

        unit_names(u, j);
        return refuse(j, "a unit of the project is active", ARGV(SHOW_STATE, u[0], u[1], u[2], u[3], u[4]));
}

/* systemctl COMMAND of one unit of the job's slot, or two in one transaction, if the project has units. */
static int control(Job *j, const char *command, const char *option, int kind, int other) {
        auto_close int dir = job_open_directory(j, UNITS);
        UnitName file, first, second;

        if (dir < 0)
                return dir;
        if (faccessat(dir, unit_name(file, j, SERVICE, ""), F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                return job_fail(j, "absent", "there is no unit %s", file);
        return job_run_checked(j, STOP_SECONDS,
                               ARGV(SYSTEMCTL, command, option, "--", unit_name(first, j, kind, j->argument),
                                    other == kind ? NULL : unit_name(second, j, other, j->argument)));
}

/* In one transaction: when both are stopped, a connection in between cannot start the service again. */
int unit_control(Job *j) {
        return control(j, j->verb->command, WAIT, j->verb->kind, j->verb->other);
}

int unit_start(Job *j) {
        int r = control(j, "start", WAIT, SOCKET, SOCKET);

        return r < 0 ? r : control(j, "start", NO_WAIT, SERVICE, SERVICE);
}

int build_start(Job *j) {
        UnitName name;
        /* systemctl would take a running build for this one */
        int r = refuse(j, "a build of the project is running", ARGV(SHOW_STATE, unit_name(name, j, BUILD, "")));

        return r < 0 ? r : control(j, "start", NO_WAIT, BUILD, BUILD);
}
