/* SPDX-License-Identifier: Apache-2.0
 *
 * The pictures of a report, in SVG: who is fastest over all, case by case, how near the roof, by how much and how sure.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/compare.h"
#include "bench/report.h"
#include "bench/table.h"

enum { WIDTH = 960, LEFT = 190, RIGHT = 290, BAR = 16, MOST = 256 };

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static double at(const json_t *array, size_t i)
{
    return json_number_value(json_array_get(array, i));
}

static void open_picture(FILE *out, const char *title, const char *note, int height)
{
    fprintf(out, "<h2>%s</h2>\n<p>%s</p>\n<svg viewBox=\"0 0 %d %d\" role=img aria-label=\"%s\">\n", title, note, WIDTH,
            height, title);
}

static void put_text(FILE *out, double x, double y, const char *anchor, const char *class, const char *text)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">", x, y, anchor, class);
    zoe__html_text(out, text);
    fputs("</text>\n", out);
}

static void whisker(FILE *out, double low, double high, double y)
{
    fprintf(out, "<path class=\"whisker\" d=\"M%.1f %.1fV%.1fM%.1f %.1fH%.1fM%.1f %.1fV%.1f\"/>\n", low, y - 4, y + 4,
            low, y, high, high, y - 4, y + 4);
}

static void line(FILE *out, double x1, double y1, double x2, double y2, const char *style)
{
    fprintf(out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", x1, y1, x2, y2, style);
}

/* ---- bars, the fastest first ---- */

typedef struct bar {
    size_t series;
    double value, low, high;
    char label[112];
} bar;

static int by_value(const void *a, const void *b)
{
    const bar *x = a, *y = b;
    return (x->value < y->value) - (x->value > y->value);
}

/* Bars from y on; their lengths are shares of the largest. Whiskers that leave the picture are cut. */
static void put_bars(FILE *out, const zoe__report *r, bar *bars, size_t count, double y)
{
    double most = 0;
    qsort(bars, count, sizeof *bars, by_value);
    for (size_t i = 0; i < count; i++) most = fmax(most, fmax(bars[i].value, fmin(bars[i].high, bars[i].value * 1.3)));
    const double unit = (WIDTH - LEFT - RIGHT) / fmax(most, 1e-300);
    for (size_t i = 0; i < count; i++, y += BAR + 4) {
        const bar *b = &bars[i];
        put_text(out, LEFT - 8, y + BAR - 4, "end", "", r->series[b->series].label);
        fprintf(out, "<rect x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", LEFT, y, b->value * unit,
                BAR, zoe__series_colour(b->series));
        if (b->high > b->low) whisker(out, LEFT + b->low * unit, LEFT + fmin(b->high, most) * unit, y + BAR / 2.0);
        put_text(out, WIDTH - RIGHT + 10, y + BAR - 4, "start", "small", b->label);
    }
}

void zoe__plot_ranking(FILE *out, const zoe__report *r)
{
    bar bars[MOST];
    size_t count = 0;
    char note[300];
    for (size_t i = 0; i < r->series_count && count < MOST; i++) {
        const json_t *c = r->series[i].comparison, *ci = json_object_get(c, "geomean_ci95");
        if (i != r->base && !c) continue;
        bar *b = &bars[count++];
        *b = (bar){.series = i, .value = 1, .low = 1, .high = 1, .label = "1 (the base)"};
        if (i == r->base) continue;
        b->value = number(c, "geomean");
        b->low = at(ci, 0);
        b->high = at(ci, 1);
        zoe__format(b->label, sizeof b->label, "%.3g [%.3g, %.3g], %.0f cases", b->value, b->low, b->high,
                    number(c, "count"));
    }
    if (count < 2) return;
    zoe__format(note, sizeof note,
                "Geometric mean of the speeds over those of the base, over the cases that both have.");
    open_picture(out, "Ranking", note, (int)count * (BAR + 4) + 6);
    put_bars(out, r, bars, count, 2);
    fputs("</svg>\n", out);
}

