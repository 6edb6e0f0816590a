/* SPDX-License-Identifier: Apache-2.0
 *
 * retrieval: is a sound found by its picture, and the other way round? A pool of clips, a frame and the sound around it
 * from each: query against all of the other kind, best score of the task's head first. Within a kind the query is an
 * early frame (its sound), searched for is a late one of the same clip, by the cosine of embeddings (of a map: of their
 * mean over places). Recall at k: the own clip is among the first k. nDCG at 30: those of the query's label count, each
 * 1 / log2(1 + place), divided by what the best order would give. Beside it chance and the same with random weights. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/options.h"
#include "evaluate/clips.h"
#include "evaluate/nearest.h"
#include "evaluate/protocol.h"
#include "evaluate/streams.h"
#include "tasks/correspondence.h"
#include "train/run.h"

enum { IMAGE_TO_SOUND, SOUND_TO_IMAGE, IMAGE_TO_IMAGE, SOUND_TO_SOUND, WAYS, DEPTH = 30 };

static const char *const way_names[WAYS] = {"image_to_sound", "sound_to_image", "image_to_image", "sound_to_sound"};

typedef struct figures {
    double recall[3]; /* at 1, 5, 10; NaN: there is nothing to find */
    double ndcg;
} figures;

static const size_t depths[3] = {1, 5, 10};

typedef struct retrieval {
    zoe_context *context;
    const zoe_options *options;
    zoe__subject subject;
    zoe__clips clips;
    zoe_device *device;
    zoe__streams *streams;
    zoe__pick *picks; /* [2 * count]: early frames, then late ones, of the same clips */
    size_t count, seen, unusable, bad, labels;
    size_t *label; /* [count] */
    bool stills;   /* clips of one frame: no late frame to search for */
    uint8_t *rgb;  /* [2 * count] */
    float *pcm;
    figures trained[WAYS], random[WAYS], chance;
    int draws;
} retrieval;

/* ---- the pool ---- */

/* Clips that were not trained on, spread over the pack when there are more than --pool. */
static zoe_status choose_clips(retrieval *r, size_t **out, size_t *count)
{
    const zoe_pack *pack = r->clips.dataset.pack;
    const bool all = zoe_options_flag(r->options, "all");
    const size_t clips = zoe_pack_clips(pack), most = (size_t)zoe_options_int(r->options, "pool");
    size_t found = 0;
    ZOE_TRY(zoe__calloc(r->context, out, clips, sizeof **out));
    for (size_t i = 0; i < clips; i++) {
        int low, high;
        const zoe_clip *clip = zoe_pack_clip(pack, i);
        if (!all && zoe__subject_has_seen(&r->subject, clip->sha256))
            r->seen++;
        else if (!zoe__avc_frames(zoe__streams_task(r->streams), clip, &low, &high))
            r->unusable++;
        else
            (*out)[found++] = i;
    }
    *count = found < most ? found : most;
    for (size_t i = 0; i < *count; i++) (*out)[i] = (*out)[i * found / *count];
    ZOE_FAIL_IF(r->context, found < 2, ZOE_DATA,
                "%zu clips to search in, 2 are needed: %zu have no window of sound around a frame, %zu were trained on "
                "(--all takes them too)",
                found, r->unusable, r->seen);
    return ZOE_OK;
}

