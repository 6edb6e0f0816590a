/* SPDX-License-Identifier: Apache-2.0
 *
 * Shuffle & learn (Misra, Zitnick, Hebert, ECCV 2016): is the middle of three frames also the middle in time?
 *
 * A window holds frames a < b < c < d < e of one clip. (b, c, d) is in order: class 1. (b, a, d) and (b, e, d) are not:
 * class 0. Tuples of a window share b and d, only the middle differs, so b and d give nothing away. b and d change
 * places half the time: played backwards a tuple keeps its class. All frames of a window get the same crop, flip and
 * order of colours.
 *
 * Windows are drawn by motion: of `candidates` uniform ones (clip, place, gaps) one is taken with probability
 * proportional to the motion summed over a..e, because in a still stretch the question has no answer.
 *
 * Two recipes. small: F = 2 + G frames [b, c, d, m1, ..] go through the backbone once, G tuples are put together from
 * the features, a head with a hidden layer (a linear one learns nothing at that size). paper: three streams as one
 * batch of 3 G B frames [first][middle] [last], one linear layer on 3 x fc7. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <zoe/op.h>
#include <zoe/task.h>

#include "core/core.h"
#include "core/philox.h"

enum { STREAM = 0x5348 }; /* sets our draws apart from others of the same seed */

typedef struct settings {
    int tau_max, tau_min, spread; /* |b-d| at most; a-b and d-e: tau_min .. tau_min + spread; frames */
    int near, gap;                /* |b-d| at least; c this far from b and d at least */
    int candidates;
    bool codec;   /* motion by the codec's vectors, else by frame differences */
    bool streams; /* the paper's three streams */
    int hidden;   /* width of the head's hidden layer; 0 = linear */
    float dropout;
    bool colours;      /* channels of a training window in a random order */
    double differ;     /* mean squared difference c must have from a and e */
    size_t *usable[2]; /* clips long enough, by split */
} settings;

/* One window: ranks of a, b, c, d, e in clip. */
typedef struct window {
    size_t clip;
    int a, b, c, d, e;
} window;

/* ---- sampler ---- */

static int shortest_clip(const settings *s)
{
    return s->near + 2 * s->tau_min + 1;
}

static window draw_candidate(const zoe_task *task, zoe_split split, zoe__random *random)
{
    const settings *s = task->state;
    window w = {.clip = s->usable[split][zoe__random_below(random, (uint32_t)task->usable[split])]};
    const int frames = zoe_pack_clip(task->pack, w.clip)->frames;
    int bd = s->near, before = s->tau_min, after = s->tau_min;
    /* Lengths that do not fit a short clip are drawn again; the least ones always fit. */
    for (int i = 0; i < 32; i++) {
        const int x = zoe__random_range(random, s->near, s->tau_max);
        const int y = zoe__random_range(random, s->tau_min, s->tau_min + s->spread);
        const int z = zoe__random_range(random, s->tau_min, s->tau_min + s->spread);
        if (x + y + z >= frames) continue;
        bd = x;
        before = y;
        after = z;
        break;
    }
    w.a = zoe__random_range(random, 0, frames - 1 - (before + bd + after));
    w.b = w.a + before;
    w.c = w.b + zoe__random_range(random, s->gap, bd - s->gap);
    w.d = w.b + bd;
    w.e = w.d + after;
    return w;
}

static double weigh(const zoe_task *task, const window *w)
{
    const zoe_clip *clip = zoe_pack_clip(task->pack, w->clip);
    const float *motion = ((const settings *)task->state)->codec ? clip->motion : clip->difference;
    if (clip->tainted && (clip->tainted[w->a] || clip->tainted[w->b] || clip->tainted[w->c] || clip->tainted[w->d] ||
                          clip->tainted[w->e]))
        return 1e-12;
    double sum = 1e-6; /* still clips can be drawn too when there is nothing else */
    for (int i = w->a + 1; i <= w->e; i++) sum += (double)motion[i];
    return sum;
}