/* The ids of all files in the order of their coming, without the roofs. */
static size_t all_ids(const zoe__report *r, const char **ids, size_t room)
{
    size_t count = 0;
    for (size_t d = 0; d < r->document_count; d++) {
        size_t i, k;
        json_t *row;
        json_array_foreach(json_object_get(r->documents[d], "cases"), i, row)
        {
            const char *id = text_of(row, "id");
            for (k = 0; k < count && strcmp(ids[k], id); k++) {
            }
            if (k == count && count < room && strncmp(id, "roof ", 5)) ids[count++] = id;
        }
    }
    return count;
}

static size_t bars_of(const zoe__report *r, const char *id, bar *bars)
{
    size_t count = 0;
    for (size_t i = 0; i < r->series_count; i++) {
        const json_t *row = zoe__series_row(&r->series[i], id), *ci = json_object_get(row, "ci95_ns");
        char speed[48], interval[48], share[16], marks[96];
        if (!row || count >= MOST) continue;
        zoe__table_cells(row, speed, interval, share, marks);
        bar *b = &bars[count++];
        *b = (bar){.series = i};
        if (zoe__row_counts(row)) {
            b->value = 1 / number(row, "median_ns");
            b->low = 1 / at(ci, 1);
            b->high = 1 / at(ci, 0);
        }
        zoe__format(b->label, sizeof b->label, "%s %s%s%s", speed, interval, strstr(marks, "noisy") ? " noisy" : "",
                    strstr(marks, "invalid") ? " invalid" : "");
    }
    return count;
}

void zoe__plot_bars(FILE *out, const zoe__report *r)
{
    const char *ids[1024];
    bar bars[MOST];
    const size_t count = all_ids(r, ids, sizeof ids / sizeof *ids);
    double height = 0, y = 0;
    if (!count) return;
    for (size_t i = 0; i < count; i++) height += 30 + (BAR + 4) * (double)bars_of(r, ids[i], bars);
    open_picture(out, "Case by case", "The fastest of a case fills the width; whiskers are 95 % intervals.",
                 (int)height + 6);
    for (size_t i = 0; i < count; i++) {
        const size_t n = bars_of(r, ids[i], bars);
        put_text(out, 4, y + 20, "start", "", ids[i]);
        put_bars(out, r, bars, n, y + 26);
        y += 30 + (BAR + 4) * (double)n;
    }
    fputs("</svg>\n", out);
}

/* ---- the roofline ---- */

typedef struct axis {
    double low, high; /* powers of ten, as logarithms */
    double from, to;  /* in the picture */
} axis;

static double place(const axis *a, double value)
{
    return a->from + (log10(value) - a->low) / (a->high - a->low) * (a->to - a->from);
}

/* Is it a point of the scatter? *x: FLOP a byte, *y: GFLOP/s. */
static bool point(const json_t *row, double *x, double *y)
{
    const double flops = number(row, "flops"), bytes = number(row, "bytes"), ns = number(row, "median_ns");
    const char *id = text_of(row, "id");
    const bool roof = !strncmp(id, "roof ", 5) && strncmp(id, "roof mix ", 9);
    if (!(flops > 0) || !(bytes > 0) || !(ns > 0) || roof) return false;
    *x = flops / bytes;
    *y = flops / ns;
    return zoe__row_counts(row);
}

/* Peaks of a series by its cases "roof ..", GFLOP/s and GB/s of the largest array; 0: not measured. */
static void peaks(const zoe__series *s, double *fma, double *memory)
{
    double largest = 0;
    size_t i;
    json_t *row;
    *fma = *memory = 0;
    json_array_foreach(json_object_get(s->document, "cases"), i, row)
    {
        const char *id = text_of(row, "id");
        const double ns = number(row, "min_ns"), bytes = number(row, "bytes");
        if (strcmp(text_of(row, "device"), s->device) || !(ns > 0)) continue;
        if (!strncmp(id, "roof fma float", 14) || !strncmp(id, "roof mad float", 14))
            *fma = fmax(*fma, number(row, "flops") / ns);
        if (strncmp(id, "roof triad", 10) || bytes < largest) continue;
        largest = bytes;
        *memory = bytes / ns;
    }
}

