/* SPDX-License-Identifier: Apache-2.0
 *
 * A set keeps each value as text, checked when it is set; getters read the text again. Sets are small and read a few
 * times. */
#include <zoe/option.h>

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "core/suggest.h"

typedef struct entry {
    const zoe_option *option;
    char *value;    /* set; NULL = the default counts */
    char *fallback; /* replaces option->fallback; NULL = that one counts */
    char **items;   /* of the effective value, for INTS and LIST */
    size_t item_count;
} entry;

struct zoe_options {
    zoe_context *context;
    entry *entries;
    size_t count, capacity;
};

static void free_items(entry *e)
{
    for (size_t i = 0; i < e->item_count; i++) free(e->items[i]);
    free(e->items);
    e->items = NULL;
    e->item_count = 0;
}

zoe_status zoe_options_new(zoe_options **out, zoe_context *context)
{
    ZOE_TRY(zoe__calloc(context, out, 1, sizeof **out));
    (*out)->context = context;
    return ZOE_OK;
}

void zoe_options_free(zoe_options **options)
{
    if (!options || !*options) return;
    for (size_t i = 0; i < (*options)->count; i++) {
        entry *e = &(*options)->entries[i];
        free_items(e);
        free(e->value);
        free(e->fallback);
    }
    free((*options)->entries);
    free(*options);
    *options = NULL;
}

static entry *find(const zoe_options *options, const char *name)
{
    for (size_t i = 0; i < options->count; i++)
        if (!strcmp(options->entries[i].option->name, name)) return &options->entries[i];
    return NULL;
}

static const char *effective(const entry *e)
{
    if (!e) return NULL;
    return e->value ? e->value : e->fallback ? e->fallback : e->option->fallback;
}

/* ---- reading one value ---- */

static zoe_status check_range(zoe_context *context, const zoe_option *option, const char *text, double value)
{
    if (option->low == 0 && option->high == 0) return ZOE_OK;
    const char *space = option->unit ? " " : "", *unit = option->unit ? option->unit : "";
    ZOE_FAIL_IF(context, !(value >= option->low), ZOE_USAGE, "--%s %s: at least %.10g%s%s", option->name, text,
                option->low, space, unit);
    ZOE_FAIL_IF(context, !(value <= option->high), ZOE_USAGE, "--%s %s: at most %.10g%s%s", option->name, text,
                option->high, space, unit);
    return ZOE_OK;
}

static zoe_status check_int(zoe_context *context, const zoe_option *option, const char *text)
{
    char *end;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    const bool takes_max = option->flags & ZOE_OPTION_MAX;
    if (takes_max && !strcmp(text, "max")) return ZOE_OK;
    ZOE_FAIL_IF(context, end == text || *end || isspace((unsigned char)*text), ZOE_USAGE, "--%s '%s': not an integer%s",
                option->name, text, takes_max ? " and not max" : "");
    ZOE_FAIL_IF(context, errno == ERANGE, ZOE_USAGE, "--%s %s: does not fit 64 bits", option->name, text);
    return check_range(context, option, text, (double)value);
}

/* Returns the number and, for durations, applies the suffix. */
static double read_number(const zoe_option *option, const char *text, const char **end)
{
    char *stop;
    double value = strtod(text, &stop);
    if (option->type == ZOE_OPTION_SECONDS && stop != text) {
        const double factor = *stop == 's' ? 1 : *stop == 'm' ? 60 : *stop == 'h' ? 3600 : 0;
        if (factor > 0) {
            value *= factor;
            stop++;
        }
    }
    if (option->type == ZOE_OPTION_BYTES && stop != text && *stop) {
        const size_t unit = strcspn("KMGT", (const char[]){*stop, '\0'});
        if (unit < 4) {
            value = ldexp(value, 10 * ((int)unit + 1));
            stop++;
        }
    }
    *end = stop;
    return value;
}

static zoe_status check_float(zoe_context *context, const zoe_option *option, const char *text)
{
    const char *end;
    const double value = read_number(option, text, &end);
    ZOE_FAIL_IF(context, end == text || *end || isspace((unsigned char)*text) || !isfinite(value), ZOE_USAGE,
                "--%s '%s': not a %s", option->name, text,
                option->type == ZOE_OPTION_SECONDS ? "duration (90, 90s, 5m, 2h)"
                : option->type == ZOE_OPTION_BYTES ? "size (1000000, 512K, 256M, 2G)"
                                                   : "number");
    return check_range(context, option, text, value);
}

