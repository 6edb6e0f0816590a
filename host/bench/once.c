/* SPDX-License-Identifier: Apache-2.0
 *
 * `bench once ID`: a case in this process, as JSON. It is what the fresh processes of a benchmark are, and how a case
 * that was WRONG is looked at again. */
#include "bench/once.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "core/philox.h"
#include "core/sha256.h"

enum { MOST_SAMPLES = 200, LEAST_SAMPLES = 3, MOST_TIMES = 10000, WINDOW = 5 };
static const double LEAST_SAMPLE_S = 1e-3, STEADY = 0.02;

uint64_t zoe__once_seed(const char *id)
{
    zoe__sha256 sha;
    uint8_t digest[32];
    uint64_t seed = 0;
    zoe__sha256_start(&sha);
    zoe__sha256_add(&sha, id, strlen(id));
    zoe__sha256_end(&sha, digest);
    for (int i = 0; i < 8; i++) seed = seed << 8 | digest[i];
    return seed;
}

void zoe__once_hash(const void *data, size_t bytes, char hex[65])
{
    enum { SUMS = 32, BLOCK = SUMS * 8 };
    uint64_t sum[SUMS], block[SUMS];
    uint8_t digest[32];
    zoe__sha256 sha;
    for (int i = 0; i < SUMS; i++) sum[i] = (uint64_t)i;
    for (size_t at = 0; at < bytes; at += BLOCK) {
        const size_t size = bytes - at < BLOCK ? bytes - at : BLOCK;
        if (size < BLOCK) memset(block, 0, sizeof block);
        memcpy(block, (const char *)data + at, size);
        for (int i = 0; i < SUMS; i++) {
            const uint64_t next = (sum[i] ^ block[i]) * 0x9e3779b97f4a7c15u;
            sum[i] = next << 29 | next >> 35;
        }
    }
    zoe__sha256_start(&sha);
    zoe__sha256_add(&sha, sum, sizeof sum);
    zoe__sha256_add(&sha, &bytes, sizeof bytes);
    zoe__sha256_end(&sha, digest);
    zoe__sha256_hex(digest, hex);
}

void zoe__once_fill(const zoe__once *once, uint32_t part, float *data, size_t count)
{
    zoe__random random;
    zoe__random_init(&random, zoe__once_seed(once->id), part, 0);
    for (size_t i = 0; i < count; i++) data[i] = (float)(zoe__random_u32(&random) >> 8) / 8388608.0f - 1.0f;
}

zoe_status zoe__once_open(const zoe__once *once, bool untuned, zoe_device **device)
{
    const zoe_options *o = once->options;
    zoe_device_options options = zoe_device_options_default();
    options.name = zoe_options_text(o, "device");
    options.family = zoe_options_text(o, "family");
    options.storage = zoe_options_text(o, "storage");
    options.max_memory = (uint64_t)zoe_options_float(o, "max-memory");
    options.tuning = untuned || zoe_options_flag(o, "no-tuning") ? "off" : NULL;
    options.profile = true;
    ZOE_TRY(zoe_device_open(device, once->context, &options));
    json_object_set_new(once->out, "device", zoe__bench_device(*device));
    return ZOE_OK;
}

/* ---- samples ---- */

typedef struct sampler {
    const zoe__once *once;
    const zoe__once_work *work;
    int times; /* runs in a sample */
    double samples[MOST_SAMPLES];
    size_t count;
    char hash[65]; /* of the result that was compared with the definition */
    bool ok;
    double nmse, most;
} sampler;

static zoe_status check(sampler *s)
{
    char hash[65];
    double nmse = 0, most = 0;
    ZOE_TRY(s->work->check(s->work->user, false, hash, &nmse, &most));
    if (!strcmp(hash, s->hash)) return ZOE_OK; /* the same bits as those that were compared */
    ZOE_TRY(s->work->check(s->work->user, true, hash, &nmse, &most));
    memcpy(s->hash, hash, sizeof hash);
    s->ok = s->ok && zoe__bench_is_right(s->work->limits, nmse, most);
    s->nmse = !(nmse <= s->nmse) ? nmse : s->nmse;
    s->most = !(most <= s->most) ? most : s->most;
    return ZOE_OK;
}

/* One sample, s a run; `checked` ones begin with a spoilt result. */
static zoe_status take(sampler *s, bool checked, double *seconds)
{
    if (checked && s->work->spoil) ZOE_TRY(s->work->spoil(s->work->user));
    const double start = zoe__seconds();
    ZOE_TRY(s->work->run(s->work->user, s->times));
    *seconds = (s->work->seconds ? *s->work->seconds : zoe__seconds() - start) / s->times;
    return checked ? check(s) : ZOE_OK;
}

/* Until three successive medians of five agree, or the time is over. *seconds: the last median. */
static zoe_status warm_up(sampler *s, double *seconds)
{
    const double end = zoe__seconds() + zoe_options_float(s->once->options, "warm");
    double medians[3] = {0};
    for (int round = 0; round == 0 || zoe__seconds() < end; round++) {
        double window[WINDOW];
        int taken = 0;
        while (taken < WINDOW && (taken == 0 || zoe__seconds() < end)) ZOE_TRY(take(s, false, &window[taken++]));
        medians[round % 3] = *seconds = zoe__median(window, (size_t)taken);
        const double low = fmin(fmin(medians[0], medians[1]), medians[2]);
        const double high = fmax(fmax(medians[0], medians[1]), medians[2]);
        if (round >= 2 && high <= low * (1 + STEADY)) break;
    }
    return ZOE_OK;
}

