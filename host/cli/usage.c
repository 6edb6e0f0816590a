/* SPDX-License-Identifier: Apache-2.0
 *
 * Help, man pages and completions, all made from the verbs' tables. */
#include <string.h>

#include "cli/cli.h"

enum { COLUMN = 28 }; /* where the help of an option starts */

void zoe__help_all(FILE *out)
{
    fputs("zoe: self-supervised training from video and sound on any OpenCL device\n\n"
          "    zoe synth motion --out clips --clips 240 --seed 1     # make a small world\n"
          "    zoe train shuffle-learn clips --out run               # learn which frame comes when\n"
          "    zoe evaluate neighbours run clips                     # what did it learn?\n\n"
          "Verbs (`zoe VERB --help` shows examples and options):\n",
          out);
    for (size_t i = 0; zoe__verb_at(i); i++)
        fprintf(out, "    %-12s %s\n", zoe__verb_at(i)->name, zoe__verb_at(i)->summary);
    fputs("\nResults go to stdout (one JSON value with --json), messages to stderr. @FILE reads options from a file, "
          "one a line.\n"
          "Exit codes: 0 ok, 2 usage, 3 configuration, 4 data, 5 device, 6 wrong result or loss, 7 disk, 8 stopped at "
          "request\n"
          "(checkpoint written), 9 too many bad files, 10 time limit (checkpoint written).\n",
          out);
}

/* "--steps N" */
static void option_head(char *head, size_t size, const zoe_option *option)
{
    char letter[8] = "";
    if (option->letter) zoe__format(letter, sizeof letter, "-%c, ", option->letter);
    const char *value = option->value;
    if (!value)
        value = option->type == ZOE_OPTION_INT       ? "N"
                : option->type == ZOE_OPTION_FLOAT   ? "X"
                : option->type == ZOE_OPTION_SIZE    ? "WxH"
                : option->type == ZOE_OPTION_INTS    ? "N,N.."
                : option->type == ZOE_OPTION_SECONDS ? "TIME"
                : option->type == ZOE_OPTION_BYTES   ? "SIZE"
                                                     : "TEXT";
    if (option->type == ZOE_OPTION_FLAG)
        zoe__format(head, size, "%s--%s", letter, option->name);
    else
        zoe__format(head, size, "%s--%s %s", letter, option->name, value);
}

/* " (pixels, 1..4096, default 64)" */
static void option_tail(char *tail, size_t size, const zoe_option *option, const char *fallback)
{
    char unit[48] = "", range[80] = "", start[96] = "";
    if (option->unit) zoe__format(unit, sizeof unit, "%s", option->unit);
    if (option->low != 0 || option->high != 0)
        zoe__format(range, sizeof range, "%s%.10g..%.10g", *unit ? ", " : "", option->low, option->high);
    if (fallback && option->type != ZOE_OPTION_FLAG)
        zoe__format(start, sizeof start, "%sdefault %s", *unit || *range ? ", " : "", fallback);
    tail[0] = '\0';
    if (*unit || *range || *start) zoe__format(tail, size, " (%s%s%s)", unit, range, start);
}