/* True when text is one of the words; else best holds the nearest of them, or "". */
static bool is_word(const char *words, const char *text, char best[64])
{
    char word[64];
    int distance = -1;
    best[0] = '\0';
    while (*words) {
        const size_t length = strcspn(words, "|");
        zoe__format(word, sizeof word, "%.*s", (int)length, words);
        if (!strcmp(word, text)) return true;
        zoe__suggestion suggestion = zoe__suggest_start(text);
        zoe__suggest_try(&suggestion, word);
        if (suggestion.best && (distance < 0 || suggestion.distance < distance)) {
            distance = suggestion.distance;
            memcpy(best, word, sizeof word);
        }
        words += length + (words[length] == '|');
    }
    return false;
}

static zoe_status check_word(zoe_context *context, const zoe_option *option, const char *text)
{
    char best[64];
    if (is_word(option->value, text, best)) return ZOE_OK;
    return zoe__fail(context, ZOE_USAGE, "--%s '%s': one of %s%s%s%s", option->name, text, option->value,
                     best[0] ? "; did you mean '" : "", best, best[0] ? "'?" : "");
}

static bool read_size(const char *text, long *width, long *height)
{
    char *end;
    if (!isdigit((unsigned char)*text)) return false;
    *width = strtol(text, &end, 10);
    if (*end != 'x' || !isdigit((unsigned char)end[1])) return false;
    *height = strtol(end + 1, &end, 10);
    return !*end;
}

static zoe_status check_size(zoe_context *context, const zoe_option *option, const char *text)
{
    long width, height;
    ZOE_FAIL_IF(context, !read_size(text, &width, &height), ZOE_USAGE,
                "--%s '%s': not a size (WIDTHxHEIGHT, as 224x224)", option->name, text);
    ZOE_TRY(check_range(context, option, text, (double)width));
    return check_range(context, option, text, (double)height);
}

static zoe_status check_list(zoe_context *context, const zoe_option *option, const char *text)
{
    for (const char *at = text;; at++) {
        const size_t length = strcspn(at, ",");
        ZOE_FAIL_IF(context, length == 0, ZOE_USAGE, "--%s '%s': an empty item", option->name, text);
        if (option->type == ZOE_OPTION_INTS) {
            char item[32];
            const bool fits = zoe__format(item, sizeof item, "%.*s", (int)length, at);
            ZOE_FAIL_IF(context, !fits, ZOE_USAGE, "--%s '%s': not integers", option->name, text);
            ZOE_TRY(check_int(context, option, item));
        }
        at += length;
        if (!*at) return ZOE_OK;
    }
}

static zoe_status check(zoe_context *context, const zoe_option *option, const char *text)
{
    switch (option->type) {
    case ZOE_OPTION_FLAG:
        ZOE_FAIL_IF(context, strcmp(text, "true") && strcmp(text, "false"), ZOE_USAGE, "--%s '%s': true or false",
                    option->name, text);
        return ZOE_OK;
    case ZOE_OPTION_INT: return check_int(context, option, text);
    case ZOE_OPTION_FLOAT:
    case ZOE_OPTION_SECONDS:
    case ZOE_OPTION_BYTES: return check_float(context, option, text);
    case ZOE_OPTION_WORD: return check_word(context, option, text);
    case ZOE_OPTION_SIZE: return check_size(context, option, text);
    case ZOE_OPTION_INTS:
    case ZOE_OPTION_LIST: return check_list(context, option, text);
    case ZOE_OPTION_TEXT: return ZOE_OK;
    }
    return ZOE_OK;
}

/* ---- the set ---- */

static zoe_status split_items(zoe_context *context, entry *e)
{
    free_items(e);
    const char *text = effective(e);
    if (!text || (e->option->type != ZOE_OPTION_INTS && e->option->type != ZOE_OPTION_LIST)) return ZOE_OK;
    size_t count = 1;
    for (const char *at = text; *at; at++) count += *at == ',';
    ZOE_TRY(zoe__calloc(context, &e->items, count, sizeof *e->items));
    for (; e->item_count < count; e->item_count++) {
        const size_t length = strcspn(text, ",");
        ZOE_TRY(zoe__calloc(context, &e->items[e->item_count], length + 1, 1));
        memcpy(e->items[e->item_count], text, length);
        text += length + (text[length] == ',');
    }
    return ZOE_OK;
}

