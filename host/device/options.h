/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of an option table by which a verb, a training or an evaluation chooses its device and algorithms. Internal. */
#ifndef ZOE__DEVICE_OPTIONS_H
#define ZOE__DEVICE_OPTIONS_H

#include <zoe/option.h>

#define ZOE__OPTION_DEVICE                                                                                             \
    {                                                                                                                  \
        .name = "device", .letter = 'd', .type = ZOE_OPTION_TEXT, .value = "DEVICE",                                   \
        .help = "id or part of a name from `zoe devices`, cpu, gpu or host; none: the first of `zoe devices`"          \
    }
#define ZOE__OPTION_FAMILY                                                                                             \
    {                                                                                                                  \
        .name = "family", .type = ZOE_OPTION_WORD, .value = "vector|simt",                                             \
        .help = "kernel family; none: by capability"                                                                   \
    }
#define ZOE__OPTION_STORAGE                                                                                            \
    {                                                                                                                  \
        .name = "storage", .type = ZOE_OPTION_WORD, .value = "fp32|fp16", .fallback = "fp32",                          \
        .help = "of activations: fp16 takes half the memory, with kernels of family simt"                              \
    }
#define ZOE__OPTION_CONV                                                                                               \
    {                                                                                                                  \
        .name = "conv", .type = ZOE_OPTION_WORD, .value = "auto|direct|winograd|tiled|clblast|plain|reference",        \
        .fallback = "auto", .help = "algorithm of convolutions"                                                        \
    }
#define ZOE__OPTION_LINEAR                                                                                             \
    {                                                                                                                  \
        .name = "linear", .type = ZOE_OPTION_WORD, .value = "auto|packed|tiled|clblast|plain|reference",               \
        .fallback = "auto", .help = "algorithm of linear layers"                                                       \
    }
#define ZOE__OPTION_EXACT                                                                                              \
    {                                                                                                                  \
        .name = "exact", .type = ZOE_OPTION_FLAG,                                                                      \
        .help = "no algorithm that trades digits for speed (Winograd); see docs/numerics.md"                           \
    }
#define ZOE__OPTION_MAX_MEMORY                                                                                         \
    {                                                                                                                  \
        .name = "max-memory", .type = ZOE_OPTION_BYTES, .low = 1, .high = 1e15, .unit = "bytes",                       \
        .help = "memory of the device that may be taken: first workspaces get smaller, then batches are divided; "     \
                "suffixes K, M, G; none: all of it"                                                                    \
    }
#define ZOE__OPTION_NO_TUNING                                                                                          \
    {                                                                                                                  \
        .name = "no-tuning", .type = ZOE_OPTION_FLAG,                                                                  \
        .help = "choose algorithms by estimate, not by what was measured"                                              \
    }
#define ZOE__OPTION_NO_FUSE                                                                                            \
    {                                                                                                                  \
        .name = "no-fuse", .type = ZOE_OPTION_FLAG,                                                                    \
        .help = "each node by itself, not chains in one pass over memory; to compare"                                  \
    }
/* What trainings and evaluations share, but for the device: a training can have several. */
#define ZOE__ALGORITHM_OPTIONS                                                                                         \
    ZOE__OPTION_FAMILY, ZOE__OPTION_STORAGE, ZOE__OPTION_CONV, ZOE__OPTION_LINEAR, ZOE__OPTION_EXACT,                  \
        ZOE__OPTION_MAX_MEMORY, ZOE__OPTION_NO_TUNING
#define ZOE__DEVICE_OPTIONS ZOE__OPTION_DEVICE, ZOE__ALGORITHM_OPTIONS
/* Of what only asks a network, and does not train it. */
#define ZOE__OPTION_BATCH                                                                                              \
    {                                                                                                                  \
        .name = "batch", .letter = 'b', .type = ZOE_OPTION_INT, .low = 1, .high = 65536, .unit = "pictures",           \
        .fallback = "32", .help = "pictures the device sees at a time"                                                 \
    }

#endif
