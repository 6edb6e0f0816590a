/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of benchmarks. */
#include "bench/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* What its time is turned into: FLOP/s where it does arithmetic, else bytes/s, else nothing. */
static double amount(const json_t *row, const char **unit)
{
    const double flops = number(row, "flops"), bytes = number(row, "bytes");
    const bool memory = !strncmp(text_of(row, "id"), "roof copy", 9) || !strncmp(text_of(row, "id"), "roof triad", 10);
    *unit = flops > 0 && !memory ? "GFLOP/s" : bytes > 0 ? "GB/s" : "us";
    return flops > 0 && !memory ? flops : bytes;
}

void zoe__table_speed(char text[48], const json_t *row)
{
    const char *unit;
    const double of = amount(row, &unit), ns = number(row, "median_ns");
    if (!(ns > 0))
        zoe__format(text, 48, "%s", text_of(row, "check"));
    else if (of > 0)
        zoe__format(text, 48, "%.4g %s", of / ns, unit);
    else
        zoe__format(text, 48, "%.4g us", ns * 1e-3);
}

/* "[330.5, 361.2]" in the unit of the speed. */
static void interval(char text[48], const json_t *row)
{
    const char *unit;
    const json_t *ci = json_object_get(row, "ci95_ns");
    const double of = amount(row, &unit);
    const double low = json_number_value(json_array_get(ci, 0)), high = json_number_value(json_array_get(ci, 1));
    text[0] = '\0';
    if (!json_is_array(ci)) return;
    if (of > 0)
        zoe__format(text, 48, "[%.4g, %.4g]", of / high, of / low);
    else
        zoe__format(text, 48, "[%.4g, %.4g]", low * 1e-3, high * 1e-3);
}

static void share(char text[16], const json_t *row)
{
    const json_t *value = json_object_get(row, "roof_share");
    text[0] = '\0';
    if (json_is_number(value)) zoe__format(text, 16, "%.0f %%", 100 * json_number_value(value));
}

static void marks(char *text, size_t size, const json_t *row)
{
    size_t i;
    json_t *flag;
    text[0] = '\0';
    json_array_foreach(json_object_get(row, "flags"), i, flag)
    {
        const size_t used = strlen(text);
        zoe__format(text + used, size - used, "%s%s", used ? ", " : "", json_string_value(flag));
    }
}

void zoe__table_energy(char text[48], const json_t *row)
{
    const json_t *gross = json_object_get(row, "energy_J"), *net = json_object_get(row, "energy_net_J");
    text[0] = '\0';
    if (json_is_number(gross) && json_is_number(net))
        zoe__format(text, 48, "%.4g (net %.4g)", json_number_value(gross), json_number_value(net));
    else if (json_is_number(gross))
        zoe__format(text, 48, "%.4g", json_number_value(gross));
}

void zoe__table_cells(const json_t *row, char speed[48], char ci[48], char roof[16], char flags[96])
{
    zoe__table_speed(speed, row);
    interval(ci, row);
    share(roof, row);
    marks(flags, 96, row);
}

void zoe__table_line(char *line, size_t size, const json_t *row)
{
    char speed[48], ci[48], roof[16], flags[96];
    zoe__table_cells(row, speed, ci, roof, flags);
    zoe__format(line, size, "%-10s %15s %18s %6s  %-9s %s%s%s%s", text_of(row, "device"), speed, ci, roof,
                text_of(row, "algorithm"), text_of(row, "id"), flags[0] ? " (" : "", flags, flags[0] ? ")" : "");
}

static zoe_status finish(zoe_context *context, FILE *text)
{
    ZOE_FAIL_IF(context, fclose(text) != 0, ZOE_MEMORY, "no memory for the report");
    return ZOE_OK;
}

static FILE *begin(zoe_context *context, char **out, size_t *size)
{
    *out = NULL;
    FILE *text = open_memstream(out, size);
    if (!text) zoe__fail(context, ZOE_MEMORY, "no memory for the report");
    return text;
}

