/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ask.h"

#include "draft.h"
#include "out.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static void on_interrupt(int number) {
        (void) number; /* it is enough that ppoll() returns */
}

/* One line of the terminal, without its newline. NULL and errno: EINTR after Ctrl-C. mask is in force while it waits. */
static char *read_line(const sigset_t *mask) {
        struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
        char *line = NULL;
        size_t size = 0;
        ssize_t n;

        if (ppoll(&input, 1, NULL, mask) < 0)
                return NULL;
        errno = ENODATA; /* what the end of the input is reported as */
        n = getline(&line, &size, stdin);
        if (n < 0) {
                free(line);
                return NULL;
        }
        if (n > 0 && line[n - 1] == '\n')
                line[n - 1] = '\0';
        return line;
}

/* Ctrl-C ends the question, not the process, since the terminal must get its echo back;
 * the signal is blocked except while waiting, so that it is not lost between the question and the wait. */
char *ask_hidden(const char *question) {
        struct sigaction action = { .sa_handler = on_interrupt }, before;
        struct termios shown, hidden;
        sigset_t interrupt, mask;
        char *line = NULL;
        int error;

        if (tcgetattr(STDIN_FILENO, &shown) < 0)
                return NULL;
        hidden = shown;
        hidden.c_lflag &= ~(tcflag_t) ECHO;
        (void) sigemptyset(&interrupt);
        (void) sigaddset(&interrupt, SIGINT);
        (void) sigprocmask(SIG_BLOCK, &interrupt, &mask);
        (void) sigaction(SIGINT, &action, &before);
        if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0) {
                say(stderr, "%s", question);
                line = read_line(&mask);
                error = errno;
                (void) tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
                say(stderr, "\n");
        } else
                error = errno;
        (void) sigaction(SIGINT, &before, NULL);
        (void) sigprocmask(SIG_SETMASK, &mask, NULL);
        errno = error;
        return line;
}

char *ask_or_read(const char *question) {
        size_t length = 0;
        char *text;

        if (isatty(STDIN_FILENO) == 1)
                return ask_hidden(question);
        text = read_all(STDIN_FILENO, &length);
        if (text && strlen(text) != length) {
                explicit_bzero(text, length);
                free(text);
                errno = EILSEQ;
                return NULL;
        }
        if (text && length > 0 && text[length - 1] == '\n')
                text[length - 1] = '\0';
        return text;
}