/* Clips of which a frame does not decode leave the pool: the others close up. */
static zoe_status decode(retrieval *r)
{
    const zoe_task *task = zoe__streams_task(r->streams);
    zoe_pack *pack = r->clips.dataset.pack;
    const size_t bytes = (size_t)task->width * (size_t)task->height * 3;
    zoe__pick *sorted;
    size_t count = 2 * r->count, kept = 0;
    ZOE_TRY(zoe__calloc(r->context, &r->rgb, count, bytes));
    ZOE_TRY(zoe__calloc(r->context, &sorted, count, sizeof *sorted)); /* both frames of a clip side by side */
    for (size_t i = 0; i < count; i++) sorted[i] = r->picks[i % 2 * r->count + i / 2];
    zoe_status status = zoe__frames_decode(r->context, pack, sorted, &count, task->width, task->height,
                                           (int)zoe_options_int(r->options, "workers"), r->rgb, &r->bad);
    uint8_t *both = NULL;
    if (status == ZOE_OK) status = zoe__calloc(r->context, &both, count + 1, bytes);
    for (size_t i = 0; status == ZOE_OK && i + 1 < count; i += 2, kept++) {
        r->picks[kept] = sorted[i];
        r->picks[count / 2 + kept] = sorted[i + 1];
        memcpy(both + kept * bytes, r->rgb + i * bytes, bytes);
        memcpy(both + (count / 2 + kept) * bytes, r->rgb + (i + 1) * bytes, bytes);
    }
    free(sorted);
    if (status != ZOE_OK) {
        free(both);
        return status;
    }
    free(r->rgb);
    r->rgb = both;
    r->count = kept;
    ZOE_FAIL_IF(r->context, kept < 2, ZOE_DATA, "%zu clips decode, 2 are needed", kept);
    return ZOE_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static zoe_status name_clips(retrieval *r)
{
    const zoe_pack *pack = r->clips.dataset.pack;
    const char **texts;
    ZOE_TRY(zoe__calloc(r->context, &r->label, r->count, sizeof *r->label));
    ZOE_TRY(zoe__calloc(r->context, &texts, r->count, sizeof *texts));
    for (size_t i = 0; i < r->count; i++) texts[i] = zoe_pack_clip(pack, r->picks[i].clip)->label;
    qsort(texts, r->count, sizeof *texts, by_text);
    for (size_t i = 0; i < r->count; i++)
        if (!i || strcmp(texts[i], texts[r->labels - 1])) texts[r->labels++] = texts[i];
    for (size_t i = 0; i < r->count; i++) {
        const char *label = zoe_pack_clip(pack, r->picks[i].clip)->label;
        r->label[i] = (size_t)((const char **)bsearch(&label, texts, r->labels, sizeof *texts, by_text) - texts);
    }
    free(texts);
    return ZOE_OK;
}

static zoe_status load(retrieval *r)
{
    const zoe_task *task = zoe__streams_task(r->streams);
    size_t *clips = NULL;
    zoe_status status = choose_clips(r, &clips, &r->count);
    if (status == ZOE_OK) status = zoe__calloc(r->context, &r->picks, 2 * r->count, sizeof *r->picks);
    r->stills = true;
    for (size_t i = 0; status == ZOE_OK && i < r->count; i++) {
        int low, high;
        zoe__avc_frames(task, zoe_pack_clip(r->clips.dataset.pack, clips[i]), &low, &high);
        r->picks[i] = (zoe__pick){clips[i], low};
        r->picks[r->count + i] = (zoe__pick){clips[i], high};
        r->stills = r->stills && low == high;
    }
    free(clips);
    ZOE_TRY(status);
    ZOE_TRY(decode(r));
    ZOE_TRY(name_clips(r));
    ZOE_TRY(zoe__calloc(r->context, &r->pcm, 2 * r->count, zoe__streams_samples(r->streams) * sizeof(float)));
    return zoe__streams_hear(r->streams, r->context, r->clips.dataset.pack, r->picks, 2 * r->count, r->pcm);
}

/* ---- figures of one query ---- */

typedef struct scored {
    double score;
    size_t number;
} scored;

/* Best first, the lower number first among equals. */
static int descending(const void *a, const void *b)
{
    const scored *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return (x->number > y->number) - (x->number < y->number);
}

static double ideal_gain(size_t relevant)
{
    double sum = 0;
    for (size_t k = 0; k < relevant && k < DEPTH; k++) sum += 1 / log2(2 + (double)k);
    return sum;
}

static size_t count_label(const retrieval *r, size_t label)
{
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++) count += r->label[i] == label;
    return count;
}