/* Reservoir of one: candidate i replaces the choice with probability weight / sum so far. */
static window draw_window(const zoe_task *task, zoe_split split, zoe__random *random)
{
    const settings *s = task->state;
    window chosen = {0};
    double sum = 0;
    for (int i = 0; i < s->candidates; i++) {
        const window w = draw_candidate(task, split, random);
        const double weight = weigh(task, &w);
        sum += weight;
        if (zoe__random_uniform(random) * sum < weight) chosen = w;
    }
    return chosen;
}

/* The middles of the G tuples: c first, then frames from outside b..d. */
static void draw_middles(const zoe_task *task, const window *w, int tuples, zoe__random *random, int *middle)
{
    const settings *s = task->state;
    const int frames = zoe_pack_clip(task->pack, w->clip)->frames;
    const bool left = zoe__random_below(random, 2);
    middle[0] = w->c;
    middle[1] = left ? w->a : w->e;
    if (tuples == 2) return;
    middle[2] = left ? w->e : w->a;
    const int gap = zoe__random_range(random, s->tau_min, s->tau_min + s->spread);
    const int before = w->b - gap, after = w->d + gap;
    middle[3] = before >= 0 && (zoe__random_below(random, 2) || after >= frames) ? before
                : after < frames                                                 ? after
                                                                                 : w->a;
}

static void swap_ends(window *w, zoe__random *random)
{
    if (!zoe__random_below(random, 2)) return;
    const int b = w->b;
    w->b = w->d;
    w->d = b;
}

static void sample_training(const zoe_task *task, const window *w, zoe__random *random, zoe_sample *out)
{
    const settings *s = task->state;
    const int tuples = task->tuples[ZOE_SPLIT_TRAIN], crop = task->backbone->crop;
    int middle[ZOE_MAX_TUPLES];
    window turned = *w;
    draw_middles(task, w, tuples, random, middle);
    swap_ends(&turned, random);
    for (int g = 0; g < tuples; g++) {
        out->labels[g] = g == 0;
        if (s->streams) {
            out->ranks[g] = turned.b;
            out->ranks[tuples + g] = middle[g];
            out->ranks[2 * tuples + g] = turned.d;
        } else {
            out->ranks[g ? 2 + g : 1] = middle[g];
        }
    }
    if (!s->streams) {
        out->ranks[0] = turned.b;
        out->ranks[2] = turned.d;
    }
    out->frames = task->frames[ZOE_SPLIT_TRAIN];
    out->top = zoe__random_range(random, 0, task->height - crop);
    out->left = zoe__random_range(random, 0, task->width - crop);
    out->flip = zoe__random_below(random, 2);
    if (s->colours) out->colours = (int)zoe__random_below(random, 6);
}

static void sample_held_out(const zoe_task *task, const window *w, uint32_t index, zoe__random *random, zoe_sample *out)
{
    window turned = *w;
    const bool left = zoe__random_below(random, 2);
    swap_ends(&turned, random);
    out->labels[0] = (int)(index & 1);
    out->ranks[0] = turned.b;
    out->ranks[1] = out->labels[0] ? w->c : left ? w->a : w->e;
    out->ranks[2] = turned.d;
    out->frames = 3;
    out->top = (task->height - task->backbone->crop) / 2;
    out->left = (task->width - task->backbone->crop) / 2;
}

static void sample(const zoe_task *task, zoe_split split, uint64_t seed, int64_t epoch, uint32_t index,
                   uint32_t attempt, zoe_sample *out)
{
    const settings *s = task->state;
    const uint64_t stream =
        (uint64_t)STREAM << 48 | (uint64_t)split << 40 | (uint64_t)(attempt & 255) << 32 | (uint32_t)epoch;
    zoe__random random;
    zoe__random_init(&random, seed, stream, index);
    const window w = draw_window(task, split, &random);
    *out = (zoe_sample){.clip = w.clip};
    if (split == ZOE_SPLIT_TRAIN)
        sample_training(task, &w, &random, out);
    else
        sample_held_out(task, &w, index, &random, out);
    if (s->differ <= 0) return;
    const int check[3] = {w.c, w.a, w.e}; /* for accept() only */
    memcpy(out->ranks + out->frames, check, sizeof check);
    out->frames += 3;
}

/* ---- pixels ---- */

static double mean_square(const uint8_t *x, const uint8_t *y, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        const int d = x[i] - y[i];
        sum += (uint64_t)(d * d);
    }
    return (double)sum / (double)n;
}

