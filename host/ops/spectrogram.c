/* SPDX-License-Identifier: Apache-2.0
 *
 * spectrogram: sound to log-spectrograms, a frame of `window` samples each `hop` samples. L samples, J = (L - window) /
 * hop + 1 frames, F the size of the transform, M = F / 2, bins 0..M. Kernels: cl/spectrogram.cl. */
#include "ops/node.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double PI = 3.14159265358979323846;

/* Bands of mels: HTK's scale, mel = 2595 log10(1 + f / 700), triangles of height 1 between neighbours. */
static double mel_edge(const zoe_spectrogram_options *o, int i)
{
    const double low = 2595 * log10(1 + (double)o->low / 700), high = 2595 * log10(1 + (double)o->high / 700);
    return 700 * (pow(10, (low + (high - low) * i / (o->mels + 1)) / 2595) - 1);
}

static double mel_weight(const zoe_spectrogram_options *o, int mel, int bin)
{
    const double f = (double)o->rate * bin / o->fft, left = mel_edge(o, mel), middle = mel_edge(o, mel + 1),
                 right = mel_edge(o, mel + 2);
    const double rise = (f - left) / (middle - left), fall = (right - f) / (right - middle);
    return fmax(0, fmin(rise, fall));
}

static double window_at(const zoe_spectrogram_options *o, int i)
{
    return 0.5 - 0.5 * cos(2 * PI * i / o->window); /* periodic Hann */
}

/* ---- definition ---- */

/* The transform of n = 2^k complex numbers, from their bit-reversed order, by halves. */
static void transform(double *re, double *im, int n)
{
    for (int half = 1; half < n; half *= 2)
        for (int j = 0; j < half; j++) {
            const double c = cos(PI * j / half), s = -sin(PI * j / half);
            for (int a = j; a < n; a += 2 * half) {
                const int b = a + half;
                const double x = re[b] * c - im[b] * s, y = re[b] * s + im[b] * c;
                re[b] = re[a] - x;
                im[b] = im[a] - y;
                re[a] += x;
                im[a] += y;
            }
        }
}

/* Magnitudes (or their squares) of the bins 0..M of one frame into out; re, im: scratch of F. */
static void magnitudes(const zoe_spectrogram_options *o, const double *pcm, double *re, double *im, double *out)
{
    int reversed = 0;
    for (int i = 0; i < o->fft; i++) {
        re[reversed] = i < o->window ? pcm[i] * window_at(o, i) : 0;
        im[reversed] = 0;
        int bit = o->fft / 2;
        for (; bit && reversed & bit; bit /= 2) reversed ^= bit;
        reversed |= bit;
    }
    transform(re, im, o->fft);
    for (int k = 0; k <= o->fft / 2; k++) {
        const double square = re[k] * re[k] + im[k] * im[k];
        out[k] = o->power ? square : sqrt(square);
    }
}

static double band(const zoe_spectrogram_options *o, const double *bins, int b)
{
    if (!o->mels) return bins[b];
    double sum = 0;
    for (int k = 0; k <= o->fft / 2; k++) sum += bins[k] * mel_weight(o, b, k);
    return sum;
}

/* aux 0: scratch. */
static void ref_forward(const zoe__ref *ref)
{
    const zoe_spectrogram_options *o = ref->node->options;
    const zoe_shape out = ref->y_shape;
    const size_t length = (size_t)ref->x_shape[0].w, image = (size_t)out.h * (size_t)out.w;
    double *re = ref->aux[0], *im = re + o->fft, *bins = im + o->fft;
    memset(ref->y, 0, zoe_shape_count(out) * sizeof *ref->y);
    for (int n = 0; n < out.n; n++) {
        const double gain = ref->node->inputs > 1 ? fabs(zoe__ref_i32(ref, 1)[n] / 65536.0) : 1;
        for (int j = 0; j < out.w * o->pool_frames; j++) {
            magnitudes(o, ref->x[0] + (size_t)n * length + (size_t)j * (size_t)o->hop, re, im, bins);
            for (int k = 0; k <= o->fft / 2; k++) bins[k] *= o->power ? gain * gain : gain;
            for (int b = 0; b < out.h * o->pool_bins; b++) {
                const double value = band(o, bins, b), level = o->log ? log(value + (double)o->eps) : value;
                ref->y[(size_t)n * image + (size_t)(b / o->pool_bins) * (size_t)out.w + (size_t)(j / o->pool_frames)] +=
                    level / (o->pool_bins * o->pool_frames);
            }
        }
    }
    for (size_t i = 0; i < zoe_shape_count(out); i++) ref->y[i] = (ref->y[i] - (double)o->mean) / (double)o->std;
}

/* ---- device: tables are made here, in double, and written whenever the weights are prepared ---- */

typedef struct tables {
    zoe__mem *mem;
    size_t floats;
    float data[];
} tables;

