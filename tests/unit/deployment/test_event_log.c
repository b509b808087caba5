/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deployment/event_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
        Loop *loop;
        char directory[64], path[128];
        EventLogs *logs;
        /* what a reader saw */
        char seen[4096];
        bool ended;
        bool slow;
        EventReader *reader;
} Case;

static int setup(void **state) {
        Case *c = calloc(1, sizeof *c);
        (void) strcpy(c->directory, "/tmp/ns-test-log-XXXXXX");
        if (!mkdtemp(c->directory) || loop_new(&c->loop) < 0 || event_logs_new(c->loop, c->directory, &c->logs) < 0)
                return -1;
        (void) snprintf(c->path, sizeof c->path, "%s/dddddddddddd.log", c->directory);
        *state = c;
        return 0;
}

static int teardown(void **state) {
        Case *c = *state;
        event_reader_drop(c->reader);
        (void) event_log_delete(c->logs, "dddddddddddd");
        event_logs_free(c->logs);
        loop_free(c->loop);
        (void) rmdir(c->directory);
        free(c);
        return 0;
}

static bool ready(void *owner) {
        Case *c = owner;
        bool now = !c->slow;
        c->slow = !c->slow && c->seen[0] == '\0' ? c->slow : false;
        return now;
}

static void event(void *owner, uint64_t sequence, const char *type, const char *json) {
        Case *c = owner;
        size_t n = strlen(c->seen);
        (void) snprintf(c->seen + n, sizeof c->seen - n, "%" PRIu64 ":%s:%.60s ", sequence, type, json);
}

static void ended(void *owner) {
        Case *c = owner;
        c->ended = true;
        c->reader = event_reader_drop(c->reader);
        loop_exit(c->loop, 7);
}

static const EventReaderOps ops = { .ready = ready, .event = event, .ended = ended };

static void give_up(void *owner) {
        loop_exit(owner, 9);
}

static int run(Case *c) {
        Timer *limit = NULL;
        int r;
        assert_int_equal(timer_start(c->loop, 5 * USEC_PER_SEC, give_up, c->loop, &limit), 0);
        r = loop_run(c->loop);
        timer_drop(limit);
        return r;
}

static void goes_on_where_it_was(void **state) {
        Case *c = *state;
        EventLog *log = NULL;

        assert_int_equal(event_log_open(c->logs, "dddddddddddd", &log), 0);
        assert_int_equal(event_log_append(log, "step", "{\"a\":1}"), 0);
        assert_int_equal(event_log_append(log, "log", "{\"b\":2}"), 0);
        event_log_close(log);
        assert_int_equal(event_log_open(c->logs, "dddddddddddd", &log), 0);
        assert_int_equal(event_log_append(log, "end", "{}"), 0);
        event_log_close(log);
        c->slow = true;
        assert_int_equal(event_reader_new(c->logs, "dddddddddddd", 1, &ops, c, &c->reader), 0);
        assert_int_equal(run(c), 7);
        assert_string_equal(c->seen, "2:log:{\"b\":2} 3:end:{} ");
}

static void write_more(void *owner) {
        EventLog *log = owner;
        assert_int_equal(event_log_append(log, "log", "{\"later\":1}"), 0);
        assert_int_equal(event_log_append(log, "end", "{}"), 0);
}

static void waits_for_more(void **state) {
        Case *c = *state;
        EventLog *log = NULL;
        Timer *later = NULL;

        assert_int_equal(event_log_open(c->logs, "dddddddddddd", &log), 0);
        assert_int_equal(event_log_append(log, "log", "{}"), 0);
        assert_int_equal(event_reader_new(c->logs, "dddddddddddd", 0, &ops, c, &c->reader), 0);
        assert_int_equal(timer_start(c->loop, 50 * USEC_PER_MSEC, write_more, log, &later), 0);
        assert_int_equal(run(c), 7);
        assert_string_equal(c->seen, "1:log:{} 2:log:{\"later\":1} 3:end:{} ");
        timer_drop(later);
        event_log_close(log);
}

