/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* For tests, and for slots.c, which lives on the same connection. */
#pragma once

#include <systemd/sd-bus.h>

#include "system/units.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_UNITS_PATH "/org/freedesktop/systemd1/unit"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER SYSTEMD ".Manager"
#define SYSTEMD_UNIT SYSTEMD ".Unit"
#define DBUS_PROPERTIES "org.freedesktop.DBus.Properties"

/* Takes the fields that UnitState has from properties (a{sv}) at m's position, and skips the others. */
int unit_state_read(sd_bus_message *m, UnitState *state);
bool unit_state_equal(const UnitState *a, const UnitState *b);

typedef enum {
        BUS_NEW,       /* a connection, and we are subscribed: time for matches and questions */
        BUS_LOST,      /* no slot of it is of use any more */
        BUS_RELOADING, /* systemd takes all its units apart and puts them together again: no unit has come or gone */
        BUS_STALE,     /* changes may have been told to nobody */
        BUS_GONE,      /* the Units are being freed, and perhaps the loop soon */
} BusEvent;

/* Embedded in its owner; at most in one Units at a time. */
typedef struct BusGuest BusGuest;
struct BusGuest {
        Units *units; /* NULL when they have gone */
        sd_bus *bus;  /* NULL while there is no connection */
        BusGuest *next;
        void (*happened)(BusGuest *g, BusEvent what);
};

/* The guest hears of what happens from here on, of BUS_NEW at once where there is a connection. */
void units_guest_add(Units *u, BusGuest *g);
void units_guest_remove(BusGuest *g);
/* systemd has answered: the next time that the bus is lost it is looked for at once. */
void units_bus_works(Units *u);
Loop *units_loop(Units *u);
