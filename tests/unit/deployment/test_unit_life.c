/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deployment/unit_life.h"

static UnitState at(const char *active, const char *invocation) {
        UnitState s = { 0 };
        (void) snprintf(s.active, sizeof s.active, "%s", active);
        (void) snprintf(s.invocation, sizeof s.invocation, "%s", invocation);
        return s;
}

#define ENDED_AT(l, active, invocation, us) unit_life_has_ended(&(l), &(UnitState[]){ at(active, invocation) }[0], us)
#define ENDED(l, active, invocation) ENDED_AT(l, active, invocation, 1)

static void a_life_that_is_seen(void **state) {
        (void) state;
        UnitLife l = { 0 };
        assert_false(ENDED(l, "inactive", ""));
        assert_false(ENDED(l, "activating", "1"));
        assert_false(ENDED(l, "active", "1"));
        assert_true(ENDED(l, "inactive", ""));
}

static void a_life_between_two_signals(void **state) {
        (void) state;
        UnitLife l = { 0 };
        assert_false(ENDED(l, "failed", "1"));
        assert_false(ENDED(l, "failed", "1"));
        assert_false(ENDED_AT(l, "failed", "2", 1000));
        assert_true(ENDED_AT(l, "failed", "2", 1000 + UNIT_LIFE_LASTS_US));
}

/* The new invocation comes a moment before the unit leaves the inactive state: that is a start, not an end. */
static void an_invocation_before_the_life(void **state) {
        (void) state;
        UnitLife l = { 0 };
        assert_false(ENDED_AT(l, "inactive", "", 1000));
        assert_false(ENDED_AT(l, "inactive", "1", 2000));
        assert_false(ENDED_AT(l, "inactive", "1", 2100));
        assert_false(ENDED_AT(l, "activating", "1", 3000));
        assert_false(ENDED_AT(l, "active", "1", 4000));
        assert_true(ENDED_AT(l, "inactive", "1", 5000));
}

static void not_started_yet(void **state) {
        (void) state;
        UnitLife l = { 0 };
        assert_false(ENDED(l, "inactive", ""));
        assert_false(ENDED(l, "inactive", ""));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_life_that_is_seen),
                cmocka_unit_test(a_life_between_two_signals),
                cmocka_unit_test(an_invocation_before_the_life),
                cmocka_unit_test(not_started_yet),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
