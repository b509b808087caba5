/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Values come from the signals themselves: a unit that has ended is forgotten right afterwards, and asking would give what a unit has that
 * never ran. Asking is for the start of a watch, after a reload, after the bus was lost, and for poll_us.
 *
 * systemd sends the properties of the kind (service, socket) first and those of every unit, ActiveState among them, right behind; so a
 * state is complete, and told, with the second. It tells of changes once per turn of its own loop: a unit may have gone through several
 * states between two of them, and only a new InvocationID says that it ran at all. */
#include "system/units_internal.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define RETRY_FIRST_US (200 * USEC_PER_MSEC)
#define RETRY_LAST_US (10 * USEC_PER_SEC)

struct Units {
        Loop *loop;
        sd_bus *bus; /* NULL while there is no connection */
        Timer *retry;
        uint64_t retry_us;
        UnitWatch *watches;
        BusGuest *guests;
};

struct UnitWatch {
        Units *units; /* NULL when they have gone */
        UnitWatch *next;
        char *path;
        sd_bus_slot *match, *get;
        Timer *poll, *again;
        uint64_t poll_us;
        UnitState state, told;
        bool told_any, kind_known;
        UnitChanged changed;
        void *owner;
};

/* --- properties --- */

static const struct {
        const char *name;
        char type; /* of D-Bus; y: bytes, shown as hex */
        size_t offset, size;
} properties[] = {
        { "ActiveState", 's', offsetof(UnitState, active), sizeof(((UnitState *) NULL)->active) },
        { "Result", 's', offsetof(UnitState, result), sizeof(((UnitState *) NULL)->result) },
        { "InvocationID", 'y', offsetof(UnitState, invocation), sizeof(((UnitState *) NULL)->invocation) },
        { "ExecMainCode", 'i', offsetof(UnitState, exec_code), sizeof(int) },
        { "ExecMainStatus", 'i', offsetof(UnitState, exec_status), sizeof(int) },
        { "MainPID", 'u', offsetof(UnitState, main_pid), sizeof(unsigned) },
};

static int read_value(sd_bus_message *m, char type, void *to, size_t size) {
        static const char digits[] = "0123456789abcdef";
        const void *bytes = NULL;
        const char *text = NULL;
        char *hex = to;
        size_t n = 0;
        int r;

        switch (type) {
        case 's':
                r = sd_bus_message_read(m, "v", "s", &text);
                if (r >= 0)
                        (void) snprintf(to, size, "%s", text);
                return r;
        case 'i':
                return sd_bus_message_read(m, "v", "i", to);
        case 'u':
                return sd_bus_message_read(m, "v", "u", to);
        default:
                r = sd_bus_message_enter_container(m, 'v', "ay");
                if (r >= 0)
                        r = sd_bus_message_read_array(m, 'y', &bytes, &n);
                if (r < 0)
                        return r;
                for (size_t i = 0; i < n && 2 * i + 2 < size; i++) {
                        unsigned char byte = ((const unsigned char *) bytes)[i];

                        *hex++ = digits[byte >> 4];
                        *hex++ = digits[byte & 15];
                }
                *hex = '\0';
                return sd_bus_message_exit_container(m);
        }
}

static int read_property(sd_bus_message *m, UnitState *state) {
        const char *name = NULL;
        int r = sd_bus_message_read(m, "s", &name);

        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTS(properties); i++)
                if (strcmp(properties[i].name, name) == 0)
                        return read_value(m, properties[i].type, (char *) state + properties[i].offset, properties[i].size);
        return sd_bus_message_skip(m, "v");
}