static bool accept(const zoe_task *task, const zoe_sample *out, const uint8_t *rgb)
{
    const settings *s = task->state;
    if (s->differ <= 0) return true;
    const size_t bytes = (size_t)task->width * (size_t)task->height * 3;
    const uint8_t *c = rgb + (size_t)(out->frames - 3) * bytes, *a = c + bytes, *e = a + bytes;
    return mean_square(c, a, bytes) > s->differ && mean_square(c, e, bytes) > s->differ;
}

/* In order if the middle is near both ends: (|b-d| - |b-m| - |m-d|) / |b-d|, root mean squares. */
static double pixel_rule(const zoe_task *task, const zoe_sample *out, const uint8_t *rgb)
{
    const size_t bytes = (size_t)task->width * (size_t)task->height * 3;
    const uint8_t *b = rgb, *m = rgb + bytes, *d = m + bytes;
    const double bd = sqrt(mean_square(b, d, bytes)), bm = sqrt(mean_square(b, m, bytes)),
                 md = sqrt(mean_square(m, d, bytes));
    (void)out;
    return (bd - bm - md) / (bd > 1e-9 ? bd : 1e-9);
}

/* ---- network ---- */

static zoe_value build_head(const settings *s, zoe_graph *graph, zoe_value joined)
{
    zoe_linear_options linear = zoe_linear_options_default();
    if (s->hidden > 0) {
        linear.outputs = s->hidden;
        linear.relu = true;
        joined = zoe_linear(graph, "head.fc1", joined, &linear);
    }
    linear.outputs = 2;
    linear.relu = false;
    linear.weight_options.init = ZOE_INIT_GAUSSIAN;
    linear.weight_options.value = 0.01f;
    return zoe_linear(graph, s->hidden > 0 ? "head.fc2" : "head.fc", joined, &linear);
}

static zoe_value join(zoe_graph *graph, const char *name, zoe_value x, zoe_value y, zoe_value z)
{
    const zoe_value three[3] = {x, y, z};
    return zoe_concat_channels(graph, name, three, 3);
}

/* {F*B, features} to {G*B, 3 * features}. */
static zoe_value join_tuples(const zoe_task *task, zoe_graph *graph, zoe_value features, int batch, zoe_split split)
{
    const settings *s = task->state;
    const int tuples = task->tuples[split];
    zoe_value part[ZOE_MAX_FRAMES], joined[ZOE_MAX_TUPLES];
    char name[32];
    const bool streams = s->streams || split == ZOE_SPLIT_HELD_OUT;
    const int parts = streams ? 3 : task->frames[split], images = streams ? tuples * batch : batch;
    for (int k = 0; k < parts; k++) {
        zoe__format(name, sizeof name, "head.frame%d", k);
        part[k] = zoe_slice_batch(graph, name, features, k * images, images);
    }
    if (streams) return join(graph, "head.tuple", part[0], part[1], part[2]);
    for (int g = 0; g < tuples; g++) {
        zoe__format(name, sizeof name, "head.tuple%d", g);
        joined[g] = join(graph, name, part[0], part[g ? 2 + g : 1], part[2]);
    }
    return zoe_concat_batch(graph, "head.tuples", joined, tuples);
}

static void build(const zoe_task *task, zoe_graph *graph, int batch, zoe_split split, zoe_task_graph *out)
{
    const settings *s = task->state;
    const zoe_backbone *net = task->backbone;
    const int images = task->frames[split] * batch;
    zoe_picture_options picture = zoe_picture_options_default();
    picture.height = picture.width = net->crop;
    picture.bgr = net->bgr;
    memcpy(picture.mean, net->mean, sizeof picture.mean);
    memcpy(picture.std, net->std, sizeof picture.std);
    out->bytes = zoe_input(graph, "bytes", ZOE_U8, (zoe_shape){images, 3, task->height, task->width});
    out->table = zoe_input(graph, "table", ZOE_I32, (zoe_shape){images, 4, 1, 1});
    out->labels = zoe_input(graph, "labels", ZOE_I32, (zoe_shape){task->tuples[split] * batch, 1, 1, 1});
    const zoe_value x = zoe_picture(graph, "picture", out->bytes, out->table, &picture);
    const zoe_value features = net->build(graph, x, s->dropout);
    const zoe_value logits = build_head(s, graph, join_tuples(task, graph, features, batch, split));
    out->logits = zoe_graph_keep(graph, logits);
    out->loss = zoe_graph_keep(graph, zoe_softmax_cross_entropy(graph, "loss", logits, out->labels));
}