static zoe_status take_all(sampler *s, double estimate)
{
    const double seconds = zoe_options_float(s->once->options, "seconds"), start = zoe__seconds();
    bool middle = false;
    for (; s->count < MOST_SAMPLES; s->count++) {
        const double elapsed = zoe__seconds() - start, each = estimate * s->times;
        if (s->count >= LEAST_SAMPLES && elapsed >= seconds) break;
        const bool last = (elapsed + each >= seconds && s->count + 1 >= LEAST_SAMPLES) || s->count + 1 == MOST_SAMPLES;
        const bool half = !middle && (elapsed * 2 >= seconds || s->count == MOST_SAMPLES / 2);
        middle = middle || half;
        ZOE_TRY(take(s, s->count == 0 || half || last, &s->samples[s->count]));
        if (last) {
            s->count++;
            break;
        }
    }
    return ZOE_OK;
}

static zoe_status report(const sampler *s)
{
    json_t *out = s->once->out, *samples = json_array();
    for (size_t i = 0; s->ok && i < s->count; i++)
        json_array_append_new(samples, json_real(fmax(s->samples[i] * 1e9, 1e-3)));
    json_object_set_new(out, "samples_ns", samples);
    json_object_set_new(out, "runs_per_sample", json_integer(s->times));
    json_object_set_new(out, "ok", json_boolean(s->ok));
    json_object_set_new(out, "nmse", isfinite(s->nmse) ? json_real(s->nmse) : json_null());
    json_object_set_new(out, "max_error", isfinite(s->most) ? json_real(s->most) : json_null());
    json_object_set_new(out, "hash", json_string(s->hash));
    return ZOE_OK;
}

zoe_status zoe__once_measure(const zoe__once *once, const zoe__once_work *work)
{
    sampler s = {.once = once, .work = work, .times = 1, .ok = true};
    double first, estimate = 0;
    ZOE_TRY(take(&s, true, &first)); /* compared with the definition before anything is timed */
    json_object_set_new(once->out, "first_run_s", json_real(first));
    if (!s.ok) return report(&s);
    ZOE_TRY(take(&s, false, &estimate));
    if (estimate > ZOE__ONCE_SLOW) s.samples[s.count++] = estimate; /* nothing warms up in so long a run */
    if (estimate < LEAST_SAMPLE_S) s.times = (int)fmin(MOST_TIMES, ceil(LEAST_SAMPLE_S / fmax(estimate, 1e-9)));
    if (estimate < zoe_options_float(once->options, "warm")) ZOE_TRY(warm_up(&s, &estimate));
    zoe__energy energy;
    const size_t before = s.count;
    zoe__energy_start(&energy, work->on_cpu, zoe_options_float(once->options, "seconds"));
    ZOE_TRY(take_all(&s, estimate));
    zoe__energy_end(&energy, (double)s.times * (double)(s.count - before), once->out);
    return report(&s);
}

/* ---- the word `once` ---- */

/* "device": which one it would be, and that it can be opened. */
static zoe_status look_at_device(const zoe__once *once, bool *known)
{
    zoe_device *device = NULL;
    *known = !strcmp(once->id, "device");
    const zoe_status status = *known ? zoe__once_open(once, false, &device) : ZOE_OK;
    zoe_device_free(&device);
    return status;
}

static zoe_status dispatch(const zoe__once *once)
{
    static zoe_status (*const kinds[])(const zoe__once *once, bool *known) = {
        look_at_device, zoe__once_layer, zoe__once_train, zoe__once_build, zoe__once_roof, zoe__once_gemm};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        bool known = false;
        ZOE_TRY(kinds[i](once, &known));
        if (known) return ZOE_OK;
    }
    return zoe__fail(once->context, ZOE_USAGE, "'%s' is not the id of a case; `zoe bench list` shows them", once->id);
}

static zoe_status run(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out)
{
    ZOE_FAIL_IF(context, call->arg_count != 1, ZOE_USAGE, "bench once: one id of a case; `zoe bench list` shows them");
    if (zoe_options_flag(call->options, "here")) zoe__bench_end_with_parent();
    const zoe__once once = {.context = context, .options = call->options, .id = call->args[0], .out = json_object()};
    json_object_set_new(once.out, "id", json_string(once.id));
    zoe_status status = dispatch(&once);
    if (status == ZOE_OK) {
        out->json = json_dumps(once.out, JSON_REAL_PRECISION(15));
        const bool wrong = json_is_false(json_object_get(once.out, "ok"));
        if (!out->json) status = zoe__fail(context, ZOE_MEMORY, "no memory for the report");
        if (wrong && !zoe_options_flag(call->options, "here"))
            status = zoe__fail(context, ZOE_WRONG, "WRONG: %s", once.id);
    }
    json_decref(once.out);
    return status;
}

/* clang-format off */
static const zoe_option options[] = {
    {.name = "seconds", .type = ZOE_OPTION_SECONDS, .low = 0.001, .high = 1e5, .fallback = "0.5",
     .help = "of measuring, three samples at least"},
    {.name = "warm", .type = ZOE_OPTION_SECONDS, .low = 0, .high = 1e5, .fallback = "0.2",
     .help = "of warming up at most; ends earlier where the times are steady"},
    {.name = "places", .type = ZOE_OPTION_INT, .low = 1, .high = 1e9, .fallback = "4096", .unit = "numbers",
     .help = "of a result that are compared with the definition in double"},
    ZOE__BENCH_OPTIONS,
    {.name = NULL},
};
/* clang-format on */

const zoe_bench_suite zoe__bench_word_once = {
    .name = "once",
    .summary = "one case in this process, as JSON",
    .usage = "ID [--device DEVICE]",
    .options = options,
    .run = run,
};
