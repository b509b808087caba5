/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Reading of properties, from messages made by sd-bus itself. What systemd really sends is tests/system/test_units_journal.py. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "system/units_internal.h"

static int set_up(void **state) {
        sd_bus *bus = NULL;
        int ends[2];

        /* Only to make messages with: nobody is at the other end. */
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0 || sd_bus_new(&bus) < 0 ||
            sd_bus_set_fd(bus, ends[0], ends[0]) < 0 || sd_bus_start(bus) < 0)
                return -1;
        (void) close(ends[1]);
        *state = bus;
        return 0;
}

static int tear_down(void **state) {
        (void) sd_bus_close_unref(*state);
        return 0;
}

static sd_bus_message *message(sd_bus *bus, const char *types, ...) {
        sd_bus_message *m = NULL;
        va_list values;

        assert_true(sd_bus_message_new_signal(bus, &m, "/a", "a.b", "C") >= 0);
        va_start(values, types);
        assert_true(sd_bus_message_appendv(m, types, values) >= 0);
        va_end(values);
        assert_true(sd_bus_message_seal(m, 1, 0) >= 0);
        return m;
}

static void all_fields_among_others(void **state) {
        UnitState s = { 0 };
        sd_bus_message *m = message(*state, "a{sv}", 9, "Names", "as", 2, "x", "y", "ActiveState", "s", "deactivating", "Conditions",
                                    "a(sbbsi)", 0, "Result", "s", "exit-code", "InvocationID", "ay", 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
                                    0xab, 0xcd, 0xef, 0xfe, 0xff, "ExecMainCode", "i", 1, "ExecMainStatus", "i", 7, "MainPID", "u", 4242u,
                                    "MemoryMax", "t", UINT64_MAX);

        assert_true(unit_state_read(m, &s) >= 0);
        sd_bus_message_unref(m);
        assert_string_equal(s.active, "deactivating");
        assert_string_equal(s.result, "exit-code");
        assert_string_equal(s.invocation, "000102030405060708090aabcdeffeff");
        assert_int_equal(s.exec_code, 1);
        assert_int_equal(s.exec_status, 7);
        assert_int_equal(s.main_pid, 4242);
}

static void what_is_not_there_stays(void **state) {
        UnitState s = { .active = "active", .result = "success", .invocation = "ab", .exec_code = 2, .exec_status = 9, .main_pid = 1 };
        sd_bus_message *m = message(*state, "a{sv}", 1, "ActiveState", "s", "failed");

        assert_true(unit_state_read(m, &s) >= 0);
        sd_bus_message_unref(m);
        assert_string_equal(s.active, "failed");
        assert_string_equal(s.result, "success");
        assert_string_equal(s.invocation, "ab");
        assert_int_equal(s.exec_code, 2);
        assert_int_equal(s.exec_status, 9);
        assert_int_equal(s.main_pid, 1);
        m = message(*state, "a{sv}", 0);
        assert_true(unit_state_read(m, &s) >= 0);
        sd_bus_message_unref(m);
        assert_string_equal(s.active, "failed");
}

static void forgotten_invocation(void **state) {
        UnitState s = { .invocation = "ab" };
        sd_bus_message *m = message(*state, "a{sv}", 1, "InvocationID", "ay", 0);

        assert_true(unit_state_read(m, &s) >= 0);
        sd_bus_message_unref(m);
        assert_string_equal(s.invocation, "");
}

/* Longer than any systemd has: cut off, not written over its neighbour. */
static void long_values(void **state) {
        UnitState s = { .exec_code = 1 };
        sd_bus_message *m = message(*state, "a{sv}", 3, "ActiveState", "s", "a-state-that-does-not-exist-yet", "Result", "s",
                                    "a-result-that-nobody-has-thought-of", "InvocationID", "ay", 18, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                    1, 1, 1, 2, 2);

        assert_true(unit_state_read(m, &s) >= 0);
        sd_bus_message_unref(m);
        assert_string_equal(s.active, "a-state-that-do");
        assert_string_equal(s.result, "a-result-that-nobody-ha");
        assert_string_equal(s.invocation, "01010101010101010101010101010101");
        assert_int_equal(s.exec_code, 1);
}

static void wrong_types(void **state) {
        UnitState s = { 0 };
        sd_bus_message *m = message(*state, "a{sv}", 1, "ActiveState", "u", 1u);

        assert_true(unit_state_read(m, &s) < 0);
        sd_bus_message_unref(m);
        m = message(*state, "a{sv}", 1, "InvocationID", "s", "x");
        assert_true(unit_state_read(m, &s) < 0);
        sd_bus_message_unref(m);
        m = message(*state, "s", "no properties");
        assert_true(unit_state_read(m, &s) < 0);
        sd_bus_message_unref(m);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(all_fields_among_others),
                cmocka_unit_test(what_is_not_there_stays),
                cmocka_unit_test(forgotten_invocation),
                cmocka_unit_test(long_values),
                cmocka_unit_test(wrong_types),
        };

        return cmocka_run_group_tests_name("units", tests, set_up, tear_down);
}
