/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "view.h"

#include "base/cleanup.h"
#include "cli.h"
#include "human.h"
#include "out.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define STEPS_MAX 16
#define NAME_MAX_BYTES 32
#define LINES_KEPT 20
#define FRAME_MS 90

typedef enum {
        WAITING,
        RUNNING,
        OK,
        FAILED_STEP,
        SKIPPED,
        N_RESULTS,
} Result;

/* The words of the API, and what stands in front of the step on a terminal. */
static const struct {
        const char *name, *mark, *ascii;
        Style style;
} results[N_RESULTS] = {
        [WAITING] = { "waiting", "\xc2\xb7", ".", STYLE_DIM }, [RUNNING] = { "running", NULL, NULL, STYLE_YELLOW },
        [OK] = { "ok", "\xe2\x9c\x93", "+", STYLE_GREEN },     [FAILED_STEP] = { "failed", "\xe2\x9c\x97", "x", STYLE_RED },
        [SKIPPED] = { "skipped", "-", "-", STYLE_DIM },
};

static const char *const spinner[] = { "\xe2\xa0\x8b", "\xe2\xa0\x99", "\xe2\xa0\xb9", "\xe2\xa0\xb8", "\xe2\xa0\xbc",
                                       "\xe2\xa0\xb4", "\xe2\xa0\xa6", "\xe2\xa0\xa7", "\xe2\xa0\x87", "\xe2\xa0\x8f" };
static const char *const spinner_ascii[] = { "|", "/", "-", "\\" };

typedef struct {
        char name[NAME_MAX_BYTES];
        Result result;
        int64_t since_ms; /* monotonic, when it was first seen running */
        int64_t duration_ms;
} Step;

struct View {
        bool verbose, live, titled;
        Step steps[STEPS_MAX];
        size_t n_steps;
        char *last_line, *note;  /* owned; may be NULL */
        char *lines[LINES_KEPT]; /* owned, a ring */
        size_t n_lines;          /* seen in all */
        size_t drawn;            /* lines of the list on the terminal */
        unsigned frame;
        int64_t drawn_at_ms;
};

const DeploymentWords *deployment_words(const json_t *deployment) {
        static const DeploymentWords words[] = {
                { "deploy", "Deployment", "Deploying", "", true },
                { "rollback", "Rollback", "Rolling", " back", false },
                { "restart", "Restart", "Restarting", "", false },
        };

        for (size_t i = 0; i < ELEMENTS(words); i++)
                if (strcmp(words[i].kind, member_text(deployment, "kind")) == 0)
                        return &words[i];
        return &words[0];
}