/* Adds the figures of query q, whose scores are given; without: its own clip takes no part. */
static void add_query(const retrieval *r, size_t q, scored *scores, bool without, figures *sum)
{
    if (without) scores[q].score = -INFINITY;
    qsort(scores, r->count, sizeof *scores, descending);
    double gain = 0;
    const double ideal = ideal_gain(count_label(r, r->label[q]) - without);
    for (size_t k = 0; k < r->count; k++) {
        if (without && scores[k].number == q) continue;
        if (k < DEPTH && r->label[scores[k].number] == r->label[q]) gain += 1 / log2(2 + (double)k);
        for (int d = 0; scores[k].number == q && d < 3; d++) sum->recall[d] += k < depths[d];
    }
    sum->ndcg += ideal > 0 ? gain / ideal : 0;
}

/* ---- all queries of a way ---- */

typedef struct embeddings {
    float *rows[2];  /* [2 * count][width] of pictures and sounds, as the head takes them */
    float *means[2]; /* [2 * count][D], of length 1 */
    size_t width[2], d;
} embeddings;

static void average_places(const float *rows, size_t n, zoe_shape shape, float *means)
{
    const size_t places = (size_t)shape.h * (size_t)shape.w, d = (size_t)shape.c;
    for (size_t i = 0; i < n * d; i++) {
        double sum = 0;
        for (size_t k = 0; k < places; k++) sum += (double)rows[i * places + k];
        means[i] = (float)(sum / (double)places);
    }
    zoe__rows_normalise(means, n, d);
}

static zoe_status embed(const retrieval *r, zoe__streams *streams, embeddings *e)
{
    const void *const data[2] = {r->rgb, r->pcm};
    for (int k = 0; k < 2; k++) {
        size_t last;
        ZOE_TRY(zoe__streams_find(streams, (zoe__stream)k, NULL, &last));
        const zoe_layer layer = zoe__streams_layer(streams, (zoe__stream)k, last);
        e->width[k] = layer.count;
        e->d = (size_t)layer.shape.c;
        ZOE_TRY(zoe__calloc(r->context, &e->rows[k], 2 * r->count, layer.count * sizeof(float)));
        ZOE_TRY(zoe__calloc(r->context, &e->means[k], 2 * r->count, e->d * sizeof(float)));
        ZOE_TRY(zoe__streams_compute(streams, (zoe__stream)k, data[k], 2 * r->count, last, e->rows[k]));
        average_places(e->rows[k], 2 * r->count, layer.shape, e->means[k]);
    }
    return ZOE_OK;
}

/* matrix[i][j]: score of picture i with sound j. */
static zoe_status cross_scores(const retrieval *r, zoe__streams *streams, const embeddings *e, double *matrix)
{
    float *same;
    ZOE_TRY(zoe__calloc(r->context, &same, r->count, e->width[0] * sizeof *same));
    zoe_status status = ZOE_OK;
    for (size_t i = 0; i < r->count && status == ZOE_OK; i++) {
        for (size_t j = 0; j < r->count; j++)
            memcpy(same + j * e->width[0], e->rows[0] + i * e->width[0], e->width[0] * sizeof *same);
        status = zoe__streams_compare(streams, same, e->rows[1], r->count, matrix + i * r->count, NULL);
    }
    free(same);
    return status;
}