zoe_status zoe__table_text(zoe_context *context, const json_t *document, char **out)
{
    size_t size;
    FILE *text = begin(context, out, &size);
    char line[320];
    size_t i;
    json_t *one;
    if (!text) return ZOE_MEMORY;
    json_array_foreach(json_object_get(document, "devices"), i, one)
        fprintf(text, "%s: %s, %s\n", text_of(one, "id"), text_of(one, "name"), text_of(one, "driver"));
    fprintf(text, "%-10s %15s %18s %6s  %-9s case\n", "device", "median", "95 % interval", "roof", "algorithm");
    json_array_foreach(json_object_get(document, "cases"), i, one)
    {
        zoe__table_line(line, sizeof line, one);
        fprintf(text, "%s\n", line);
    }
    const json_t *end = json_object_get(document, "end");
    json_array_foreach(json_object_get(end, "skipped"), i, one)
        fprintf(text, "left out: %s on %s: %s\n", text_of(one, "id"), text_of(one, "device"), text_of(one, "reason"));
    fprintf(text, "%zu cases in %.1f s; compiling took %.1f s of that\n",
            json_array_size(json_object_get(document, "cases")), number(end, "seconds"), number(end, "compile_s"));
    return finish(context, text);
}

zoe_status zoe__table_markdown(zoe_context *context, json_t *const *documents, size_t count, char **out)
{
    size_t size;
    FILE *text = begin(context, out, &size);
    if (!text) return ZOE_MEMORY;
    for (size_t d = 0; d < count; d++) {
        const json_t *host = json_object_get(documents[d], "host");
        size_t i;
        json_t *one;
        fprintf(text, "%s## %s, %s\n\n%s, %s; load %.2f\n\n", d ? "\n" : "", text_of(documents[d], "suite_id"),
                text_of(documents[d], "started"), text_of(host, "cpu"), text_of(host, "system"), number(host, "load"));
        json_array_foreach(json_object_get(documents[d], "devices"), i, one)
            fprintf(text, "* `%s`: %s, driver %s\n", text_of(one, "id"), text_of(one, "name"), text_of(one, "driver"));
        fputs("\n| device | case | median | 95 % interval | roof | J | check | algorithm | notes |\n"
              "|---|---|---|---|---|---|---|---|---|\n",
              text);
        json_array_foreach(json_object_get(documents[d], "cases"), i, one)
        {
            char speed[48], ci[48], roof[16], flags[96], joules[48];
            zoe__table_cells(one, speed, ci, roof, flags);
            zoe__table_energy(joules, one);
            fprintf(text, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", text_of(one, "device"),
                    text_of(one, "id"), speed, ci, roof, joules, text_of(one, "check"), text_of(one, "algorithm"),
                    flags);
        }
    }
    return finish(context, text);
}

/* In quotes, and quotes doubled. */
static void put_cell(FILE *text, const char *cell)
{
    fputc('"', text);
    for (; *cell; cell++) {
        if (*cell == '"') fputc('"', text);
        fputc(*cell, text);
    }
    fputc('"', text);
}

static void put_number(FILE *text, const json_t *value)
{
    fputc(',', text);
    if (json_is_number(value)) fprintf(text, "%.9g", json_number_value(value));
}

zoe_status zoe__table_csv(zoe_context *context, json_t *const *documents, size_t count, char **out)
{
    static const char *const numbers[] = {"flops",      "bytes",     "median_ns", "min_ns",   "mad_ns",      "nmse",
                                          "roof_share", "device_ns", "compile_s", "energy_J", "energy_net_J"};
    size_t size;
    FILE *text = begin(context, out, &size);
    if (!text) return ZOE_MEMORY;
    fputs("suite_id,started,device,id,check,algorithm,tuned,flags,low_ns,high_ns", text);
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) fprintf(text, ",%s", numbers[k]);
    fputs("\n", text);
    for (size_t d = 0; d < count; d++) {
        size_t i;
        json_t *row;
        json_array_foreach(json_object_get(documents[d], "cases"), i, row)
        {
            char flags[96];
            const json_t *ci = json_object_get(row, "ci95_ns"), *tuned = json_object_get(row, "tuned");
            const char *cells[] = {text_of(documents[d], "suite_id"),
                                   text_of(documents[d], "started"),
                                   text_of(row, "device"),
                                   text_of(row, "id"),
                                   text_of(row, "check"),
                                   text_of(row, "algorithm"),
                                   json_is_true(tuned)    ? "yes"
                                   : json_is_false(tuned) ? "no"
                                                          : "",
                                   flags};
            marks(flags, sizeof flags, row);
            for (size_t k = 0; k < sizeof cells / sizeof *cells; k++) {
                if (k) fputc(',', text);
                put_cell(text, cells[k]);
            }
            put_number(text, json_array_get(ci, 0));
            put_number(text, json_array_get(ci, 1));
            for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
                put_number(text, json_object_get(row, numbers[k]));
            fputs("\n", text);
        }
    }
    return finish(context, text);
}
