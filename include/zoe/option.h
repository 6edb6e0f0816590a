/* SPDX-License-Identifier: Apache-2.0
 *
 * Options as data: one table says name, type, unit, range and default; command line, run folders (options.json) and
 * help are made from it, so they cannot disagree. A set holds the effective values of one or more tables. */
#ifndef ZOE_OPTION_H
#define ZOE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zoe/context.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum zoe_option_type {
    ZOE_OPTION_FLAG,    /* no value on the command line; "true" or "false" as text */
    ZOE_OPTION_INT,     /* integer in low..high */
    ZOE_OPTION_FLOAT,   /* number in low..high */
    ZOE_OPTION_SECONDS, /* duration in s; the suffixes s, m, h are understood */
    ZOE_OPTION_BYTES,   /* a size in memory; the suffixes K, M, G, T (of 1024) are understood */
    ZOE_OPTION_TEXT,    /* any text: a file, a name */
    ZOE_OPTION_WORD,    /* one of the words of `value`, which are separated by '|' */
    ZOE_OPTION_SIZE,    /* WIDTHxHEIGHT, each in low..high */
    ZOE_OPTION_INTS,    /* integers separated by commas, each in low..high */
    ZOE_OPTION_LIST     /* texts separated by commas */
} zoe_option_type;

/* Flags of an option. */
enum {
    ZOE_OPTION_FREE = 1,   /* may differ when a run is resumed: it changes no bit of the result */
    ZOE_OPTION_HIDDEN = 2, /* not for people: help, man pages and completions leave it out */
    ZOE_OPTION_REPEAT = 4, /* a LIST: given again on the command line it adds to what is there */
    ZOE_OPTION_MAX = 8     /* an INT: the word max is taken, too, and read as 0 */
};

/* One row. A table ends with a row whose name is NULL; it must outlive every set that uses it. */
typedef struct zoe_option {
    const char *name; /* long name, without the dashes */
    char letter;      /* short name; 0 = none */
    zoe_option_type type;
    double low, high;     /* range, both included; both 0 = no limit */
    const char *value;    /* what stands for the value in help: "N", "FILE"; the words of a WORD */
    const char *unit;     /* "steps", "s", "pixels"; NULL = none */
    const char *fallback; /* default, as text; NULL = none (flags: false) */
    const char *help;     /* one line */
    unsigned flags;
} zoe_option;

typedef struct zoe_options zoe_options;

/* An empty set; error texts go to context. The caller owns it. */
zoe_status zoe_options_new(zoe_options **out, zoe_context *context);
void zoe_options_free(zoe_options **options);

/* Adds the rows of a table (a name that is there already is kept as it was). ZOE_CONFIG: a default that is outside its
 * range. */
zoe_status zoe_options_add(zoe_options *options, const zoe_option *table);

/* Sets a value from text. ZOE_USAGE: unknown name ("did you mean"), not of the type, or outside its range; the message
 * has the value and the limit. */
zoe_status zoe_options_set(zoe_options *options, const char *name, const char *text);

/* Replaces a default: has an effect only where no value was set. The same errors. */
zoe_status zoe_options_set_default(zoe_options *options, const char *name, const char *text);

size_t zoe_options_count(const zoe_options *options);
const zoe_option *zoe_options_at(const zoe_options *options, size_t index);       /* borrowed; NULL past the end */
const zoe_option *zoe_options_find(const zoe_options *options, const char *name); /* NULL: none of that name */
const zoe_option *zoe_options_find_letter(const zoe_options *options, char letter);

/* True when a value was set (a default does not count). */
bool zoe_options_given(const zoe_options *options, const char *name);

/* Effective values. A name that is in no table, or has neither value nor default: NULL, 0, false. Borrowed until the
 * next set. */
const char *zoe_options_text(const zoe_options *options, const char *name);
bool zoe_options_flag(const zoe_options *options, const char *name);
int64_t zoe_options_int(const zoe_options *options, const char *name);
double zoe_options_float(const zoe_options *options, const char *name); /* FLOAT, SECONDS, BYTES, INT */
void zoe_options_size(const zoe_options *options, const char *name, int *width, int *height);
/* INTS and LIST: how many items; item number `index` (NULL or 0 past the end). */
size_t zoe_options_items(const zoe_options *options, const char *name);
const char *zoe_options_item(const zoe_options *options, const char *name, size_t index);
int64_t zoe_options_item_int(const zoe_options *options, const char *name, size_t index);

#ifdef __cplusplus
}
#endif
#endif
