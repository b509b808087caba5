/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "sse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Every event as one line "type|id|data;". */
static int record(void *owner, const SseEvent *event) {
        Text *log = owner;

        assert_int_equal(strlen(event->data), event->length);
        text_printf(log, "%s|%s|%s;", event->type, event->id, event->data);
        return strcmp(event->type, "stop") == 0 ? 7 : 0;
}

/* Feeds the stream in pieces of step bytes; 0: at once. */
static int feed(const char *stream, size_t length, size_t step, char **ret_log) {
        Text log = { 0 };
        SseParser *p = NULL;
        int r = 0;

        assert_int_equal(sse_parser_new(record, &log, &p), 0);
        for (size_t at = 0; at < length && r == 0;) {
                size_t n = step == 0 || at + step > length ? length - at : step;

                r = sse_feed(p, stream + at, n);
                at += n;
        }
        assert_null(sse_parser_free(p));
        assert_int_equal(text_take(&log, ret_log, NULL), 0);
        return r;
}

static void check(const char *stream, const char *expected) {
        static const size_t steps[] = { 0, 1, 2, 3, 7 };

        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
                char *log = NULL;

                assert_int_equal(feed(stream, strlen(stream), steps[i], &log), 0);
                assert_string_equal(log, expected);
                free(log);
        }
}

static void test_events(void **state) {
        (void) state;
        check("data: a\n\n", "message||a;");
        check("event: step\nid: 3\ndata: {\"x\":1}\n\n", "step|3|{\"x\":1};");
        check("data: a\ndata: b\n\n", "message||a\nb;");
        check("data:a\n\ndata:  b\n\n", "message||a;message|| b;");
        check("data\n\n", "message||;");
        check("data:\ndata:\n\n", "message||\n;");
}

static void test_line_ends(void **state) {
        (void) state;
        check("data: a\r\n\r\n", "message||a;");
        check("data: a\r\rdata: b\r\r", "message||a;message||b;");
        check("data: a\r\n\ndata: b\n\r\n", "message||a;message||b;");
        check("data: a\r\ndata: b\r\n\r\n", "message||a\nb;");
}

static void test_what_is_no_event(void **state) {
        (void) state;
        check(": a comment\n\n:\n\n", "");
        check("event: step\n\ndata: a\n\n", "message||a;"); /* the type of an event without data is forgotten */
        check("unknown: x\ndata: a\n\n", "message||a;");
        check("data: cut", "");
        check("data: cut\n", "");
        check(" data: a\n\n", "");
        check("datax: a\n\n", "");
}

static void test_byte_order_mark(void **state) {
        (void) state;
        check("\xef\xbb\xbf"
              "data: a\n\n\xef\xbb\xbf"
              "data: b\n\n",
              "message||a;");
}

static void test_id_stays(void **state) {
        static const char nul[] = "id: 5\ndata: a\n\nid: 6\0\ndata: b\n\n";
        char *log = NULL;

        (void) state;
        check("id: 5\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", "message|5|a;message|5|b;message||c;");
        assert_int_equal(feed(nul, sizeof nul - 1, 0, &log), 0);
        assert_string_equal(log, "message|5|a;message|5|b;");
        free(log);
}

static void test_restart_and_retry(void **state) {
        Text log = { 0 };
        SseParser *p = NULL;
        static const char first[] = "retry: 250\nid: 9\ndata: a\n\nid: 10\ndata: half",
                          second[] = "data: b\n\nretry: 9x\n\nretry: 99999999\n\n";

        (void) state;
        assert_int_equal(sse_parser_new(record, &log, &p), 0);
        assert_int_equal(sse_retry_ms(p), -1);
        assert_string_equal(sse_last_id(p), "");
        assert_int_equal(sse_feed(p, first, strlen(first)), 0);
        assert_int_equal(sse_retry_ms(p), 250);
        sse_parser_restart(p);
        assert_int_equal(sse_feed(p, second, strlen(second)), 0);
        assert_int_equal(sse_retry_ms(p), 250);
        /* The half event is gone, and its id with it: to go on after it would lose it. */
        assert_string_equal(log.data, "message|9|a;message|9|b;");
        assert_string_equal(sse_last_id(p), "9");
        (void) sse_parser_free(p);
        text_cleanup(&log);
}

static void test_handler_ends_it(void **state) {
        char *log = NULL;
        static const char stream[] = "event: stop\ndata: a\n\ndata: b\n\n";

        (void) state;
        assert_int_equal(feed(stream, strlen(stream), 0, &log), 7);
        assert_string_equal(log, "stop||a;");
        free(log);
}

/* Neither one endless line nor endless lines of one event may fill the memory. */
static void test_bounds(void **state) {
        static const char line[] = "data: 0123456789012345678901234567890123456789012345678901234567890123456789\n";
        Text log = { 0 };
        SseParser *p = NULL;
        char *piece = malloc(65536);
        size_t fed = 0;
        int r = 0;

        (void) state;
        assert_non_null(piece);
        memset(piece, 'x', 65536);
        assert_int_equal(sse_parser_new(record, &log, &p), 0);
        for (; r == 0 && fed < 4 * SSE_MAX_BYTES; fed += 65536)
                r = sse_feed(p, piece, 65536);
        assert_int_equal(r, -EMSGSIZE);
        assert_int_equal(sse_feed(p, "\n", 1), -EMSGSIZE);
        sse_parser_restart(p);
        for (r = 0, fed = 0; r == 0 && fed < 4 * SSE_MAX_BYTES; fed += strlen(line))
                r = sse_feed(p, line, strlen(line));
        assert_int_equal(r, -EMSGSIZE);
        (void) sse_parser_free(p);
        text_cleanup(&log);
        free(piece);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_events),          cmocka_unit_test(test_line_ends), cmocka_unit_test(test_what_is_no_event),
                cmocka_unit_test(test_byte_order_mark), cmocka_unit_test(test_id_stays),  cmocka_unit_test(test_restart_and_retry),
                cmocka_unit_test(test_handler_ends_it), cmocka_unit_test(test_bounds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
