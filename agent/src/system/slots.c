/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* As in units.c, values come from the signals themselves: first those of the service, then those of the unit, and with these the state is
 * complete. All units' signals come by; those of slots are told by their path.
 *
 * A record is kept for each slot's service that systemd has loaded, from its UnitNew to its UnitRemoved. The first signal after loading is
 * UnitNew in place of the two, so a busy systemd may tell of a unit that it is there and not that it runs: that one is asked for, but not
 * loaded by asking, as that would bring the next UnitNew.
 *
 * Questions are asked a few at a time: an answer has some 20 KB, and systemd has other things to do. */
#include "system/slots.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "system/slot_name.h"
#include "system/units_internal.h"

#define PATTERN "nanoscale-*@[ab].service"
#define PATH_START SYSTEMD_UNITS_PATH "/nanoscale_2d"
#define AGAIN_US USEC_PER_SEC

enum { ASKED_MAX = 8 };

typedef enum {
        WANT_NOTHING,
        WANT_IF_LOADED, /* the state, unless systemd has forgotten it again */
        WANT_STATE,
} Want;

typedef struct {
        SlotFollow *follow;
        uint64_t key;
        Want want;
        sd_bus_slot *asked;
        UnitState state, told;
        bool told_any, kind_known, listed;
} Slot;

struct SlotFollow {
        BusGuest guest; /* first: it is turned back into the follow */
        sd_bus_slot *properties, *unit_new, *unit_removed, *list;
        Timer *again;
        Slot **slots; /* ordered by key */
        size_t n, size, n_asked;
        bool reloading;
        bool list_failed, held; /* something is asked again when the timer fires */
        SlotChanged changed;
        void *owner;
};

/* --- the records --- */

static size_t place_of(const SlotFollow *f, uint64_t key) {
        size_t low = 0, high = f->n;

        while (low < high) {
                size_t middle = (low + high) / 2;

                if (f->slots[middle]->key < key)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static Slot *find(const SlotFollow *f, uint64_t key) {
        size_t at = place_of(f, key);

        return at < f->n && f->slots[at]->key == key ? f->slots[at] : NULL;
}

/* The one that is there, or a new one; NULL when there is no memory. */
static Slot *obtain(SlotFollow *f, uint64_t key) {
        size_t at = place_of(f, key);
        Slot *s;

        if (at < f->n && f->slots[at]->key == key)
                return f->slots[at];
        if (f->n == f->size) {
                size_t size = f->size ? 2 * f->size : 16;
                Slot **slots = reallocarray(f->slots, size, sizeof(Slot *));

                if (!slots)
                        return NULL;
                f->slots = slots;
                f->size = size;
        }
        s = calloc(1, sizeof(*s));
        if (!s)
                return NULL;
        *s = (Slot){ .follow = f, .key = key };
        memmove(f->slots + at + 1, f->slots + at, (f->n - at) * sizeof(*f->slots));
        f->slots[at] = s;
        f->n++;
        return s;
}

static void stop_asking(Slot *s) {
        if (s->asked)
                s->follow->n_asked--;
        s->asked = sd_bus_slot_unref(s->asked);
}

static void forget(Slot *s) {
        SlotFollow *f = s->follow;
        size_t at = place_of(f, s->key);

        stop_asking(s);
        memmove(f->slots + at, f->slots + at + 1, (f->n - at - 1) * sizeof(*f->slots));
        f->n--;
        free(s);
}

static bool is_over(const UnitState *state) {
        return *state->active == '\0' || strcmp(state->active, "inactive") == 0 || strcmp(state->active, "failed") == 0;
}

/* The owner may drop the follow in its callback: nothing of it is used afterwards. */
static void tell(Slot *s) {
        SlotFollow *f = s->follow;
        UnitState state = s->state;
        SlotName name;

        if (s->told_any && unit_state_equal(&s->told, &state))
                return;
        s->told = state;
        s->told_any = true;
        slot_name_from_key(s->key, &name);
        f->changed(f->owner, name.project, name.slot, &state);
}

/* --- questions --- */

static void pump(SlotFollow *f);

static void ask_later(SlotFollow *f) {
        f->held = true;
        (void) timer_rearm(f->again, AGAIN_US);
}

static int on_state(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Slot *s = userdata;
        SlotFollow *f = s->follow;
        UnitState state = { 0 };

        (void) error;
        stop_asking(s);
        if (sd_bus_message_is_method_error(m, NULL) || unit_state_read(m, &state) < 0) {
                /* systemd is being replaced, or too busy to answer. */
                s->want = WANT_STATE;
                ask_later(f);
                return 0;
        }
        units_bus_works(f->guest.units);
        s->state = state;
        pump(f);
        tell(s);
        return 0;
}

static int on_loaded(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Slot *s = userdata;
        SlotFollow *f = s->follow;

        (void) error;
        stop_asking(s);
        if (!sd_bus_message_is_method_error(m, NULL))
                s->want = WANT_STATE;
        else if (sd_bus_message_is_method_error(m, SYSTEMD ".NoSuchUnit"))
                /* UnitRemoved is on its way. */
                s->want = WANT_NOTHING;
        else {
                s->want = WANT_IF_LOADED;
                ask_later(f);
        }
        pump(f);
        return 0;
}

static int ask(Slot *s) {
        sd_bus *bus = s->follow->guest.bus;
        char unit[SLOT_UNIT_SIZE];
        auto_free char *path = NULL;
        SlotName name;
        int r;

        slot_name_from_key(s->key, &name);
        slot_name_to_unit(&name, unit);
        if (s->want == WANT_IF_LOADED)
                return sd_bus_call_method_async(bus, &s->asked, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "GetUnit", on_loaded, s, "s", unit);
        r = sd_bus_path_encode(SYSTEMD_UNITS_PATH, unit, &path);
        /* The properties of all interfaces, in one answer and so of one moment. */
        return r < 0 ? r : sd_bus_call_method_async(bus, &s->asked, SYSTEMD, path, DBUS_PROPERTIES, "GetAll", on_state, s, "s", "");
}

/* Tells nobody. */
static void pump(SlotFollow *f) {
        for (size_t i = 0; f->guest.bus && !f->held && f->n_asked < ASKED_MAX && i < f->n; i++) {
                Slot *s = f->slots[i];

                if (s->want == WANT_NOTHING || s->asked)
                        continue;
                if (ask(s) < 0) {
                        ask_later(f);
                        return;
                }
                s->want = WANT_NOTHING;
                f->n_asked++;
        }
}

/* --- which are there --- */

static void take_listed(SlotFollow *f, const char *unit, const char *active) {
        SlotName name;
        Slot *s = slot_name_from_unit(unit, strlen(unit), &name) ? obtain(f, slot_key(&name)) : NULL;

        if (!s)
                return;
        s->listed = true;
        /* One that did nothing and does nothing is as it was told. */
        if (!s->told_any || strcmp(s->told.active, "inactive") != 0 || strcmp(active, "inactive") != 0)
                s->want = WANT_STATE;
}

static int read_list(SlotFollow *f, sd_bus_message *m) {
        const char *unit = NULL, *active = NULL;
        int r = sd_bus_message_enter_container(m, 'a', "(ssssssouso)");

        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'r', "ssssssouso")) > 0) {
                r = sd_bus_message_read(m, "ssss", &unit, NULL, NULL, &active);
                if (r >= 0)
                        r = sd_bus_message_skip(m, "ssouso");
                if (r >= 0) {
                        take_listed(f, unit, active);
                        r = sd_bus_message_exit_container(m);
                }
        }
        return r;
}