static int64_t now_ms(void) {
        struct timespec now = { 0 };

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static Step *step_named(View *v, const char *name) {
        Step *step;

        for (size_t i = 0; i < v->n_steps; i++)
                if (strcmp(v->steps[i].name, name) == 0)
                        return &v->steps[i];
        if (v->n_steps == STEPS_MAX || !*name || strlen(name) >= NAME_MAX_BYTES)
                return NULL;
        step = &v->steps[v->n_steps++];
        *step = (Step){ .result = WAITING };
        memcpy(step->name, name, strlen(name) + 1);
        return step;
}

int view_new(bool verbose, View **ret_view) {
        View *v = calloc(1, sizeof *v);

        if (!v)
                return -ENOMEM;
        v->verbose = verbose;
        v->live = out_is_live();
        if (v->live)
                out_cursor_show(false);
        *ret_view = v;
        return 0;
}

View *view_free(View *v) {
        if (!v)
                return NULL;
        view_end(v);
        for (size_t i = 0; i < LINES_KEPT; i++)
                free(v->lines[i]);
        free(v->last_line);
        free(v->note);
        free(v);
        return NULL;
}

void view_free_cleanup(View **v) {
        (void) view_free(*v);
}

static void draw_step(const View *v, const Step *step, size_t columns) {
        char duration[32] = "";
        const char *mark = out_is_utf8() ? results[step->result].mark : results[step->result].ascii;

        if (step->result == RUNNING) {
                mark = out_is_utf8() ? spinner[v->frame % ELEMENTS(spinner)] : spinner_ascii[v->frame % ELEMENTS(spinner_ascii)];
                format_duration(now_ms() - step->since_ms, true, duration, sizeof duration);
        } else if (step->result == SKIPPED)
                (void) strcpy(duration, "skipped");
        else if (step->result != WAITING)
                format_duration(step->duration_ms, true, duration, sizeof duration);
        out_style(stdout, results[step->result].style);
        say(stdout, "  %s ", mark);
        if (step->result != WAITING)
                out_style(stdout, STYLE_PLAIN);
        say_cut(stdout, columns - 5, "%-9s %8s", step->name, duration);
        out_style(stdout, STYLE_PLAIN);
        say(stdout, "\n");
}

/* Takes the list off the terminal; what is printed next begins where it began. */
static void erase(View *v) {
        if (!v->live)
                return;
        out_cursor_up(v->drawn);
        out_clear_below();
        v->drawn = 0;
}

static void draw(View *v) {
        size_t columns = out_columns();

        if (!v->live || !v->titled)
                return;
        erase(v);
        for (size_t i = 0; i < v->n_steps; i++) {
                bool is_running = v->steps[i].result == RUNNING;

                draw_step(v, &v->steps[i], columns);
                v->drawn++;
                if (!is_running || !v->last_line || v->verbose)
                        continue;
                out_style(stdout, STYLE_DIM);
                say_cut(stdout, columns - 7, "      %s\n", v->last_line);
                out_style(stdout, STYLE_PLAIN);
                v->drawn++;
        }
        if (v->note) {
                out_style(stdout, STYLE_YELLOW);
                say_cut(stdout, columns - 1, "  %s\n", v->note);
                out_style(stdout, STYLE_PLAIN);
                v->drawn++;
        }
        (void) fflush(stdout);
}

void view_note(View *v, const char *note) {
        free(v->note);
        v->note = note ? strdup(note) : NULL;
        if (!v->live && note) {
                complain("%s", note);
                return;
        }
        draw(v);
}

static void clear_note(View *v) {
        free(v->note);
        v->note = NULL;
}

/* Without a terminal a step is one line, when it has ended. */
static void print_step(const Step *step) {
        char duration[32];

        format_duration(step->duration_ms, false, duration, sizeof duration);
        if (step->result == SKIPPED)
                say(stdout, "%s skipped\n", step->name);
        else
                say(stdout, "%s %s %s\n", step->name, results[step->result].name, duration);
        (void) fflush(stdout);
}

static void take_step(View *v, const json_t *json) {
        Step *step = step_named(v, member_text(json, "name"));
        const char *word = member_text(json, "result");
        Result before, result = N_RESULTS;

        for (unsigned i = 0; i < N_RESULTS; i++)
                if (strcmp(results[i].name, word) == 0)
                        result = (Result) i;
        if (!step || result == N_RESULTS)
                return;
        before = step->result;
        step->result = result;
        step->duration_ms = member_number(json, "duration_ms", 0);
        if (before == result)
                return;
        if (result == RUNNING) {
                step->since_ms = now_ms();
                free(v->last_line);
                v->last_line = NULL;
        } else if (!v->live && result != WAITING)
                print_step(step);
}

void view_step(View *v, const json_t *step) {
        clear_note(v);
        take_step(v, step);
        draw(v);
}

/* "Restarting shop (deployment 5, release 2)", and the steps that are to come. */
static void begin(View *v, const json_t *deployment) {
        static const char *const steps[] = { "fetch", "install", "build", "release", "start", "check" };
        const DeploymentWords *words = deployment_words(deployment);

        v->titled = true;
        for (size_t i = words->builds ? 0 : 4; i < ELEMENTS(steps); i++)
                (void) step_named(v, steps[i]);
        out_style(stdout, STYLE_BOLD);
        say(stdout, "%s %s%s", words->doing, member_text(deployment, "project"), words->back);
        out_style(stdout, STYLE_PLAIN);
        say(stdout, " (deployment %" JSON_INTEGER_FORMAT ", ", member_number(deployment, "number", 0));
        if (words->builds)
                say(stdout, "branch %s)\n", member_text(deployment, "branch"));
        else
                say(stdout, "release %" JSON_INTEGER_FORMAT ")\n", member_number(deployment, "release", 0));
}

void view_deployment(View *v, const json_t *deployment) {
        const json_t *step;
        size_t i;

        clear_note(v);
        if (!v->titled) {
                erase(v);
                begin(v, deployment);
        }
        json_array_foreach(json_object_get(deployment, "steps"), i, step) take_step(v, step);
        draw(v);
        (void) fflush(stdout);
}

void view_log(View *v, const json_t *log) {
        const char *line = member_text(log, "line");
        char **kept = &v->lines[v->n_lines++ % LINES_KEPT];

        clear_note(v);
        free(*kept);
        *kept = strdup(line);
        free(v->last_line);
        v->last_line = strdup(line);
        if (!v->verbose)
                return; /* drawn with the next tick: a build prints faster than anyone reads */
        erase(v);
        say(stdout, "  ");
        out_style(stdout, STYLE_DIM);
        say_printed(line);
        out_style(stdout, STYLE_PLAIN);
        draw(v);
}

void view_tick(View *v) {
        int64_t now = now_ms();

        if (now - v->drawn_at_ms < FRAME_MS)
                return;
        v->drawn_at_ms = now;
        v->frame++;
        draw(v);
}

void view_end(View *v) {
        if (!v->live)
                return;
        free(v->last_line);
        v->last_line = NULL;
        clear_note(v);
        draw(v);
        out_cursor_show(true);
        (void) fflush(stdout);
        v->live = false;
}

static void print_last_line(const char *line) {
        out_style(stdout, STYLE_DIM);
        say(stdout, "    %s\n", line);
        out_style(stdout, STYLE_PLAIN);
}

void view_last_lines(View *v, const json_t *deployment) {
        const json_t *lines = json_object_get(json_object_get(deployment, "failure"), "last_lines"), *line;
        size_t i, first = v->n_lines > LINES_KEPT ? v->n_lines - LINES_KEPT : 0;

        if (v->verbose)
                return;
        if (json_array_size(lines) > 0)
                json_array_foreach(lines, i, line) print_last_line(json_string_value(line) ? json_string_value(line) : "");
        else
                for (i = first; i < v->n_lines; i++)
                        if (v->lines[i % LINES_KEPT])
                                print_last_line(v->lines[i % LINES_KEPT]);
        (void) fflush(stdout);
}