/* A crash in the middle of a line leaves half of it: the next writer takes it away, and its number is used again. */
static void cuts_off_half_a_line(void **state) {
        Case *c = *state;
        EventLog *log = NULL;
        int fd = open(c->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        static const char text[] = "1\tlog\t{}\n2\tlog\t{\"ha";

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t) strlen(text));
        (void) close(fd);
        assert_int_equal(event_log_open(c->logs, "dddddddddddd", &log), 0);
        assert_int_equal(event_log_append(log, "end", "{}"), 0);
        event_log_close(log);
        assert_int_equal(event_reader_new(c->logs, "dddddddddddd", 0, &ops, c, &c->reader), 0);
        assert_int_equal(run(c), 7);
        assert_string_equal(c->seen, "1:log:{} 2:end:{} ");
}

static void ends_at_once_without_a_log(void **state) {
        Case *c = *state;
        assert_int_equal(event_reader_new(c->logs, "dddddddddddd", 0, &ops, c, &c->reader), 0);
        assert_int_equal(run(c), 7);
        assert_true(c->ended);
        assert_string_equal(c->seen, "");
}

/* Log lines stop at the limit, with one that says so; what happened to the deployment is written all the same. */
static void has_a_limit(void **state) {
        Case *c = *state;
        EventLog *log = NULL;
        struct stat st;
        char *line = malloc(60001);

        assert_int_equal(event_log_open(c->logs, "dddddddddddd", &log), 0);
        memset(line, 'x', 60000);
        line[60000] = '\0';
        for (int i = 0; i < EVENT_LOG_MAX / 60000 + 20; i++)
                assert_int_equal(event_log_append(log, "log", line), 0);
        assert_int_equal(event_log_append(log, "end", "{}"), 0);
        event_log_close(log);
        assert_int_equal(stat(c->path, &st), 0);
        assert_true(st.st_size < EVENT_LOG_MAX + 2 * 60000);
        assert_int_equal(event_reader_new(c->logs, "dddddddddddd", EVENT_LOG_MAX / 60000, &ops, c, &c->reader), 0);
        assert_int_equal(run(c), 7);
        assert_non_null(strstr(c->seen, "The log ends here"));
        assert_non_null(strstr(c->seen, ":end:{}"));
        free(line);
}

static void count_line(void *owner, const char *type, const char *json) {
        (void) json;
        assert_string_equal(type, "log");
        ++*(unsigned *) owner;
}

/* The end of a long log is read without the rest, and never begins with half a line. */
static void reads_the_end_alone(void **state) {
        Case *c = *state;
        EventLog *log = NULL;
        unsigned n = 0;

        assert_int_equal(event_log_open(c->logs, "dddddddddddd", &log), 0);
        for (int i = 0; i < 1000; i++)
                assert_int_equal(event_log_append(log, "log", "{\"line\":\"0123456789\"}"), 0);
        event_log_close(log);
        assert_int_equal(event_log_read(c->logs, "dddddddddddd", 0, count_line, &n), 0);
        assert_int_equal(n, 1000);
        n = 0;
        assert_int_equal(event_log_read(c->logs, "dddddddddddd", 310, count_line, &n), 0);
        assert_in_range(n, 8, 10);
        n = 0;
        assert_int_equal(event_log_read(c->logs, "dddddddddddd", 1000000, count_line, &n), 0);
        assert_int_equal(n, 1000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(goes_on_where_it_was, setup, teardown),
                cmocka_unit_test_setup_teardown(waits_for_more, setup, teardown),
                cmocka_unit_test_setup_teardown(cuts_off_half_a_line, setup, teardown),
                cmocka_unit_test_setup_teardown(ends_at_once_without_a_log, setup, teardown),
                cmocka_unit_test_setup_teardown(has_a_limit, setup, teardown),
                cmocka_unit_test_setup_teardown(reads_the_end_alone, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