int unit_state_read(sd_bus_message *m, UnitState *state) {
        int r = sd_bus_message_enter_container(m, 'a', "{sv}");

        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = read_property(m, state);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* --- a watch --- */

bool unit_state_equal(const UnitState *a, const UnitState *b) {
        return strcmp(a->active, b->active) == 0 && strcmp(a->result, b->result) == 0 && strcmp(a->invocation, b->invocation) == 0 &&
               a->exec_code == b->exec_code && a->exec_status == b->exec_status && a->main_pid == b->main_pid;
}

/* The owner may drop the watch in its callback: nothing of it is used afterwards. */
static void tell(UnitWatch *w) {
        UnitState state = w->state;

        if (w->told_any && unit_state_equal(&w->told, &w->state))
                return;
        w->told = w->state;
        w->told_any = true;
        w->changed(w->owner, &state);
}

static int on_state(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        UnitWatch *w = userdata;
        UnitState state = { 0 };

        (void) error;
        w->get = sd_bus_slot_unref(w->get);
        if (sd_bus_message_is_method_error(m, NULL) || unit_state_read(m, &state) < 0) {
                /* systemd is being replaced, or too busy to answer. Without a timer the next signal tells. */
                if (sd_bus_is_open(sd_bus_message_get_bus(m)) > 0)
                        (void) timer_rearm(w->again, USEC_PER_SEC);
                return 0;
        }
        units_bus_works(w->units);
        w->state = state;
        tell(w);
        return 0;
}

/* An empty interface asks for the properties of all of them, in one answer and so of one moment. The unit is loaded by being asked. */
static void ask(void *owner) {
        UnitWatch *w = owner;

        if (!w->units || !w->units->bus)
                return;
        w->get = sd_bus_slot_unref(w->get);
        if (sd_bus_call_method_async(w->units->bus, &w->get, SYSTEMD, w->path, DBUS_PROPERTIES, "GetAll", on_state, w, "s", "") < 0)
                (void) timer_rearm(w->again, USEC_PER_SEC);
}

static void on_poll(void *owner) {
        UnitWatch *w = owner;

        (void) timer_rearm(w->poll, w->poll_us);
        ask(w);
}

static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        UnitWatch *w = userdata;
        const char *interface = NULL;

        (void) error;
        if (sd_bus_message_read(m, "s", &interface) < 0 || unit_state_read(m, &w->state) < 0)
                return 0;
        /* Each signal has all the fields of its interface, so that the pair is complete even before the first answer. */
        if (strcmp(interface, SYSTEMD_UNIT) != 0)
                w->kind_known = true;
        else if (w->told_any || w->kind_known)
                tell(w);
        return 0;
}

/* --- the bus --- */

static void tell_guests(Units *u, BusEvent what) {
        for (BusGuest *g = u->guests; g; g = g->next) {
                g->bus = u->bus;
                g->happened(g, what);
        }
}

static void retry_later(Units *u) {
        (void) timer_rearm(u->retry, u->retry_us);
        u->retry_us = u->retry_us * 2 > RETRY_LAST_US ? RETRY_LAST_US : u->retry_us * 2;
}

static int on_nothing(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        (void) m;
        (void) userdata;
        (void) error;
        return 0;
}

/* Without a subscriber systemd sends no signals at all. That we are one already is an answer too. */
static void subscribe(Units *u) {
        (void) sd_bus_call_method_async(u->bus, NULL, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "Subscribe", on_nothing, NULL, NULL);
}

static void attach(Units *u, UnitWatch *w) {
        w->match = sd_bus_slot_unref(w->match);
        if (sd_bus_match_signal_async(u->bus, &w->match, SYSTEMD, w->path, DBUS_PROPERTIES, "PropertiesChanged", on_properties, NULL, w) <
            0)
                w->match = NULL;
        ask(w);
}

/* After a reload systemd's units are new objects, and what changed meanwhile was told to nobody. */
static void ask_all(Units *u) {
        subscribe(u);
        for (UnitWatch *w = u->watches; w; w = w->next)
                ask(w);
        tell_guests(u, BUS_STALE);
}

static int on_reloading(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        int started = 1;

        (void) error;
        if (sd_bus_message_read(m, "b", &started) < 0)
                return 0;
        if (started)
                tell_guests(userdata, BUS_RELOADING);
        else
                ask_all(userdata);
        return 0;
}

static int on_owner_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name = NULL, *before = NULL, *after = NULL;

        (void) error;
        if (sd_bus_message_read(m, "sss", &name, &before, &after) >= 0 && *after)
                ask_all(userdata);
        return 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        (void) m;
        (void) error;
        retry_later(userdata);
        return 0;
}

static void disconnect(Units *u) {
        for (UnitWatch *w = u->watches; w; w = w->next) {
                w->match = sd_bus_slot_unref(w->match);
                w->get = sd_bus_slot_unref(w->get);
        }
        if (u->bus) {
                tell_guests(u, BUS_LOST);
                (void) sd_bus_detach_event(u->bus);
        }
        /* Not flushed: that would wait. */
        u->bus = sd_bus_close_unref(u->bus);
        for (BusGuest *g = u->guests; g; g = g->next)
                g->bus = NULL;
}

