/* SPDX-License-Identifier: Apache-2.0
 *
 * The page around the pictures: what was measured on what, the figures, the files themselves. */
#include <stdlib.h>
#include <string.h>

#include "bench/report.h"
#include "bench/table.h"

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

void zoe__html_text(FILE *out, const char *text)
{
    for (; *text; text++) switch (*text) {
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '&': fputs("&amp;", out); break;
        case '"': fputs("&quot;", out); break;
        default: fputc(*text, out);
        }
}

static void cell(FILE *out, const char *tag, const char *text)
{
    fprintf(out, "<%s>", tag);
    zoe__html_text(out, text);
    fprintf(out, "</%s>", tag);
}

static const char STYLE[] =
    ":root{color-scheme:light dark;--line:#8886;--back:#fff;--ink:#1a1a1a}\n"
    "@media(prefers-color-scheme:dark){:root{--back:#16181c;--ink:#e6e6e6}}\n"
    "body{font:15px/1.45 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;background:var(--back);"
    "color:var(--ink)}\n"
    "table{border-collapse:collapse;font-size:13px;margin:.8em 0}\n"
    "td,th{border-bottom:1px solid var(--line);padding:.25em .7em .25em 0;text-align:left;vertical-align:top}\n"
    "td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    "svg{max-width:100%;height:auto;display:block}\nsvg text{fill:var(--ink);font:12px system-ui,sans-serif}\n"
    "svg .small{font-size:11px}\nsvg .grid{stroke:var(--line);stroke-width:1}\nsvg .whisker{stroke:var(--ink);"
    "stroke-width:1.5;fill:none}\n"
    "td.d{white-space:nowrap}\n.wrong{color:#c00;font-weight:bold}\n.scroll{overflow-x:auto}\n"
    "textarea{width:100%;height:14em;font:11px monospace}\n.swatch{display:inline-block;width:.8em;height:.8em;"
    "margin-right:.4em;border-radius:2px}\n";

/* ---- what it was measured on ---- */

static const json_t *device_of(const zoe__series *s)
{
    size_t i;
    json_t *device;
    json_array_foreach(json_object_get(s->document, "devices"), i, device)
    {
        if (!strcmp(text_of(device, "id"), s->device)) return device;
    }
    return NULL;
}

static void devices(FILE *out, const zoe__report *r)
{
    fputs("<h2>Devices</h2>\n<div class=scroll><table><tr><th></th><th>name</th><th>driver</th><th>kernels</th>"
          "<th>units</th><th>cases</th></tr>\n",
          out);
    for (size_t i = 0; i < r->series_count; i++) {
        const zoe__series *s = &r->series[i];
        const json_t *d = device_of(s);
        size_t count = 0, k;
        json_t *row;
        char driver[300];
        json_array_foreach(json_object_get(s->document, "cases"), k, row) count +=
            !strcmp(text_of(row, "device"), s->device);
        zoe__format(driver, sizeof driver, "%s, %s, %s", text_of(d, "platform"), text_of(d, "driver"),
                    text_of(d, "version"));
        fprintf(out, "<tr><td class=d><span class=swatch style=\"background:%s\"></span><b>", zoe__series_colour(i));
        zoe__html_text(out, s->label);
        fputs("</b></td>", out);
        cell(out, "td", text_of(d, "name"));
        cell(out, "td", driver);
        fprintf(out, "<td>%s", text_of(d, "family"));
        if (!strcmp(text_of(d, "storage"), "fp16")) fputs(", fp16", out);
        if (!strcmp(text_of(d, "family"), "vector")) fprintf(out, ", %.0f lanes", number(d, "lanes"));
        fprintf(out, "</td><td class=n>%.0f</td><td class=n>%zu</td></tr>\n", number(d, "compute_units"), count);
    }
    fputs("</table></div>\n", out);
}