/* Words of text from column `column`, lines of at most 100. */
static void print_wrapped(FILE *out, const char *text, int column, int at)
{
    bool first = true;
    while (*text) {
        const int length = (int)strcspn(text, " ");
        if (!first && at + 1 + length > 100) {
            fprintf(out, "\n%*s", column, "");
            at = column;
            first = true;
        }
        fprintf(out, "%s%.*s", first ? "" : " ", length, text);
        at += length + !first;
        first = false;
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void print_option(FILE *out, const zoe_option *option, const char *fallback)
{
    char head[120], tail[240], text[640];
    option_head(head, sizeof head, option);
    option_tail(tail, sizeof tail, option, fallback);
    zoe__format(text, sizeof text, "%s%s", option->help, tail);
    int at = fprintf(out, "    %-*s", COLUMN - 4, head);
    if (strlen(head) > COLUMN - 6) {
        fprintf(out, "\n%*s", COLUMN, "");
        at = COLUMN;
    }
    print_wrapped(out, text, COLUMN, at);
}

void zoe__help_verb(FILE *out, const zoe__verb *verb, const zoe_options *options)
{
    if (verb->examples) {
        fputs("Examples:\n", out);
        for (const char *line = verb->examples; *line;) {
            const int length = (int)strcspn(line, "\n");
            fprintf(out, "    %.*s\n", length, line);
            line += length + (line[length] == '\n');
        }
        fputc('\n', out);
    }
    fprintf(out, "Usage: zoe %s %s\n%s.\n", verb->name, verb->usage, verb->summary);
    if (verb->notes) fprintf(out, "\n%s", verb->notes);
    fputs("\nOptions:\n", out);
    for (size_t i = 0; zoe_options_at(options, i); i++) {
        const zoe_option *option = zoe_options_at(options, i);
        if (option->flags & ZOE_OPTION_HIDDEN) continue;
        print_option(out, option, zoe_options_text(options, option->name));
    }
    fprintf(out, "    %-*s%s\n", COLUMN - 4, "-h, --help", "show this");
}

/* Text in roff: a dash stays a dash, a leading dot no command. */
static void print_roff(FILE *out, const char *text)
{
    for (const char *at = text; *at; at++) {
        if ((*at == '.' || *at == '\'') && (at == text || at[-1] == '\n')) fputs("\\&", out);
        if (*at == '-') fputc('\\', out);
        if (*at == '\\')
            fputs("\\e", out);
        else
            fputc(*at, out);
    }
}

void zoe__help_man(FILE *out, const zoe__verb *verb, const zoe_options *options)
{
    fprintf(out, ".TH ZOE-%s 1 \"\" \"zoe " ZOE_VERSION "\"\n.SH NAME\nzoe\\-%s \\- ", verb->name, verb->name);
    print_roff(out, verb->summary);
    fprintf(out, "\n.SH SYNOPSIS\n.B zoe %s\n", verb->name);
    print_roff(out, verb->usage);
    if (verb->examples) {
        fputs("\n.SH EXAMPLES\n.nf\n", out);
        print_roff(out, verb->examples);
        fputs(".fi", out);
    }
    if (verb->notes) {
        fputs("\n.SH DESCRIPTION\n", out);
        print_roff(out, verb->notes);
    }
    fputs("\n.SH OPTIONS\n", out);
    for (size_t i = 0; zoe_options_at(options, i); i++) {
        const zoe_option *option = zoe_options_at(options, i);
        char head[120], tail[240];
        if (option->flags & ZOE_OPTION_HIDDEN) continue;
        option_head(head, sizeof head, option);
        option_tail(tail, sizeof tail, option, zoe_options_text(options, option->name));
        fputs(".TP\n.B ", out);
        print_roff(out, head);
        fputc('\n', out);
        print_roff(out, option->help);
        print_roff(out, tail);
        fputc('\n', out);
    }
}

void zoe__help_completion(FILE *out)
{
    fputs("# bash completion for zoe; made by `zoe help --completion`\n_zoe()\n{\n"
          "    local word=\"${COMP_WORDS[COMP_CWORD]}\" options=\"\"\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        options=\"",
          out);
    for (size_t i = 0; zoe__verb_at(i); i++) fprintf(out, "%s%s", i ? " " : "", zoe__verb_at(i)->name);
    fputs("\"\n    else\n        case \"${COMP_WORDS[1]}\" in\n", out);
    for (size_t i = 0; zoe__verb_at(i); i++) {
        const zoe__verb *verb = zoe__verb_at(i);
        fprintf(out, "        %s) options=\"--help", verb->name);
        for (const zoe_option *option = verb->options; option && option->name; option++)
            if (!(option->flags & ZOE_OPTION_HIDDEN)) fprintf(out, " --%s", option->name);
        fputs("\" ;;\n", out);
    }
    fputs("        esac\n        case \"$word\" in -*) ;; *) options=\"\" ;; esac\n    fi\n"
          "    mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n}\ncomplete -o default -F _zoe zoe\n",
          out);
}