static int connect_bus(Units *u) {
        int r = sd_bus_open_system(&u->bus);

        if (r >= 0)
                r = sd_bus_attach_event(u->bus, loop_event(u->loop), 0);
        if (r >= 0)
                r = sd_bus_match_signal(u->bus, NULL, "org.freedesktop.DBus.Local", NULL, "org.freedesktop.DBus.Local", "Disconnected",
                                        on_disconnected, u);
        if (r >= 0)
                r = sd_bus_match_signal_async(u->bus, NULL, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "Reloading", on_reloading, NULL, u);
        if (r >= 0)
                r = sd_bus_add_match_async(u->bus, NULL,
                                           "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
                                           "member='NameOwnerChanged',arg0='" SYSTEMD "'",
                                           on_owner_changed, NULL, u);
        return r;
}

/* The bus and systemd work off what we send in order: the match is in place before the question is answered, so that no change falls
 * between the two. */
static void reconnect(void *owner) {
        Units *u = owner;

        disconnect(u);
        if (connect_bus(u) < 0) {
                disconnect(u);
                retry_later(u);
                return;
        }
        subscribe(u);
        for (UnitWatch *w = u->watches; w; w = w->next)
                attach(u, w);
        tell_guests(u, BUS_NEW);
}

void units_guest_add(Units *u, BusGuest *g) {
        g->units = u;
        g->bus = u->bus;
        g->next = u->guests;
        u->guests = g;
        if (u->bus)
                g->happened(g, BUS_NEW);
}

void units_guest_remove(BusGuest *g) {
        for (BusGuest **at = g->units ? &g->units->guests : NULL; at && *at; at = &(*at)->next)
                if (*at == g) {
                        *at = g->next;
                        break;
                }
        g->units = NULL;
        g->bus = NULL;
}

void units_bus_works(Units *u) {
        u->retry_us = RETRY_FIRST_US;
}

Loop *units_loop(Units *u) {
        return u->loop;
}

/* --- all --- */

int units_new(Loop *l, Units **ret_units) {
        auto_free Units *u = calloc(1, sizeof(*u));
        int r;

        if (!u)
                return -ENOMEM;
        u->loop = l;
        u->retry_us = RETRY_FIRST_US;
        r = timer_start(l, 0, reconnect, u, &u->retry);
        if (r < 0)
                return r;
        *ret_units = handover(u);
        return 0;
}

Units *units_free(Units *u) {
        if (!u)
                return NULL;
        disconnect(u);
        for (UnitWatch *w = u->watches; w; w = w->next) {
                w->units = NULL;
                w->poll = timer_drop(w->poll);
                w->again = timer_drop(w->again);
        }
        while (u->guests) {
                BusGuest *g = u->guests;

                units_guest_remove(g);
                g->happened(g, BUS_GONE);
        }
        (void) timer_drop(u->retry);
        free(u);
        return NULL;
}

UnitWatch *unit_watch_drop(UnitWatch *w) {
        if (!w)
                return NULL;
        for (UnitWatch **at = w->units ? &w->units->watches : NULL; at && *at; at = &(*at)->next)
                if (*at == w) {
                        *at = w->next;
                        break;
                }
        (void) sd_bus_slot_unref(w->match);
        (void) sd_bus_slot_unref(w->get);
        (void) timer_drop(w->poll);
        (void) timer_drop(w->again);
        free(w->path);
        free(w);
        return NULL;
}

DEFINE_CLEANUP(UnitWatch, unit_watch_drop)

int units_watch(Units *u, const char *unit, uint64_t poll_us, UnitChanged changed, void *owner, UnitWatch **ret_watch) {
        auto_call(unit_watch_drop_cleanup) UnitWatch *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return -ENOMEM;
        *w = (UnitWatch){ .poll_us = poll_us, .changed = changed, .owner = owner };
        r = sd_bus_path_encode(SYSTEMD_UNITS_PATH, unit, &w->path);
        if (r >= 0)
                r = timer_start(u->loop, USEC_PER_SEC, ask, w, &w->again);
        if (r >= 0 && poll_us > 0)
                r = timer_start(u->loop, poll_us, on_poll, w, &w->poll);
        if (r < 0)
                return r;
        timer_stop(w->again);
        w->units = u;
        w->next = u->watches;
        u->watches = w;
        if (u->bus)
                attach(u, w);
        *ret_watch = handover(w);
        return 0;
}