/* ---- opening ---- */

static zoe_status read_settings(zoe_task *task, settings *s)
{
    const zoe_options *o = task->options;
    s->tau_max = (int)zoe_options_int(o, "tau-max");
    s->tau_min = (int)zoe_options_int(o, "tau-min");
    s->spread = (int)zoe_options_int(o, "tau-spread");
    s->near = (int)zoe_options_int(o, "near");
    s->gap = (int)zoe_options_int(o, "gap");
    s->candidates = (int)zoe_options_int(o, "candidates");
    s->hidden = (int)zoe_options_int(o, "hidden");
    s->dropout = (float)zoe_options_float(o, "dropout");
    s->differ = zoe_options_float(o, "differ");
    s->colours = !strcmp(zoe_options_text(o, "colours"), "shuffle");
    s->codec = !strcmp(zoe_options_text(o, "motion"), "codec");
    s->streams = !strcmp(zoe_options_text(o, "recipe"), "paper");
    ZOE_FAIL_IF(task->context, s->near > s->tau_max, ZOE_CONFIG, "--near %d: more than --tau-max %d", s->near,
                s->tau_max);
    ZOE_FAIL_IF(task->context, s->near < 2 * s->gap, ZOE_CONFIG,
                "--near %d: less than twice --gap %d leaves no place for c", s->near, s->gap);
    task->tuples[ZOE_SPLIT_TRAIN] = zoe_options_float(o, "positives") < 0.4 ? 4 : 2;
    task->tuples[ZOE_SPLIT_HELD_OUT] = 1;
    task->frames[ZOE_SPLIT_TRAIN] = s->streams ? 3 * task->tuples[ZOE_SPLIT_TRAIN] : 2 + task->tuples[ZOE_SPLIT_TRAIN];
    task->frames[ZOE_SPLIT_HELD_OUT] = 3;
    task->classes = 2;
    return ZOE_OK;
}

static zoe_status collect_usable(zoe_task *task, settings *s, zoe_split split)
{
    const int shortest = shortest_clip(s);
    int longest = 0;
    ZOE_TRY(zoe__calloc(task->context, &s->usable[split], task->clip_count[split], sizeof(size_t)));
    for (size_t i = 0; i < task->clip_count[split]; i++) {
        const int frames = zoe_pack_clip(task->pack, task->clips[split][i])->frames;
        if (frames > longest) longest = frames;
        if (frames >= shortest) s->usable[split][task->usable[split]++] = task->clips[split][i];
    }
    ZOE_FAIL_IF(task->context, task->usable[split] == 0, ZOE_DATA,
                "no %s clip is long enough for one tuple: the longest of %zu has %d frames, %d are needed",
                split == ZOE_SPLIT_TRAIN ? "training" : "held-out", task->clip_count[split], longest, shortest);
    return ZOE_OK;
}

static zoe_status open_task(zoe_task *task)
{
    settings *s;
    ZOE_TRY(zoe__calloc(task->context, &task->state, 1, sizeof *s));
    s = task->state;
    ZOE_TRY(read_settings(task, s));
    if (!task->pack) return ZOE_OK;
    ZOE_TRY(collect_usable(task, s, ZOE_SPLIT_TRAIN));
    return collect_usable(task, s, ZOE_SPLIT_HELD_OUT);
}

static void close_task(zoe_task *task)
{
    settings *s = task->state;
    if (s) {
        free(s->usable[0]);
        free(s->usable[1]);
    }
    free(s);
    task->state = NULL;
}

