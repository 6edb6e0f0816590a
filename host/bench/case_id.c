/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading ids of cases. */
#include "bench/case_id.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "selftest/sample.h"
#include "tune/tuning.h"

/* `count` numbers from 1 on with an x between them; NULL: something else stands there. */
static const char *read_numbers(const char *text, int *out, int count)
{
    for (int i = 0; i < count; i++) {
        char *end;
        if (*text < '0' || *text > '9') return NULL;
        const unsigned long value = strtoul(text, &end, 10);
        if (value < 1 || value > INT_MAX / 2 || (i + 1 < count && *end != 'x')) return NULL;
        out[i] = (int)value;
        text = end + (i + 1 < count);
    }
    return text;
}

static const char *skip(const char *text, const char *word)
{
    const size_t length = strlen(word);
    return text && !strncmp(text, word, length) ? text + length : NULL;
}

bool zoe__gemm_id_read(zoe__gemm_id *out, const char *id)
{
    static const char *const forms[] = {"nn", "nt", "tn"};
    static const char *const ways[] = {"clblast", "clblast-tuned", "openblas"};
    const char *rest = skip(id, "gemm ");
    int size[3];
    *out = (zoe__gemm_id){.m = 0};
    for (size_t i = 0; rest && i < sizeof forms / sizeof *forms; i++)
        if (!strncmp(rest, forms[i], 2) && rest[2] == ' ') zoe__format(out->form, sizeof out->form, "%s", forms[i]);
    if (!out->form[0]) return false;
    rest = read_numbers(rest + 3, size, 3);
    if (!rest) return false;
    out->m = size[0];
    out->n = size[1];
    out->k = size[2];
    if (!*rest) return true;
    rest = skip(rest, " by ");
    for (size_t i = 0; rest && i < sizeof ways / sizeof *ways; i++)
        if (!strcmp(rest, ways[i])) return zoe__format(out->how, sizeof out->how, "%s", ways[i]);
    return false;
}

/* Which linear layer does that product, and in which direction. */
static void layer_of_gemm(zoe__layer_id *out, const zoe__gemm_id *gemm)
{
    int n = gemm->m, k = gemm->n, c = gemm->k;
    out->direction = ZOE__TO_OUTPUT;
    if (!strcmp(gemm->form, "nn")) {
        out->direction = ZOE__TO_DATA;
        k = gemm->k;
        c = gemm->n;
    } else if (!strcmp(gemm->form, "tn")) {
        out->direction = ZOE__TO_WEIGHTS;
        n = gemm->k;
        k = gemm->m;
        c = gemm->n;
    }
    const zoe__tune_shape shape = {
        .n = n, .c = c, .h = 1, .w = 1, .k = k, .r = 1, .s = 1, .stride_h = 1, .stride_w = 1, .groups = 1};
    zoe__format(out->op, sizeof out->op, "linear");
    zoe__tune_conv_of(&out->conv, "linear", &shape);
}

static bool all_there(const zoe__tune_shape *s)
{
    const int sizes[] = {s->n, s->c, s->h, s->w, s->k, s->r, s->s, s->stride_h, s->stride_w, s->groups};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i] < 1) return false;
    return true;
}

bool zoe__layer_id_read(zoe__layer_id *out, const char *id)
{
    static const char *const ops[] = {"conv2d", "linear"};
    zoe__gemm_id gemm;
    zoe__tune_shape shape;
    *out = (zoe__layer_id){.op = ""};
    if (zoe__gemm_id_read(&gemm, id)) {
        layer_of_gemm(out, &gemm);
        out->clblast = !strncmp(gemm.how, "clblast", 7);
        out->tuned = !strcmp(gemm.how, "clblast-tuned");
        return !gemm.how[0] || out->clblast;
    }
    const char *rest = NULL;
    for (size_t i = 0; !rest && i < sizeof ops / sizeof *ops; i++) {
        rest = skip(id, ops[i]);
        if (rest) zoe__format(out->op, sizeof out->op, "%s", ops[i]);
    }
    if (!rest || *rest++ != ' ') return false;
    for (int d = 0; d < ZOE__DIRECTIONS; d++) {
        const char *behind = skip(rest, zoe__tune_direction_name(d));
        if (!behind || *behind != ' ') continue;
        out->direction = (zoe__direction)d;
        return zoe__tune_shape_read(&shape, behind + 1) && all_there(&shape) &&
               zoe__tune_conv_of(&out->conv, out->op, &shape);
    }
    return false;
}

bool zoe__train_id_read(zoe__train_id *out, const char *id)
{
    const char *rest = skip(id, "train ");
    *out = (zoe__train_id){.c = 0};
    if (!rest) return false;
    const size_t length = strcspn(rest, " ");
    int size[3];
    if (!zoe__format(out->net, sizeof out->net, "%.*s", (int)length, rest) || rest[length] != ' ') return false;
    rest = read_numbers(rest + length + 1, size, 3);
    if (rest) rest = skip(rest, " batch ");
    if (rest && !strcmp(rest, "max"))
        rest += strlen(rest);
    else if (rest)
        rest = read_numbers(rest, &out->batch, 1);
    out->c = size[0];
    out->h = size[1];
    out->w = size[2];
    return rest && !*rest;
}

void zoe__train_id_settle(char *out, size_t size, const char *id, int batch)
{
    zoe__train_id train;
    if (batch > 0 && zoe__train_id_read(&train, id) && train.batch == 0)
        zoe__format(out, size, "train %s %dx%dx%d batch %d", train.net, train.c, train.h, train.w, batch);
    else
        zoe__format(out, size, "%s", id);
}

double zoe__case_flops(const char *id)
{
    zoe__layer_id layer;
    zoe__gemm_id gemm;
    if (zoe__gemm_id_read(&gemm, id)) return 2.0 * gemm.m * gemm.n * gemm.k;
    return zoe__layer_id_read(&layer, id) ? zoe__conv2d_flops(&layer.conv) : 0;
}

double zoe__case_bytes(const char *id)
{
    zoe__layer_id layer;
    zoe__gemm_id gemm;
    double values = 0;
    if (zoe__gemm_id_read(&gemm, id))
        return 4 * ((double)gemm.m * gemm.k + (double)gemm.n * gemm.k + (double)gemm.m * gemm.n);
    if (!zoe__layer_id_read(&layer, id)) return 0;
    for (int d = 0; d < ZOE__DIRECTIONS; d++) values += (double)zoe__sample_values(&layer.conv, (zoe__direction)d);
    return 4 * values;
}