zoe_status zoe_options_add(zoe_options *options, const zoe_option *table)
{
    for (const zoe_option *option = table; option->name; option++) {
        if (find(options, option->name)) continue;
        if (option->fallback && check(options->context, option, option->fallback) != ZOE_OK) {
            zoe_context_clear(options->context);
            return zoe__fail(options->context, ZOE_CONFIG, "option table: the default of --%s, '%s', is not valid",
                             option->name, option->fallback);
        }
        ZOE_TRY(zoe__grow(options->context, &options->entries, &options->capacity, options->count + 1,
                          sizeof *options->entries));
        options->entries[options->count] = (entry){.option = option};
        ZOE_TRY(split_items(options->context, &options->entries[options->count++]));
    }
    return ZOE_OK;
}

static zoe_status unknown(const zoe_options *options, const char *name)
{
    zoe__suggestion suggestion = zoe__suggest_start(name);
    for (size_t i = 0; i < options->count; i++) zoe__suggest_try(&suggestion, options->entries[i].option->name);
    if (!suggestion.best) return zoe__fail(options->context, ZOE_USAGE, "unknown option --%s", name);
    return zoe__fail(options->context, ZOE_USAGE, "unknown option --%s; did you mean '--%s'?", name, suggestion.best);
}

static zoe_status replace(zoe_options *options, entry *e, char **slot, const char *text)
{
    ZOE_TRY(check(options->context, e->option, text));
    char *copy;
    ZOE_TRY(zoe__strdup(options->context, &copy, text));
    free(*slot);
    *slot = copy;
    return split_items(options->context, e);
}

zoe_status zoe_options_set(zoe_options *options, const char *name, const char *text)
{
    entry *e = find(options, name);
    return e ? replace(options, e, &e->value, text) : unknown(options, name);
}

zoe_status zoe_options_set_default(zoe_options *options, const char *name, const char *text)
{
    entry *e = find(options, name);
    return e ? replace(options, e, &e->fallback, text) : unknown(options, name);
}

size_t zoe_options_count(const zoe_options *options)
{
    return options->count;
}

const zoe_option *zoe_options_at(const zoe_options *options, size_t index)
{
    return index < options->count ? options->entries[index].option : NULL;
}

const zoe_option *zoe_options_find(const zoe_options *options, const char *name)
{
    const entry *e = find(options, name);
    return e ? e->option : NULL;
}

const zoe_option *zoe_options_find_letter(const zoe_options *options, char letter)
{
    for (size_t i = 0; i < options->count; i++)
        if (letter && options->entries[i].option->letter == letter) return options->entries[i].option;
    return NULL;
}

bool zoe_options_given(const zoe_options *options, const char *name)
{
    const entry *e = find(options, name);
    return e && e->value;
}

const char *zoe_options_text(const zoe_options *options, const char *name)
{
    return effective(find(options, name));
}

bool zoe_options_flag(const zoe_options *options, const char *name)
{
    const char *text = zoe_options_text(options, name);
    return text && !strcmp(text, "true");
}

int64_t zoe_options_int(const zoe_options *options, const char *name)
{
    const char *text = zoe_options_text(options, name);
    return text ? strtoll(text, NULL, 10) : 0;
}

double zoe_options_float(const zoe_options *options, const char *name)
{
    const entry *e = find(options, name);
    const char *text = effective(e), *end;
    return text ? read_number(e->option, text, &end) : 0;
}

void zoe_options_size(const zoe_options *options, const char *name, int *width, int *height)
{
    const char *text = zoe_options_text(options, name);
    long w = 0, h = 0;
    if (text) read_size(text, &w, &h);
    *width = (int)w;
    *height = (int)h;
}

size_t zoe_options_items(const zoe_options *options, const char *name)
{
    const entry *e = find(options, name);
    return e ? e->item_count : 0;
}

const char *zoe_options_item(const zoe_options *options, const char *name, size_t index)
{
    const entry *e = find(options, name);
    return e && index < e->item_count ? e->items[index] : NULL;
}

int64_t zoe_options_item_int(const zoe_options *options, const char *name, size_t index)
{
    const char *text = zoe_options_item(options, name, index);
    return text ? strtoll(text, NULL, 10) : 0;
}
