/* SPDX-License-Identifier: Apache-2.0
 *
 * From argv to options and words. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

enum { MAX_LIST_BYTES = 1 << 20, MAX_NESTING = 8 };

void zoe__words_free(zoe__words *words)
{
    for (size_t i = 0; i < words->owned_count; i++) free(words->owned[i]);
    free(words->owned);
    free(words->items);
    *words = (zoe__words){0};
}

static zoe_status add(zoe_context *context, zoe__words *words, const char *text)
{
    ZOE_TRY(zoe__grow(context, &words->items, &words->capacity, words->count + 1, sizeof *words->items));
    words->items[words->count++] = text;
    return ZOE_OK;
}

static zoe_status read_all(zoe_context *context, zoe__words *words, const char *path, char **out)
{
    FILE *file = fopen(path, "rb");
    ZOE_FAIL_IF(context, !file, ZOE_USAGE, "@%s: %s", path, strerror(errno));
    char *text = NULL;
    zoe_status status = zoe__calloc(context, &text, MAX_LIST_BYTES + 1, 1);
    if (status == ZOE_OK) {
        const size_t n = fread(text, 1, MAX_LIST_BYTES + 1, file);
        if (ferror(file))
            status = zoe__fail(context, ZOE_USAGE, "@%s: %s", path, strerror(errno));
        else if (n > MAX_LIST_BYTES)
            status = zoe__fail(context, ZOE_USAGE, "@%s: longer than %d bytes", path, MAX_LIST_BYTES);
        else if (memchr(text, 0, n))
            status = zoe__fail(context, ZOE_USAGE, "@%s: not a text file", path);
        else
            text[n] = '\0';
    }
    fclose(file);
    if (status == ZOE_OK)
        status =
            zoe__grow(context, &words->owned, &words->owned_capacity, words->owned_count + 1, sizeof *words->owned);
    if (status != ZOE_OK) {
        free(text);
        return status;
    }
    words->owned[words->owned_count++] = text;
    *out = text;
    return ZOE_OK;
}

static zoe_status add_word(zoe_context *context, zoe__words *words, char *word, int depth);

/* One line: "--steps 500" and "--steps=500" are an option with its value, anything else is a word. */
static zoe_status add_line(zoe_context *context, zoe__words *words, char *line, int depth)
{
    while (isspace((unsigned char)*line)) line++;
    size_t length = strlen(line);
    while (length > 0 && isspace((unsigned char)line[length - 1])) line[--length] = '\0';
    if (!*line || *line == '#') return ZOE_OK;
    if (line[0] != '-') return add_word(context, words, line, depth);
    char *value = line + strcspn(line, " \t=");
    if (*value == '=' || !*value) return add(context, words, line);
    *value++ = '\0';
    value += strspn(value, " \t");
    ZOE_TRY(add(context, words, line));
    return add(context, words, value);
}

static zoe_status add_word(zoe_context *context, zoe__words *words, char *word, int depth)
{
    if (word[0] != '@' || !word[1]) return add(context, words, word);
    ZOE_FAIL_IF(context, depth >= MAX_NESTING, ZOE_USAGE, "%s: files of options nested deeper than %d", word,
                MAX_NESTING);
    char *text = NULL;
    ZOE_TRY(read_all(context, words, word + 1, &text));
    while (*text) {
        char *end = text + strcspn(text, "\n");
        const bool more = *end == '\n';
        *end = '\0';
        ZOE_TRY(add_line(context, words, text, depth + 1));
        text = end + more;
    }
    return ZOE_OK;
}

zoe_status zoe__cli_expand(zoe_context *context, zoe__words *words, int argc, char **argv)
{
    bool plain = false; /* after "--" nothing is special */
    for (int i = 0; i < argc; i++) {
        plain = plain || !strcmp(argv[i], "--");
        ZOE_TRY(plain ? add(context, words, argv[i]) : add_word(context, words, argv[i], 0));
    }
    return ZOE_OK;
}

/* "--device a --device b" is "--device a,b", where the row says so. */
static zoe_status set_value(zoe__cli *cli, const zoe_option *option, const char *text)
{
    char joined[1024];
    if (!(option->flags & ZOE_OPTION_REPEAT) || !zoe_options_given(cli->options, option->name))
        return zoe_options_set(cli->options, option->name, text);
    ZOE_FAIL_IF(cli->context,
                !zoe__format(joined, sizeof joined, "%s,%s", zoe_options_text(cli->options, option->name), text),
                ZOE_USAGE, "--%s: longer than %zu bytes", option->name, sizeof joined - 1);
    return zoe_options_set(cli->options, option->name, joined);
}

/* A long option at words[*at]; moves *at past it and its value. */
static zoe_status read_long(zoe__cli *cli, zoe__words *words, size_t *at)
{
    char name[64];
    const char *text = words->items[(*at)++] + 2, *equals = strchr(text, '=');
    const size_t length = equals ? (size_t)(equals - text) : strlen(text);
    ZOE_FAIL_IF(cli->context, !zoe__format(name, sizeof name, "%.*s", (int)length, text), ZOE_USAGE,
                "unknown option --%s", text);
    const zoe_option *option = zoe_options_find(cli->options, name);
    if (!option) return zoe_options_set(cli->options, name, ""); /* says what is wrong */
    if (option->type == ZOE_OPTION_FLAG) {
        ZOE_FAIL_IF(cli->context, equals, ZOE_USAGE, "--%s takes no value", name);
        return zoe_options_set(cli->options, name, "true");
    }
    if (equals) return set_value(cli, option, equals + 1);
    ZOE_FAIL_IF(cli->context, *at >= words->count, ZOE_USAGE, "--%s needs a value", name);
    return set_value(cli, option, words->items[(*at)++]);
}

/* Short options: "-d pocl:0", "-dpocl:0"; flags can be joined. */
static zoe_status read_short(zoe__cli *cli, zoe__words *words, size_t *at)
{
    const char *text = words->items[(*at)++] + 1;
    for (; *text; text++) {
        const zoe_option *option = zoe_options_find_letter(cli->options, *text);
        ZOE_FAIL_IF(cli->context, !option, ZOE_USAGE, "unknown option -%c; see `zoe %s --help`", *text,
                    cli->verb->name);
        if (option->type == ZOE_OPTION_FLAG) {
            ZOE_TRY(zoe_options_set(cli->options, option->name, "true"));
            continue;
        }
        if (text[1]) return set_value(cli, option, text + 1);
        ZOE_FAIL_IF(cli->context, *at >= words->count, ZOE_USAGE, "-%c needs a value", *text);
        return set_value(cli, option, words->items[(*at)++]);
    }
    return ZOE_OK;
}

zoe_status zoe__cli_parse(zoe__cli *cli, zoe__words *words, zoe__words *args)
{
    bool plain = false;
    for (size_t at = 0; at < words->count;) {
        const char *word = words->items[at];
        if (plain || word[0] != '-' || !word[1]) {
            ZOE_TRY(add(cli->context, args, word));
            at++;
        } else if (!strcmp(word, "--")) {
            plain = true;
            at++;
        } else if (word[1] == '-') {
            ZOE_TRY(read_long(cli, words, &at));
        } else {
            ZOE_TRY(read_short(cli, words, &at));
        }
    }
    return ZOE_OK;
}