static size_t table_floats(const zoe_spectrogram_options *o)
{
    const size_t half = (size_t)o->fft / 2, mels = (size_t)o->mels;
    return (size_t)o->window + 2 * (size_t)o->fft + half + mels * (2 + half + 1);
}

static bool is_odd(const zoe_spectrogram_options *o) /* F / 2 is no power of 4 */
{
    int m = o->fft / 2;
    while (m >= 4) m /= 4;
    return m == 2;
}

/* Where Z[k] stands after the kernels' transform of m numbers. */
static int32_t place(int k, int m, bool odd)
{
    int32_t at = 0;
    if (odd) {
        m /= 2;
        at = k % 2 * m;
        k /= 2;
    }
    for (m /= 4; m >= 1; m /= 4, k /= 4) at += k % 4 * m;
    return at;
}

static void fill_bands(const zoe_spectrogram_options *o, float *bounds, float *weights)
{
    const int half = o->fft / 2;
    for (int b = 0; b < o->mels; b++) {
        int32_t range[2] = {half + 1, 0};
        for (int k = 0; k <= half; k++) {
            const double w = mel_weight(o, b, k);
            weights[(size_t)b * (size_t)(half + 1) + (size_t)k] = (float)w;
            if (w > 0 && k < range[0]) range[0] = k;
            if (w > 0) range[1] = k + 1;
        }
        memcpy(bounds + 2 * b, range, sizeof range);
    }
}

static void fill_tables(const zoe_spectrogram_options *o, float *to)
{
    for (int i = 0; i < o->window; i++) *to++ = (float)window_at(o, i);
    for (int j = 0; j < o->fft; j++) {
        *to++ = (float)cos(2 * PI * j / o->fft);
        *to++ = (float)-sin(2 * PI * j / o->fft);
    }
    for (int k = 0; k < o->fft / 2; k++) {
        const int32_t at = place(k, o->fft / 2, is_odd(o));
        memcpy(to++, &at, sizeof at);
    }
    fill_bands(o, to, to + 2 * o->mels);
}

static zoe_status write_tables(zoe_device *device, void *user)
{
    const tables *t = user;
    (void)device;
    return zoe__mem_write_later(t->mem, 0, t->data, t->floats * sizeof(float));
}

/* A work-item of the vector family keeps its whole transform in private memory: 2 * 2048 * 32 bytes, and no more. */
static zoe_status make_plan(zoe_plan *plan, zoe__node *node)
{
    const zoe_spectrogram_options *o = node->options;
    const bool vector = zoe_device_get_info(zoe__plan_device(plan))->family == ZOE_FAMILY_VECTOR;
    if (vector && o->fft > 2048) return ZOE_UNSUPPORTED;
    zoe__plan_planar(plan, node->input[0]);
    zoe__plan_derived(plan, node, 0, table_floats(node->options));
    return ZOE_OK;
}

static zoe_status emit_tables(zoe_plan *plan, zoe__node *node)
{
    const zoe_spectrogram_options *o = node->options;
    const size_t floats = table_floats(o);
    tables *t = calloc(1, sizeof *t + floats * sizeof(float));
    ZOE_FAIL_IF(zoe__plan_context(plan), !t, ZOE_MEMORY, "out of memory: tables of '%s'", node->name);
    *t = (tables){.mem = zoe__plan_derived_mem(plan, node, 0), .floats = floats};
    fill_tables(o, t->data);
    zoe__plan_prepare_begin(plan);
    const zoe_status status = zoe__plan_call(plan, node, "spectrogram_tables", 0, write_tables, t);
    zoe__plan_prepare_end(plan);
    return status;
}

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    const zoe_spectrogram_options *o = node->options;
    const zoe__view *x = zoe__plan_x(plan, node, 0), *y = zoe__plan_y(plan, node);
    const zoe_device_info *device = zoe_device_get_info(zoe__plan_device(plan));
    const bool gains = node->inputs > 1;
    const size_t frames = (size_t)(y->shape.w * o->pool_frames), sounds = (size_t)y->shape.n;
    char options[64];
    ZOE_TRY(emit_tables(plan, node));
    zoe__launch_spec spec;
    size_t items = sounds * (size_t)y->shape.w;
    if (device->family == ZOE_FAMILY_VECTOR) {
        const size_t lanes = (size_t)device->lanes;
        items = sounds * ((frames + lanes - 1) / lanes);
        spec = zoe__spec_items(plan, "spectrogram", "spectrogram", items);
    } else {
        spec = zoe__spec_groups(plan, "spectrogram", "spectrogram", items);
    }
    zoe__format(options, sizeof options, "-DFFT=%d%s", o->fft, is_odd(o) ? " -DODD=1" : "");
    spec.options = options;
    spec.bytes = zoe__view_bytes(x) + zoe__view_bytes(y);
    return zoe__plan_launch(plan, node, &spec, "vmmviiiiiiifiiffii", x,
                            gains ? zoe__plan_x(plan, node, 1)->mem : zoe__plan_derived_mem(plan, node, 0),
                            zoe__plan_derived_mem(plan, node, 0), y, x->planar ? 1 : 8, y->planar ? 1 : 8, o->window,
                            o->hop, o->mels, (int)o->power, (int)o->log, (double)o->eps, o->pool_bins, o->pool_frames,
                            (double)o->mean, 1 / (double)o->std, (int)items, (int)gains);
}

