/* SPDX-License-Identifier: Apache-2.0
 *
 * Figures on tuples of clips that were held out: an inference plan that shares the store. Seed, clips and crops are
 * always the same, so that figures of different runs compare. */
#include <math.h>
#include <stdlib.h>

#include "train/session.h"

enum { FIGURE_SEED = 77 };

typedef struct figures {
    zoe__session *s;
    zoe_graph *graph;
    zoe_task_graph values;
    zoe_plan *plan;
    zoe__loader *loader;
    int batch;
    size_t tuples, done;
    float *logits;
    double *scores, *pixels;
    int *labels;
} figures;

static zoe_status prepare(figures *f)
{
    zoe__session *s = f->s;
    zoe_plan_options plan = zoe_plan_options_default();
    plan.conv = zoe_options_text(s->options, "conv");
    plan.linear = zoe_options_text(s->options, "linear");
    plan.exact = zoe_options_flag(s->options, "exact");
    plan.fuse = !zoe_options_flag(s->options, "no-fuse");
    ZOE_TRY(zoe_graph_new(&f->graph, s->context));
    s->kind->build(&s->task, f->graph, f->batch, ZOE_SPLIT_HELD_OUT, &f->values);
    ZOE_TRY(zoe_graph_status(f->graph));
    ZOE_TRY(zoe_plan_new(&f->plan, f->graph, s->replica[0].store, &plan));
    const zoe__loader_options loader = {.task = &s->task,
                                        .split = ZOE_SPLIT_HELD_OUT,
                                        .seed = FIGURE_SEED,
                                        .batch = f->batch,
                                        .count = (int64_t)((f->tuples + (size_t)f->batch - 1) / (size_t)f->batch),
                                        .epoch = (int64_t)f->tuples,
                                        .windows = (int64_t)f->tuples,
                                        .workers = (int)zoe_options_int(s->options, "workers"),
                                        .max_bad = zoe_options_float(s->options, "max-bad")};
    ZOE_TRY(zoe__calloc(s->context, &f->scores, f->tuples, sizeof *f->scores));
    ZOE_TRY(zoe__calloc(s->context, &f->pixels, f->tuples, sizeof *f->pixels));
    ZOE_TRY(zoe__calloc(s->context, &f->labels, f->tuples, sizeof *f->labels));
    ZOE_TRY(zoe__calloc(s->context, &f->logits, (size_t)f->batch * 2, sizeof *f->logits));
    return zoe__loader_new(&f->loader, s->context, &loader);
}

static zoe_status one_batch(figures *f)
{
    zoe__batch *batch;
    double waited = 0;
    ZOE_TRY(zoe__loader_next(f->loader, &batch, &waited));
    ZOE_TRY(zoe__batch_write(batch, &f->s->task, f->plan, &f->values));
    ZOE_TRY(zoe_plan_forward(f->plan));
    ZOE_TRY(zoe_plan_read(f->plan, f->values.logits, f->logits));
    for (int i = 0; i < f->batch && f->done < f->tuples; i++, f->done++) {
        f->scores[f->done] = (double)f->logits[2 * i + 1] - (double)f->logits[2 * i];
        f->pixels[f->done] = batch->pixels ? batch->pixels[i] : 0;
        f->labels[f->done] = batch->labels[i];
    }
    zoe__loader_release(f->loader);
    return ZOE_OK;
}

static zoe_status measure(figures *f)
{
    zoe__session *s = f->s;
    zoe_metrics net, rule;
    zoe_status end;
    while (f->done < f->tuples) {
        if (zoe__session_stop(s, &end))
            return zoe__fail(s->context, end, "%s while measuring; --resume goes on", zoe_status_text(end));
        ZOE_TRY(one_batch(f));
        zoe__session_tell(
            s, &(zoe_train_progress){
                   .stage = "evaluate", .done = f->done, .total = f->tuples, .loss = NAN, .accuracy = NAN, .eta = NAN});
    }
    ZOE_TRY(zoe_metrics_compute(&net, s->context, f->scores, f->labels, f->tuples));
    if (s->kind->pixel_rule) ZOE_TRY(zoe_metrics_compute(&rule, s->context, f->pixels, f->labels, f->tuples));
    s->result->loss = net.loss;
    s->result->accuracy = net.accuracy;
    s->result->balanced_accuracy = net.balanced_accuracy;
    s->result->auc = net.auc;
    s->result->pixel_rule_auc = s->kind->pixel_rule ? rule.auc : NAN;
    return ZOE_OK;
}

zoe_status zoe__session_evaluate(zoe__session *s)
{
    figures f = {.s = s, .tuples = (size_t)zoe_options_int(s->options, "tuples")};
    /* About as many images as a training batch: what fitted there fits here. */
    f.batch = s->batch / s->micro * s->task.frames[ZOE_SPLIT_TRAIN] / s->task.frames[ZOE_SPLIT_HELD_OUT];
    if (f.batch < 1) f.batch = 1;
    if ((size_t)f.batch > f.tuples) f.batch = (int)f.tuples;
    zoe_status status = prepare(&f);
    if (status == ZOE_OK) status = measure(&f);
    zoe__loader_free(&f.loader);
    zoe_plan_free(&f.plan);
    zoe_graph_free(&f.graph);
    free(f.logits);
    free(f.scores);
    free(f.pixels);
    free(f.labels);
    return status;
}