static void list(SlotFollow *f);

static int on_list(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        SlotFollow *f = userdata;

        (void) error;
        f->list = sd_bus_slot_unref(f->list);
        for (size_t i = 0; i < f->n; i++)
                f->slots[i]->listed = false;
        if (sd_bus_message_is_method_error(m, NULL) || read_list(f, m) < 0) {
                f->list_failed = true;
                (void) timer_rearm(f->again, AGAIN_US);
                return 0;
        }
        units_bus_works(f->guest.units);
        for (size_t i = f->n; i > 0; i--) {
                Slot *s = f->slots[i - 1];

                if (s->listed)
                        continue;
                /* Ended and was forgotten while nobody looked: asking tells that it is inactive. */
                if (!is_over(&s->told))
                        s->want = WANT_STATE;
                else
                        forget(s);
        }
        pump(f);
        return 0;
}

static void list(SlotFollow *f) {
        f->list_failed = false;
        f->list = sd_bus_slot_unref(f->list);
        if (sd_bus_call_method_async(f->guest.bus, &f->list, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "ListUnitsByPatterns", on_list, f,
                                     "asas", 0, 1, PATTERN) >= 0)
                return;
        f->list_failed = true;
        (void) timer_rearm(f->again, AGAIN_US);
}

static void on_again(void *owner) {
        SlotFollow *f = owner;

        f->held = false;
        if (f->list_failed && f->guest.bus)
                list(f);
        pump(f);
}

/* --- signals --- */