static const zoe_option options[] = {
    {.name = "recipe",
     .type = ZOE_OPTION_WORD,
     .value = "small|paper",
     .fallback = "small",
     .help = "small: learns in minutes with the network mini; paper: Misra et al. 2016, caffenet"},
    {.name = "tau-max",
     .type = ZOE_OPTION_INT,
     .low = 2,
     .high = 10000,
     .unit = "frames",
     .fallback = "8",
     .help = "largest distance of b and d"},
    {.name = "tau-min",
     .type = ZOE_OPTION_INT,
     .low = 1,
     .high = 10000,
     .unit = "frames",
     .fallback = "5",
     .help = "least distance of a from b and of e from d"},
    {.name = "tau-spread",
     .type = ZOE_OPTION_INT,
     .low = 0,
     .high = 10000,
     .unit = "frames",
     .fallback = "2",
     .help = "a and e are up to this much further out than tau-min"},
    {.name = "near",
     .type = ZOE_OPTION_INT,
     .low = 2,
     .high = 10000,
     .unit = "frames",
     .fallback = "6",
     .help = "least distance of b and d"},
    {.name = "gap",
     .type = ZOE_OPTION_INT,
     .low = 1,
     .high = 5000,
     .unit = "frames",
     .fallback = "2",
     .help = "least distance of c from b and d"},
    {.name = "candidates",
     .type = ZOE_OPTION_INT,
     .low = 1,
     .high = 1024,
     .fallback = "8",
     .help = "uniform windows of which one is taken by its motion"},
    {.name = "motion",
     .type = ZOE_OPTION_WORD,
     .value = "difference|codec",
     .fallback = "difference",
     .help = "motion by differences of frames or by the codec's vectors"},
    {.name = "positives",
     .type = ZOE_OPTION_WORD,
     .value = "0.5|0.25",
     .fallback = "0.5",
     .help = "share of tuples in order: a window gives 2 or 4 tuples with the same b and d"},
    {.name = "differ",
     .type = ZOE_OPTION_FLOAT,
     .low = 0,
     .high = 65025,
     .fallback = "0",
     .help = "mean squared difference of RGB values that c must have from a and e; 0: no test"},
    {.name = "hidden",
     .type = ZOE_OPTION_INT,
     .low = 0,
     .high = 65536,
     .fallback = "128",
     .help = "width of the head's hidden layer; 0: one linear layer"},
    {.name = "dropout",
     .type = ZOE_OPTION_FLOAT,
     .low = 0,
     .high = 0.95,
     .fallback = "0",
     .help = "dropout ratio of the network, where it has dropout"},
    {.name = "colours",
     .type = ZOE_OPTION_WORD,
     .value = "keep|shuffle",
     .fallback = "keep",
     .help = "shuffle: red, green and blue of a training window change places at random"},
    {.name = NULL},
};

static zoe_status set_defaults(zoe_options *set)
{
    /* The paper and its authors' code; near and tau-spread are not in them: near is tau-min, the spread a third of it.
     */
    static const char *const paper[][2] = {{"tau-max", "60"},    {"tau-min", "15"},    {"tau-spread", "5"},
                                           {"near", "15"},       {"motion", "codec"},  {"positives", "0.25"},
                                           {"hidden", "0"},      {"dropout", "0.5"},   {"net", "caffenet"},
                                           {"frame", "340x255"}, {"micro", "4"},       {"optimizer", "sgd"},
                                           {"lr", "0.001"},      {"schedule", "step"}, {"milestones", "80000,100000"},
                                           {"warmup", "0"},      {"steps", "120000"}};
    if (strcmp(zoe_options_text(set, "recipe"), "paper")) return ZOE_OK;
    for (size_t i = 0; i < sizeof paper / sizeof paper[0]; i++)
        if (zoe_options_find(set, paper[i][0])) ZOE_TRY(zoe_options_set_default(set, paper[i][0], paper[i][1]));
    /* 128 tuples a step in four micro-batches, however many a window gives. */
    const bool quarter = zoe_options_float(set, "positives") < 0.4;
    return zoe_options_find(set, "batch") ? zoe_options_set_default(set, "batch", quarter ? "32" : "64") : ZOE_OK;
}

const zoe_task_kind zoe__task_shuffle_learn = {
    .name = "shuffle-learn",
    .summary = "which frame comes when: is the middle of three frames the middle in time?",
    .options = options,
    .set_defaults = set_defaults,
    .open = open_task,
    .close = close_task,
    .build = build,
    .sample = sample,
    .accept = accept,
    .pixel_rule = pixel_rule,
};