static void environment_row(FILE *out, const char *name, const char *value)
{
    if (!*value) return;
    fputs("<tr>", out);
    cell(out, "th", name);
    cell(out, "td", value);
    fputs("</tr>\n", out);
}

/* "61 at the start, 63 at the end", or why it is not known. */
static void state(FILE *out, const json_t *start, const json_t *end)
{
    static const char *const rows[][2] = {
        {"temperature_C", "hottest sensor, C"},    {"clock_MHz", "clock, MHz"},      {"throttled", "throttle events"},
        {"ecc_errors", "corrected memory errors"}, {"gpu_temperature_C", "card, C"}, {"gpu_clock_MHz", "card, MHz"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const json_t *a = json_object_get(start, rows[i][0]), *b = json_object_get(end, rows[i][0]);
        char text[128];
        zoe__format(text, sizeof text, "%.6g at the start, %.6g at the end", json_number_value(a),
                    json_number_value(b));
        environment_row(
            out, rows[i][1],
            json_is_number(a) && json_is_number(b) ? text : text_of(json_object_get(start, "not_known"), rows[i][0]));
    }
    const char *battery = text_of(start, "battery");
    environment_row(out, "battery", *battery ? battery : text_of(json_object_get(start, "not_known"), "battery"));
}

static void environment(FILE *out, const zoe__report *r)
{
    fputs("<h2>Environment</h2>\n", out);
    for (size_t i = 0; i < r->document_count; i++) {
        const json_t *d = r->documents[i], *host = json_object_get(d, "host"), *end = json_object_get(d, "end");
        char text[512];
        fputs("<table>", out);
        zoe__format(text, sizeof text, "%s%s", r->names[i],
                    json_is_true(json_object_get(d, "complete")) ? "" : " (ended before its time)");
        environment_row(out, "file", text);
        zoe__format(text, sizeof text, "%s, %s", text_of(d, "suite_id"), text_of(d, "started"));
        environment_row(out, "suite, start", text);
        zoe__format(text, sizeof text, "%s, %.0f cores, %.1f GiB", text_of(host, "cpu"), number(host, "cores"),
                    number(host, "memory_bytes") / 1073741824);
        environment_row(out, "processor", text);
        environment_row(out, "system", text_of(host, "system"));
        environment_row(out, "governor", text_of(host, "governor"));
        zoe__format(text, sizeof text, "%.2f at the start, %.2f at the end", number(host, "load"),
                    number(json_object_get(end, "host"), "load"));
        environment_row(out, "load", text);
        state(out, host, json_object_get(end, "host"));
        const json_t *tool = json_object_get(d, "tool");
        zoe__format(text, sizeof text, "%s %s, build %s", text_of(tool, "name"), text_of(tool, "version"),
                    text_of(tool, "build"));
        environment_row(out, "program", text);
        zoe__format(text, sizeof text, "%.1f s, compiling %.1f s of that", number(end, "seconds"),
                    number(end, "compile_s"));
        environment_row(out, "took", text);
        environment_row(out, "ended by", text_of(end, "error"));
        environment_row(out, "sha256", text_of(d, "sha256"));
        fputs("</table>\n", out);
    }
}

/* ---- figures ---- */

static void figure_row(FILE *out, const zoe__report *r, size_t i, const json_t *row)
{
    char speed[48], ci[48], share[16], marks[96], joules[48];
    zoe__table_cells(row, speed, ci, share, marks);
    zoe__table_energy(joules, row);
    const json_t *nmse = json_object_get(row, "nmse");
    fprintf(out, "<tr><td class=d><span class=swatch style=\"background:%s\"></span>", zoe__series_colour(i));
    zoe__html_text(out, r->series[i].label);
    fputs("</td>", out);
    cell(out, "td", text_of(row, "id"));
    fprintf(out, "<td class=\"n%s\">%s</td><td class=n>%s</td><td class=n>%s</td><td class=n>%s</td><td class=d>%s",
            strcmp(text_of(row, "check"), "ok") ? " wrong" : "", speed, ci, share, joules, text_of(row, "check"));
    if (json_is_number(nmse)) fprintf(out, " %.1e", json_number_value(nmse));
    fputs("</td>", out);
    cell(out, "td", text_of(row, "algorithm"));
    cell(out, "td", marks);
    fputs("</tr>\n", out);
}

static void figures(FILE *out, const zoe__report *r)
{
    fputs("<h2>Figures</h2>\n<div class=scroll><table><tr><th>device</th><th>case</th><th>median</th><th>95 % "
          "interval</th>"
          "<th>roof</th><th>J a run</th><th>check, NMSE</th><th>algorithm</th><th>marks</th></tr>\n",
          out);
    for (size_t i = 0; i < r->series_count; i++) {
        size_t k;
        json_t *row;
        json_array_foreach(json_object_get(r->series[i].document, "cases"), k, row)
        {
            if (!strcmp(text_of(row, "device"), r->series[i].device)) figure_row(out, r, i, row);
        }
    }
    fputs("</table></div>\n", out);
}

static void left_out(FILE *out, const zoe__report *r)
{
    bool any = false;
    for (size_t i = 0; i < r->document_count; i++) {
        size_t k;
        json_t *one;
        json_array_foreach(json_object_get(json_object_get(r->documents[i], "end"), "skipped"), k, one)
        {
            if (!any) fputs("<h2>Left out</h2>\n<table>\n", out);
            any = true;
            fputs("<tr>", out);
            cell(out, "td", text_of(one, "device"));
            cell(out, "td", text_of(one, "id"));
            cell(out, "td", text_of(one, "reason"));
            fputs("</tr>\n", out);
        }
    }
    if (any) fputs("</table>\n", out);
}

static void files(FILE *out, const zoe__report *r)
{
    fputs("<h2>The files</h2>\n<p>As `zoe bench` wrote them, to be copied or compared with one's own.</p>\n", out);
    for (size_t i = 0; i < r->document_count; i++) {
        char *text = json_dumps(r->documents[i], JSON_COMPACT | JSON_REAL_PRECISION(15));
        fputs("<details><summary>", out);
        zoe__html_text(out, r->names[i]);
        fprintf(out, "</summary><textarea readonly id=f%zu>", i);
        zoe__html_text(out, text ? text : "");
        fprintf(
            out,
            "</textarea><br><button onclick=\"navigator.clipboard.writeText(document.getElementById('f%zu').value)\">"
            "Copy</button></details>\n",
            i);
        free(text);
    }
}

zoe_status zoe__report_html(const zoe__report *r, char **text)
{
    size_t size;
    FILE *out = open_memstream(text, &size);
    ZOE_FAIL_IF(r->context, !out, ZOE_MEMORY, "no memory for the report");
    fputs("<!doctype html>\n<html lang=en><head><meta charset=utf-8><meta name=viewport content=\"width=device-width\">"
          "<title>zoe bench</title>\n<style>\n",
          out);
    fputs(STYLE, out);
    fprintf(out, "</style></head><body>\n<h1>zoe bench: %s</h1>\n", text_of(r->documents[0], "suite_id"));
    fputs(
        "<p>Medians of fresh processes with their 95 % intervals. Each result was checked, where it has one against "
        "its definition in double; what was wrong has no speed and is in no mean. Arithmetic is counted from the "
        "definition (<i>effective</i> where an algorithm does less).</p>\n",
        out);
    devices(out, r);
    zoe__plot_ranking(out, r);
    zoe__plot_bars(out, r);
    zoe__plot_roofline(out, r);
    zoe__plot_ratios(out, r);
    figures(out, r);
    left_out(out, r);
    environment(out, r);
    files(out, r);
    fputs("</body></html>\n", out);
    ZOE_FAIL_IF(r->context, fclose(out) != 0, ZOE_MEMORY, "no memory for the report");
    return ZOE_OK;
}