static double cosine(const float *a, const float *b, size_t d)
{
    double sum = 0;
    for (size_t i = 0; i < d; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

static double score_of(const retrieval *r, const embeddings *e, const double *matrix, int way, size_t q, size_t j)
{
    if (way == IMAGE_TO_SOUND) return matrix[q * r->count + j];
    if (way == SOUND_TO_IMAGE) return matrix[j * r->count + q];
    const float *means = e->means[way == SOUND_TO_SOUND];
    return cosine(means + q * e->d, means + (r->count + j) * e->d, e->d);
}

static zoe_status search(const retrieval *r, zoe__streams *streams, figures out[WAYS])
{
    embeddings e = {0};
    double *matrix = NULL;
    scored *scores = NULL;
    zoe_status status = ZOE_OK;
    ZOE_TRY_OUT(zoe__calloc(r->context, &matrix, r->count, r->count * sizeof *matrix));
    ZOE_TRY_OUT(zoe__calloc(r->context, &scores, r->count, sizeof *scores));
    ZOE_TRY_OUT(embed(r, streams, &e));
    ZOE_TRY_OUT(cross_scores(r, streams, &e, matrix));
    for (int way = 0; way < WAYS; way++) {
        figures sum = {0};
        const bool without = r->stills && way >= IMAGE_TO_IMAGE;
        for (size_t q = 0; q < r->count; q++) {
            for (size_t j = 0; j < r->count; j++) scores[j] = (scored){score_of(r, &e, matrix, way, q, j), j};
            add_query(r, q, scores, without, &sum);
        }
        for (int d = 0; d < 3; d++) out[way].recall[d] += without ? NAN : sum.recall[d] / (double)r->count;
        out[way].ndcg += sum.ndcg / (double)r->count;
    }
out:
    for (int k = 0; k < 2; k++) {
        free(e.rows[k]);
        free(e.means[k]);
    }
    free(matrix);
    free(scores);
    return status;
}

static void find_chance(retrieval *r)
{
    const double n = (double)r->count;
    for (int d = 0; d < 3; d++) r->chance.recall[d] = fmin(1, (double)depths[d] / n);
    for (size_t q = 0; q < r->count; q++) {
        const size_t relevant = count_label(r, r->label[q]);
        const double all = ideal_gain(r->count);
        r->chance.ndcg += (double)relevant / n * all / ideal_gain(relevant) / n;
    }
}

static zoe_status compare(retrieval *r, const zoe_features_options *how)
{
    ZOE_TRY(search(r, r->streams, r->trained));
    r->draws = (int)zoe_options_int(r->options, "draws");
    for (int draw = 0; draw < r->draws; draw++) {
        zoe__streams *random;
        ZOE_TRY(zoe__streams_new(&random, r->context, r->device, &r->subject, how, draw));
        zoe_status status = zoe__streams_calibrate(random, r->rgb, r->pcm, 2 * r->count);
        if (status == ZOE_OK) status = search(r, random, r->random);
        zoe__streams_free(&random);
        ZOE_TRY(status);
    }
    for (int way = 0; way < WAYS; way++) {
        for (int d = 0; d < 3; d++) r->random[way].recall[d] /= r->draws;
        r->random[way].ndcg /= r->draws;
    }
    find_chance(r);
    return ZOE_OK;
}

/* ---- results ---- */

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *figures_json(const figures *f)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "r1", number(f->recall[0]), "r5", number(f->recall[1]), "r10",
                     number(f->recall[2]), "ndcg30", number(f->ndcg));
}

