/* SPDX-License-Identifier: Apache-2.0
 *
 * The trainer's option table. */
#include <zoe/task.h>
#include <zoe/train.h>

#include "train/dataset.h"

static const zoe_option options[] = {
    {.name = "out", .letter = 'o', .type = ZOE_OPTION_TEXT, .value = "RUN", .help = "run folder to make",
     .flags = ZOE_OPTION_FREE},
    {.name = "resume", .type = ZOE_OPTION_FLAG, .help = "go on with RUN from its newest good checkpoint, or from the start",
     .flags = ZOE_OPTION_FREE},
    {.name = "force", .type = ZOE_OPTION_FLAG, .help = "delete RUN first, if it is a run folder", .flags = ZOE_OPTION_FREE},
    {.name = "dry-run", .type = ZOE_OPTION_FLAG, .help = "print parameters, FLOPs, memory and steps; write nothing",
     .flags = ZOE_OPTION_FREE},
    {.name = "net", .type = ZOE_OPTION_TEXT, .value = "NAME", .fallback = "mini", .help = "backbone (see `zoe backbones`)"},
    {.name = "steps", .type = ZOE_OPTION_INT, .low = 1, .high = 1e9, .unit = "steps", .fallback = "1000",
     .help = "length of the training and of its schedule"},
    {.name = "batch", .letter = 'b', .type = ZOE_OPTION_INT, .low = 1, .high = 65536, .unit = "windows", .fallback = "32",
     .help = "windows in a step"},
    {.name = "micro", .type = ZOE_OPTION_INT, .low = 1, .high = 1024, .fallback = "1",
     .help = "micro-batches a step is divided into, to save memory"},
    {.name = "seed", .type = ZOE_OPTION_INT, .low = 0, .high = 9007199254740992.0, .fallback = "0",
     .help = "of weights, samples and dropout"},
    {.name = "lr", .type = ZOE_OPTION_FLOAT, .fallback = "0.1", .help = "learning rate, before the schedule"},
    {.name = "schedule", .type = ZOE_OPTION_WORD, .value = "constant|step|cosine", .fallback = "cosine",
     .help = "of the learning rate"},
    {.name = "warmup", .type = ZOE_OPTION_INT, .low = 0, .high = 1e9, .unit = "steps", .fallback = "30",
     .help = "linear rise of the learning rate at the start"},
    {.name = "milestones", .type = ZOE_OPTION_INTS, .low = 1, .high = 1e9, .unit = "steps",
     .help = "where --schedule step multiplies by --gamma, ascending, at most 8"},
    {.name = "gamma", .type = ZOE_OPTION_FLOAT, .low = 0, .high = 1, .fallback = "0.1", .help = "factor at a milestone"},
    {.name = "optimizer", .type = ZOE_OPTION_WORD, .value = "sgd|adam", .fallback = "sgd", .help = "how weights are changed"},
    {.name = "momentum", .type = ZOE_OPTION_FLOAT, .low = 0, .high = 1, .fallback = "0.9", .help = "of sgd"},
    {.name = "nesterov", .type = ZOE_OPTION_FLAG, .help = "momentum of sgd as Nesterov's"},
    {.name = "weight-decay", .type = ZOE_OPTION_FLOAT, .low = 0, .high = 10, .fallback = "0.0005",
     .help = "added to the gradient, times the weight"},
    {.name = "frame", .type = ZOE_OPTION_SIZE, .low = 8, .high = 4096, .unit = "pixels",
     .help = "size frames are scaled to before the crop; none: the network's"},
    {.name = "holdout", .type = ZOE_OPTION_FLOAT, .low = 0, .high = 0.95, .fallback = "0",
     .help = "share of the clips that is kept for the figures, chosen by content"},
    {.name = "holdout-groups", .type = ZOE_OPTION_LIST, .value = "G,G..", .help = "keep all clips of these groups for the figures"},
    {.name = "tuples", .type = ZOE_OPTION_INT, .low = 2, .high = 1000000, .fallback = "2000",
     .help = "tuples for the figures, half of each class", .flags = ZOE_OPTION_FREE},
    ZOE__DATASET_OPTIONS,
    {.name = "device", .letter = 'd', .type = ZOE_OPTION_TEXT, .value = "DEVICE",
     .help = "id or part of a name from `zoe devices`, cpu, gpu or host; none: the first of `zoe devices`"},
    {.name = "family", .type = ZOE_OPTION_WORD, .value = "vector|simt", .help = "kernel family; none: by capability"},
    {.name = "conv", .type = ZOE_OPTION_WORD, .value = "auto|direct|clblast|reference", .fallback = "auto",
     .help = "algorithm of convolutions"},
    {.name = "linear", .type = ZOE_OPTION_WORD, .value = "auto|packed|clblast|reference", .fallback = "auto",
     .help = "algorithm of linear layers"},
    {.name = "checkpoint-every", .type = ZOE_OPTION_SECONDS, .low = 0, .high = 1e7, .unit = "s", .fallback = "60",
     .help = "time between checkpoints; 0: after each step", .flags = ZOE_OPTION_FREE},
    {.name = "time", .type = ZOE_OPTION_SECONDS, .low = 0, .high = 1e9, .unit = "s", .value = "TIME",
     .help = "write a checkpoint and end with exit code 10 after this long, but not before the first step; suffixes s, m, h",
     .flags = ZOE_OPTION_FREE},
    {.name = "log-every", .type = ZOE_OPTION_INT, .low = 1, .high = 1e6, .unit = "steps", .fallback = "10",
     .help = "between lines of log.jsonl", .flags = ZOE_OPTION_FREE},
    {.name = NULL},
};

const zoe_option *zoe_train_option_table(void)
{
    return options;
}

zoe_status zoe_train_options(zoe_options *set, zoe_context *context, const char *task)
{
    const zoe_task_kind *kind = zoe_task_find(context, task);
    if (!kind) return ZOE_USAGE;
    ZOE_TRY(zoe_options_add(set, options));
    return zoe_options_add(set, kind->options);
}
