/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Turns what a child prints, in whatever pieces it arrives, into lines that are safe to store and to show: no control characters, of
 * terminal sequences none but those that set colour and weight (text_style()), valid UTF-8, at most OUTPUT_LINE_MAX bytes each, and no
 * value of the project's environment, however it is coloured. The result does not depend on how the input was cut. A carriage return starts
 * the line over, as it does on a terminal: of a progress bar its last state is kept. */
#pragma once

#include "secrets.h"

/* With the word in front, a line stays within 4096 bytes. */
#define OUTPUT_LINE_MAX 4080

typedef struct Output Output;
typedef void (*OutputLine)(void *owner, const char *line);

/* secrets are borrowed for as long as the Output lives. */
int output_new(const Secrets *secrets, OutputLine on_line, void *owner, Output **ret_output);
Output *output_free(Output *o); /* NULL-safe, returns NULL; says nothing more */
void output_free_cleanup(Output **o);

void output_feed(Output *o, const char *data, size_t length);
/* The child has ended: what was held back comes out, with an unfinished line. The Output is as new then. */
void output_finish(Output *o);
