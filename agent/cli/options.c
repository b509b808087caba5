/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "options.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

typedef struct {
        const Option *option;
        const char *value; /* NULL: a flag */
} Given;

struct Options {
        Given *given; /* owned, as the next */
        const char **operands;
        size_t n_given, n_operands;
};

Options *options_free(Options *o) {
        if (!o)
                return NULL;
        free(o->given);
        free(o->operands);
        free(o);
        return NULL;
}

void options_free_cleanup(Options **o) {
        (void) options_free(*o);
}

size_t options_operands(const Options *o) {
        return o->n_operands;
}

const char *options_operand(const Options *o, size_t i) {
        return i < o->n_operands ? o->operands[i] : NULL;
}

bool options_has(const Options *o, const char *name) {
        for (size_t i = 0; i < o->n_given; i++)
                if (strcmp(o->given[i].option->name, name) == 0)
                        return true;
        return false;
}

const char *options_get(const Options *o, const char *name) {
        for (size_t i = o->n_given; i-- > 0;)
                if (strcmp(o->given[i].option->name, name) == 0)
                        return o->given[i].value;
        return NULL;
}

int options_each(const Options *o, const char *name, int (*each)(void *owner, const char *value), void *owner) {
        for (size_t i = 0; i < o->n_given; i++) {
                int r = strcmp(o->given[i].option->name, name) == 0 ? each(owner, o->given[i].value) : 0;

                if (r != 0)
                        return r;
        }
        return 0;
}

static const Option *find_name(const Option *const lists[OPTION_LISTS], const char *name, size_t length) {
        for (size_t l = 0; l < OPTION_LISTS; l++)
                for (const Option *option = lists[l]; option && option->name; option++)
                        if (strlen(option->name) == length && memcmp(option->name, name, length) == 0)
                                return option;
        return NULL;
}

static const Option *find_letter(const Option *const lists[OPTION_LISTS], char letter) {
        for (size_t l = 0; l < OPTION_LISTS; l++)
                for (const Option *option = lists[l]; option && option->name; option++)
                        if (option->letter == letter)
                                return option;
        return NULL;
}

static int refuse(char **ret_sentence, const char *what, size_t length, const char *why) {
        auto_call(text_cleanup) Text t = { 0 };

        text_printf(&t, "%.*s %s", (int) length, what, why);
        return text_take(&t, ret_sentence, NULL) < 0 ? -ENOMEM : -EINVAL;
}

static int give(Options *o, const Option *option, const char *word, size_t word_length, const char *value, char **ret_sentence) {
        for (size_t i = 0; i < o->n_given; i++)
                if (o->given[i].option == option && option->value && !option->repeats)
                        return refuse(ret_sentence, word, word_length, "is given twice.");
        o->given[o->n_given++] = (Given){ option, value };
        return 0;
}

/* Takes argv[i], and the word behind it where the option wants a value. Returns how many words were taken, or negative errno. */
static int take_option(Options *o, const Option *const lists[OPTION_LISTS], char **argv, int i, int argc, char **ret_sentence) {
        const char *word = argv[i], *equals = strchr(word, '=');
        bool is_long = word[1] == '-';
        size_t length = is_long && equals ? (size_t) (equals - word) : strlen(word);
        const Option *option = is_long ? find_name(lists, word + 2, length - 2) : find_letter(lists, word[1]);
        const char *value = NULL;
        int taken = 1, r;

        if (!option)
                return refuse(ret_sentence, word, length, "is not an option of this command.");
        if (is_long && equals) {
                if (!option->value)
                        return refuse(ret_sentence, word, length, "takes no value.");
                value = equals + 1;
        } else if (option->value && !is_long && word[2])
                value = word + 2; /* -n50 */
        else if (option->value) {
                if (i + 1 >= argc)
                        return refuse(ret_sentence, word, length, "needs a value.");
                value = argv[i + 1];
                taken = 2;
        } else if (!is_long && word[2])
                return refuse(ret_sentence, word, length, "is not an option of this command; write short flags apart.");
        r = give(o, option, word, length, value, ret_sentence);
        return r < 0 ? r : taken;
}

int options_parse(const Option *const lists[OPTION_LISTS], int argc, char **argv, Options **ret_options, char **ret_sentence) {
        auto_call(options_free_cleanup) Options *o = calloc(1, sizeof *o);
        size_t n = (size_t) argc + 1;
        bool options_ended = false;

        if (!o)
                return -ENOMEM;
        o->given = calloc(n, sizeof *o->given);
        o->operands = calloc(n, sizeof *o->operands);
        if (!o->given || !o->operands)
                return -ENOMEM;
        for (int i = 0; i < argc;) {
                int taken = 1;

                if (!options_ended && strcmp(argv[i], "--") == 0)
                        options_ended = true;
                else if (options_ended || argv[i][0] != '-' || !argv[i][1])
                        o->operands[o->n_operands++] = argv[i];
                else
                        taken = take_option(o, lists, argv, i, argc, ret_sentence);
                if (taken < 0)
                        return taken;
                i += taken;
        }
        *ret_options = handover(o);
        return 0;
}