static double flops(const zoe_graph *graph, const zoe__node *node)
{
    const zoe_spectrogram_options *o = node->options;
    const zoe_shape y = zoe_graph_shape(graph, node->output);
    return 2.5 * o->fft * log2(o->fft) * y.n * y.w * o->pool_frames;
}

/* ---- constructor ---- */

zoe_spectrogram_options zoe_spectrogram_options_default(void)
{
    return (zoe_spectrogram_options){.window = 480,
                                     .hop = 240,
                                     .fft = 512,
                                     .log = true,
                                     .eps = 1e-5f,
                                     .rate = 48000,
                                     .high = 24000,
                                     .pool_bins = 1,
                                     .pool_frames = 1,
                                     .std = 1};
}

/* NULL, or what is wrong with the options. */
static const char *fault(const zoe_spectrogram_options *o)
{
    if (o->fft < 16 || o->fft > 4096 || (o->fft & (o->fft - 1))) return "fft: a power of 2 from 16 to 4096";
    if (o->window < 2 || o->window > o->fft) return "window: 2 to fft samples";
    if (o->hop < 1) return "hop: at least 1 sample";
    if (o->pool_bins < 1 || o->pool_bins > o->fft / 2) return "pool_bins: 1 to fft / 2";
    if (o->pool_frames != 1 && o->pool_frames != 2 && o->pool_frames != 4 && o->pool_frames != 8)
        return "pool_frames: 1, 2, 4 or 8";
    if (o->bins < 0 || o->bins > o->fft / 2 + 1) return "bins: 0 to fft / 2 + 1";
    if (o->mels < 0 || o->mels > 512) return "mels: 0 to 512";
    if (o->mels && !(o->rate > 0 && o->low >= 0 && o->high > o->low)) return "mels: rate > 0 and 0 <= low < high";
    if (!(o->std > 0)) return "std: above 0";
    if (o->log && !(o->eps > 0)) return "eps: above 0 with log";
    return NULL;
}

zoe_shape zoe_spectrogram_shape(const zoe_spectrogram_options *o, int n, int samples)
{
    const int rows = o->mels ? o->mels : o->bins ? o->bins : o->fft / 2 + 1;
    const int frames = samples < o->window ? 0 : (samples - o->window) / o->hop + 1;
    return (zoe_shape){n, 1, rows / o->pool_bins, frames / o->pool_frames};
}

extern const zoe__op zoe__op_spectrogram;

zoe_value zoe_spectrogram(zoe_graph *graph, const char *name, zoe_value pcm, zoe_value gains,
                          const zoe_spectrogram_options *options)
{
    zoe__node node;
    const bool with_gains = gains != ZOE_NO_VALUE;
    if (!zoe__node_begin(graph, &node, &zoe__op_spectrogram, name, (zoe_value[]){pcm, gains}, with_gains ? 2 : 1))
        return ZOE_NO_VALUE;
    zoe_spectrogram_options o = *options;
    const char *wrong = fault(&o);
    const zoe_shape in = zoe_graph_shape(graph, pcm), g = zoe_graph_shape(graph, with_gains ? gains : pcm);
    if (wrong) return zoe__graph_mistake(graph, ZOE_CONFIG, "%s (spectrogram): %s", name, wrong);
    const zoe_shape out = zoe_spectrogram_shape(&o, in.n, in.w);
    if (in.c != 1 || in.h != 1)
        return zoe__graph_mistake(graph, ZOE_SHAPE, "%s (spectrogram): sound is %dx%dx%dx%d, wanted Nx1x1xL", name,
                                  in.n, in.c, in.h, in.w);
    if (out.h < 1 || out.w < 1)
        return zoe__graph_mistake(graph, ZOE_SHAPE, "%s (spectrogram): %d samples give %d rows and %d columns", name,
                                  in.w, out.h, out.w);
    if (with_gains && (zoe__graph_value(graph, gains)->dtype != ZOE_I32 || zoe_shape_count(g) != (size_t)in.n))
        return zoe__graph_mistake(graph, ZOE_SHAPE, "%s (spectrogram): gains must be of type I32, %dx1x1x1", name,
                                  in.n);
    node.options = &o;
    node.options_bytes = sizeof o;
    node.aux_doubles[0] = 2 * (size_t)o.fft + (size_t)o.fft / 2 + 1;
    return zoe__graph_add(graph, &node, out);
}

const zoe__op zoe__op_spectrogram = {
    .name = "spectrogram",
    .no_gradient = true,
    .integer_inputs = 1 << 1,
    .float_inputs = 1 << 0,
    .ref_forward = ref_forward,
    .plan = make_plan,
    .forward = forward,
    .flops = flops,
};
