/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line. A verb is one file host/cli/NAME.c that ends with its descriptor zoe__verb_NAME, and one word in
 * host/cli/CMakeLists.txt. --help, man pages and completions come from the descriptor.
 *
 * Results go to stdout, messages to stderr. With --json stdout gets exactly one JSON value. An error is one line
 * `zoe: TEXT` on stderr, made by main() from the context; the exit code is zoe_status_exit_code(). */
#ifndef ZOE_CLI_H
#define ZOE_CLI_H

#include <jansson.h>
#include <stdio.h>

#include <zoe/option.h>

#include "core/core.h"
#include "device/options.h"

typedef struct zoe__cli zoe__cli;

typedef struct zoe__verb {
    const char *name;
    const char *summary;       /* one line, for `zoe --help` */
    const char *usage;         /* what follows `zoe NAME`: "[options] CLIPS... --out PACK" */
    const char *examples;      /* lines of the form "zoe index clips --out p   # comment"; shown first; ends with \n */
    const char *notes;         /* further text for --help, ends with \n; NULL */
    const zoe_option *options; /* ended by a row without a name; may be NULL */
    int min_args, max_args;    /* words that are not options; max_args < 0: any number */
    zoe_status (*run)(zoe__cli *cli);
    /* Adds option rows that depend on the words (a task's options): called with the words before options are read, and
     * with cli->help when help is asked for. NULL. */
    zoe_status (*extend)(zoe__cli *cli);
} zoe__verb;

struct zoe__cli {
    zoe_context *context;
    const zoe__verb *verb;
    zoe_options *options;    /* effective values of the verb's table */
    const char *const *args; /* words that are not options, borrowed */
    size_t arg_count;
    bool json; /* --json was given */
    bool help; /* only help is wanted */
};

/* Rows that several verbs share: put them into a table as they are. */
#define ZOE__OPTION_JSON                                                                                               \
    {                                                                                                                  \
        .name = "json", .type = ZOE_OPTION_FLAG, .help = "print one JSON value on stdout", .flags = ZOE_OPTION_FREE    \
    }
#define ZOE__OPTION_END                                                                                                \
    {                                                                                                                  \
        .name = NULL                                                                                                   \
    }

/* NULL past the end; NULL when unknown. */
const zoe__verb *zoe__verb_at(size_t index);
const zoe__verb *zoe__verb_find(const char *name);

/* stderr (lines.c). A terminal gets one line that changes, anything else a line every few seconds: due() says whether
 * it is time; end_line() stands before anything else that is written. The log goes through zoe__cli_log(), and its
 * progress is left out when quiet. */
bool zoe__cli_line_due(bool important);
void zoe__cli_line(const char *line);
void zoe__cli_end_line(void);
void zoe__cli_log(zoe_log_level level, const char *line, void *user);
void zoe__cli_log_quiet(bool quiet);

/* One JSON value and a newline on stdout; takes the reference (NULL counts as a lack of memory). ZOE_DISK: stdout is
 * full or closed. */
zoe_status zoe__cli_print_json(zoe__cli *cli, json_t *value);

/* A JSON text of a file name: bytes that are not UTF-8 show as '?'. NULL: out of memory. */
json_t *zoe__cli_text(const char *bytes);

/* Reads argv after the verb: options into cli->options, words into words[] (room for `room`); "@FILE" reads more from a
 * file, one option or word a line ('#' starts a comment); "--" ends the options. Texts read from files live in `owned`,
 * an array of texts to free. *help becomes true on --help or -h. */
typedef struct zoe__words {
    const char **items;
    size_t count, capacity;
    char **owned;
    size_t owned_count, owned_capacity;
} zoe__words;
zoe_status zoe__cli_expand(zoe_context *context, zoe__words *words, int argc, char **argv);
zoe_status zoe__cli_parse(zoe__cli *cli, zoe__words *words, zoe__words *args);
void zoe__words_free(zoe__words *words);

/* Help texts, to any stream. */
void zoe__help_all(FILE *out);
void zoe__help_verb(FILE *out, const zoe__verb *verb, const zoe_options *options);
void zoe__help_man(FILE *out, const zoe__verb *verb, const zoe_options *options);
void zoe__help_completion(FILE *out);

#endif