static json_t *result_json(const retrieval *r)
{
    json_t *value = json_pack("{s:s, s:o, s:I}", "protocol", "retrieval", "checkpoint",
                              zoe__run_text(zoe_checkpoint_path(r->subject.checkpoint)), "pool", (json_int_t)r->count);
    json_t *random = json_object();
    for (int way = 0; way < WAYS; way++) {
        json_object_set_new(value, way_names[way], figures_json(&r->trained[way]));
        json_object_set_new(random, way_names[way], figures_json(&r->random[way]));
    }
    json_object_set_new(value, "chance", figures_json(&r->chance));
    json_object_set_new(value, "random", random);
    const struct {
        const char *name;
        size_t value;
    } counts[] = {{"labels", r->labels},
                  {"random_draws", (size_t)r->draws},
                  {"seen_clips", r->seen},
                  {"unusable_clips", r->unusable},
                  {"bad_clips", r->bad}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        json_object_set_new(value, counts[i].name, json_integer((json_int_t)counts[i].value));
    return value;
}

static void write_line(FILE *out, const char *name, const figures *f)
{
    fprintf(out, "%-24s", name);
    for (int d = 0; d < 3; d++) {
        if (isfinite(f->recall[d]))
            fprintf(out, " %8.1f", 100 * f->recall[d]);
        else
            fprintf(out, " %8s", "-");
    }
    fprintf(out, " %8.3f\n", f->ndcg);
}

static void write_table(FILE *out, const void *user)
{
    static const char *const names[WAYS] = {"picture to sound", "sound to picture", "picture to picture",
                                            "sound to sound"};
    const retrieval *r = user;
    fprintf(out, "a pool of %zu clips, %zu labels; share in %% of queries whose clip is among the first 1, 5, 10\n",
            r->count, r->labels);
    if (r->seen) fprintf(out, "left out: %zu clips that the run was trained on (--all takes them too)\n", r->seen);
    if (r->unusable + r->bad)
        fprintf(out, "left out: %zu clips without sound around a frame, %zu that do not decode\n", r->unusable, r->bad);
    fprintf(out, "\n%-24s %8s %8s %8s %8s\n", "", "R@1", "R@5", "R@10", "nDCG@30");
    for (int way = 0; way < WAYS; way++) write_line(out, names[way], &r->trained[way]);
    for (int way = 0; way < WAYS; way++) {
        char name[32];
        zoe__format(name, sizeof name, "random %s", names[way]);
        write_line(out, name, &r->random[way]);
    }
    write_line(out, "chance", &r->chance);
}

/* ---- the protocol ---- */

static zoe_status run_with(retrieval *r, const char *run, const char *const *clips, size_t count)
{
    const zoe_features_options how = zoe__features_options_from(r->options);
    ZOE_TRY(zoe__subject_open(&r->subject, r->context, run));
    ZOE_TRY(zoe__device_open_for(&r->device, r->context, &how));
    ZOE_TRY(zoe__streams_new(&r->streams, r->context, r->device, &r->subject, &how, ZOE__TRAINED));
    ZOE_TRY(zoe__clips_open(&r->clips, r->context, &r->subject, clips, count, r->options));
    ZOE_TRY(load(r));
    return compare(r, &how);
}

static zoe_status run_protocol(zoe_context *context, const char *run, const char *const *clips, size_t count,
                               const zoe_options *options, zoe_evaluation *out)
{
    retrieval r = {.context = context, .options = options};
    *out = (zoe_evaluation){0};
    zoe_status status = run_with(&r, run, clips, count);
    if (status == ZOE_OK) status = zoe__evaluation_tell(context, result_json(&r), write_table, &r, out);
    free(r.picks);
    free(r.label);
    free(r.rgb);
    free(r.pcm);
    zoe__streams_free(&r.streams);
    zoe_device_free(&r.device);
    zoe__clips_close(&r.clips);
    zoe__subject_close(&r.subject);
    return status;
}

static const zoe_option rows[] = {
    {.name = "all", .letter = 'a', .type = ZOE_OPTION_FLAG, .help = "also clips that the run was trained on"},
    {.name = "pool",
     .type = ZOE_OPTION_INT,
     .low = 2,
     .high = 10000,
     .unit = "clips",
     .fallback = "400",
     .help = "at most so many, spread over those there are"},
    {.name = "draws",
     .type = ZOE_OPTION_INT,
     .low = 1,
     .high = 100,
     .unit = "networks",
     .fallback = "3",
     .help = "random networks to compare with; their shares are averaged"},
    ZOE__OPTION_BATCH,
    ZOE__DATASET_OPTIONS,
    ZOE__DEVICE_OPTIONS,
    {.name = NULL},
};

const zoe_protocol zoe__protocol_retrieval = {
    .name = "retrieval",
    .summary = "is a sound found by its picture, and a picture by its sound?",
    .options = rows,
    .run = run_protocol,
};