static bool fit_axes(const zoe__report *r, axis *x, axis *y)
{
    *x = (axis){INFINITY, -INFINITY, 70, WIDTH - 20};
    *y = (axis){INFINITY, -INFINITY, 400, 20};
    for (size_t s = 0; s < r->series_count; s++) {
        double fma, memory, px, py;
        size_t i;
        json_t *row;
        peaks(&r->series[s], &fma, &memory);
        if (fma > 0) y->high = fmax(y->high, log10(fma));
        json_array_foreach(json_object_get(r->series[s].document, "cases"), i, row)
        {
            if (strcmp(text_of(row, "device"), r->series[s].device) || !point(row, &px, &py)) continue;
            x->low = fmin(x->low, log10(px));
            x->high = fmax(x->high, log10(px));
            y->low = fmin(y->low, log10(py));
            y->high = fmax(y->high, log10(py));
        }
    }
    if (!isfinite(x->low) || !isfinite(y->low)) return false;
    x->low = floor(x->low - 0.2);
    x->high = ceil(x->high + 0.2);
    y->low = floor(y->low - 0.1);
    y->high = ceil(y->high + 0.1);
    return true;
}

static void grid(FILE *out, const axis *x, const axis *y)
{
    char text[32];
    for (double d = x->low; d <= x->high; d++) {
        const double p = place(x, pow(10, d));
        line(out, p, y->from, p, y->to, "class=\"grid\"");
        zoe__format(text, sizeof text, "%g", pow(10, d));
        put_text(out, p, y->from + 16, "middle", "small", text);
    }
    for (double d = y->low; d <= y->high; d++) {
        const double p = place(y, pow(10, d));
        line(out, x->from, p, x->to, p, "class=\"grid\"");
        zoe__format(text, sizeof text, "%g", pow(10, d));
        put_text(out, x->from - 6, p + 4, "end", "small", text);
    }
    put_text(out, (x->from + x->to) / 2, y->from + 34, "middle", "", "FLOP a byte, by the definition");
    put_text(out, x->from, y->to - 6, "start", "", "GFLOP/s");
}

static void roof(FILE *out, const axis *x, const axis *y, const zoe__series *s, const char *colour)
{
    double fma, memory;
    peaks(s, &fma, &memory);
    if (!(fma > 0) || !(memory > 0)) return;
    const double ridge = fma / memory, left = fmax(pow(10, x->low), pow(10, y->low) / memory), right = pow(10, x->high);
    fprintf(out, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" stroke-dasharray=\"5 3\" d=\"", colour);
    if (left < ridge)
        fprintf(out, "M%.1f %.1fL%.1f %.1f", place(x, left), place(y, left * memory), place(x, fmin(ridge, right)),
                place(y, fmin(ridge, right) * memory));
    if (ridge < right)
        fprintf(out, "M%.1f %.1fH%.1f", place(x, fmax(ridge, pow(10, x->low))), place(y, fma), place(x, right));
    fputs("\"/>\n", out);
}