static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        SlotFollow *f = userdata;
        const char *path = sd_bus_message_get_path(m), *interface = NULL;
        auto_free char *unit = NULL;
        SlotName name;
        Slot *s;

        (void) error;
        if (!path || !text_starts(path, PATH_START) || sd_bus_path_decode(path, SYSTEMD_UNITS_PATH, &unit) <= 0 ||
            !slot_name_from_unit(unit, strlen(unit), &name))
                return 0;
        s = obtain(f, slot_key(&name));
        if (!s || sd_bus_message_read(m, "s", &interface) < 0 || unit_state_read(m, &s->state) < 0)
                return 0;
        /* Each signal has all the fields of its interface, so that the pair is complete even without an answer before. */
        if (strcmp(interface, SYSTEMD_UNIT) != 0)
                s->kind_known = true;
        else if (s->told_any || s->kind_known)
                tell(s);
        return 0;
}

/* UnitNew or UnitRemoved: the slot's key, 0 for a unit that is none. */
static uint64_t key_of(sd_bus_message *m) {
        const char *unit = NULL;
        SlotName name;

        if (sd_bus_message_read(m, "so", &unit, NULL) < 0 || !slot_name_from_unit(unit, strlen(unit), &name))
                return 0;
        return slot_key(&name);
}

static int on_unit_new(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        SlotFollow *f = userdata;
        uint64_t key = key_of(m);
        Slot *s;

        (void) error;
        if (key == 0 || f->reloading || find(f, key))
                return 0;
        s = obtain(f, key);
        if (s)
                s->want = WANT_IF_LOADED;
        pump(f);
        return 0;
}

static int on_unit_removed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        SlotFollow *f = userdata;
        uint64_t key = key_of(m);
        Slot *s = key == 0 || f->reloading ? NULL : find(f, key);
        UnitState told;
        SlotName name;

        (void) error;
        if (!s)
                return 0;
        told = s->told;
        forget(s);
        pump(f);
        if (is_over(&told))
                return 0;
        /* What came before must have told so already; but this is the last word on it. */
        (void) strcpy(told.active, "inactive");
        told.main_pid = 0;
        slot_name_from_key(key, &name);
        f->changed(f->owner, name.project, name.slot, &told);
        return 0;
}

static int add_matches(SlotFollow *f) {
        sd_bus *bus = f->guest.bus;
        int r = sd_bus_add_match_async(bus, &f->properties,
                                       "type='signal',sender='" SYSTEMD "',path_namespace='" SYSTEMD_UNITS_PATH
                                       "',interface='" DBUS_PROPERTIES "',member='PropertiesChanged'",
                                       on_properties, NULL, f);

        if (r >= 0)
                r = sd_bus_match_signal_async(bus, &f->unit_new, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "UnitNew", on_unit_new, NULL, f);
        if (r >= 0)
                r = sd_bus_match_signal_async(bus, &f->unit_removed, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "UnitRemoved", on_unit_removed,
                                              NULL, f);
        return r;
}

/* What was told stays known: it may have ended while the bus was away. */
static void let_go(SlotFollow *f) {
        f->properties = sd_bus_slot_unref(f->properties);
        f->unit_new = sd_bus_slot_unref(f->unit_new);
        f->unit_removed = sd_bus_slot_unref(f->unit_removed);
        f->list = sd_bus_slot_unref(f->list);
        for (size_t i = 0; i < f->n; i++) {
                Slot *s = f->slots[i];

                stop_asking(s);
                s->want = WANT_NOTHING;
                s->told_any = s->kind_known = false;
        }
        f->reloading = f->list_failed = f->held = false;
}

static void happened(BusGuest *g, BusEvent what) {
        SlotFollow *f = (SlotFollow *) g;

        switch (what) {
        case BUS_NEW:
                /* The matches are in place before the list is answered, so that no change falls between the two. */
                (void) add_matches(f);
                list(f);
                break;
        case BUS_LOST:
                let_go(f);
                break;
        case BUS_RELOADING:
                f->reloading = true;
                break;
        case BUS_STALE:
                f->reloading = false;
                list(f);
                break;
        case BUS_GONE:
                f->again = timer_drop(f->again);
                break;
        }
}

/* --- all --- */

SlotFollow *slot_follow_drop(SlotFollow *f) {
        if (!f)
                return NULL;
        units_guest_remove(&f->guest);
        let_go(f);
        for (size_t i = 0; i < f->n; i++)
                free(f->slots[i]);
        free(f->slots);
        (void) timer_drop(f->again);
        free(f);
        return NULL;
}

int units_follow_slots(Units *u, SlotChanged changed, void *owner, SlotFollow **ret_follow) {
        auto_free SlotFollow *f = calloc(1, sizeof(*f));
        int r;

        if (!f)
                return -ENOMEM;
        *f = (SlotFollow){ .guest = { .happened = happened }, .changed = changed, .owner = owner };
        r = timer_start(units_loop(u), AGAIN_US, on_again, f, &f->again);
        if (r < 0)
                return r;
        timer_stop(f->again);
        units_guest_add(u, &f->guest);
        *ret_follow = handover(f);
        return 0;
}