void zoe__plot_roofline(FILE *out, const zoe__report *r)
{
    axis x, y;
    if (!fit_axes(r, &x, &y)) return;
    open_picture(
        out, "Roofline",
        "Speed over work a byte, both logarithmic. Dashed: what registers and memory (the largest array) allow. "
        "Rings stand for algorithms that do less arithmetic than the definition, which may pass the roof; small "
        "cases live in caches and may pass the slope.",
        450);
    grid(out, &x, &y);
    for (size_t s = 0; s < r->series_count; s++) {
        const char *colour = zoe__series_colour(s);
        size_t i;
        json_t *row;
        roof(out, &x, &y, &r->series[s], colour);
        json_array_foreach(json_object_get(r->series[s].document, "cases"), i, row)
        {
            double px, py;
            char marks[96], speed[48], ci[48], share[16];
            if (strcmp(text_of(row, "device"), r->series[s].device) || !point(row, &px, &py)) continue;
            zoe__table_cells(row, speed, ci, share, marks);
            const bool ring = strstr(marks, "effective") != NULL;
            fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"%s\" stroke=\"%s\" stroke-width=\"2\"><title>",
                    place(&x, px), place(&y, py), ring ? "none" : colour, colour);
            zoe__html_text(out, r->series[s].label);
            fputs(": ", out);
            zoe__html_text(out, text_of(row, "id"));
            fprintf(out, ", %s</title></circle>\n", speed);
        }
    }
    fputs("</svg>\n", out);
}

/* ---- ratios with their intervals ---- */

static void forest(FILE *out, const zoe__report *r, size_t s)
{
    const json_t *c = r->series[s].comparison, *cases = json_object_get(c, "cases");
    const double top = 24, step = 20, height = top + step * (double)(json_array_size(cases) + 1) + 30;
    axis x = {log10(0.5), log10(2), 470, WIDTH - 150};
    size_t i;
    json_t *one;
    char title[160], text[96];
    json_array_foreach(cases, i, one)
    {
        x.low = fmin(x.low, log10(number(one, "ratio")) - 0.1);
        x.high = fmax(x.high, log10(number(one, "ratio")) + 0.1);
    }
    zoe__format(title, sizeof title, "%s over %s", r->series[s].label, r->series[r->base].label);
    open_picture(out, title,
                 "Ratio of speeds, above 1 faster, with its 95 % interval (cut at the edges); full marks are verdicts.",
                 (int)height);
    line(out, place(&x, 1), top - 8, place(&x, 1), height - 26, "class=\"whisker\"");
    static const double ticks[] = {1e-4, 0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10, 100, 1000};
    for (size_t k = 0; k < sizeof ticks / sizeof *ticks; k++) {
        if (log10(ticks[k]) < x.low || log10(ticks[k]) > x.high) continue;
        zoe__format(text, sizeof text, "%g", ticks[k]);
        line(out, place(&x, ticks[k]), top - 8, place(&x, ticks[k]), height - 26, "class=\"grid\"");
        put_text(out, place(&x, ticks[k]), height - 10, "middle", "small", text);
    }
    const double low = pow(10, x.low), high = pow(10, x.high);
    for (i = 0; i <= json_array_size(cases); i++) {
        one = json_array_get(cases, i);
        const json_t *ci = json_object_get(one ? one : c, one ? "ci95" : "geomean_ci95");
        const double ratio = number(one ? one : c, one ? "ratio" : "geomean"), y = top + step * (double)i;
        const bool verdict = one && strcmp(text_of(one, "verdict"), "same");
        put_text(out, 460, y + 4, "end", "small", one ? text_of(one, "id") : "geometric mean");
        whisker(out, place(&x, fmin(high, fmax(low, at(ci, 0)))), place(&x, fmax(low, fmin(high, at(ci, 1)))), y);
        fprintf(
            out,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"9\" height=\"9\" fill=\"%s\" stroke=\"%s\" stroke-width=\"2\"%s/>\n",
            place(&x, ratio) - 4.5, y - 4.5, verdict || !one ? zoe__series_colour(s) : "var(--back)",
            zoe__series_colour(s), one ? "" : " rx=\"5\"");
        zoe__format(text, sizeof text, ratio < 0.1 ? "%.2g %s" : "%.3f %s", ratio, one ? text_of(one, "verdict") : "");
        put_text(out, WIDTH - 140, y + 4, "start", "small", text);
    }
    fputs("</svg>\n", out);
}

void zoe__plot_ratios(FILE *out, const zoe__report *r)
{
    for (size_t s = 0; s < r->series_count; s++)
        if (r->series[s].comparison) forest(out, r, s);
}
