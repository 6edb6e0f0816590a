/* SPDX-License-Identifier: Apache-2.0
 *
 * Audio-visual correspondence as it is taught: 128 features of each stream, fused, a binary answer. --fuse says how:
 * side by side through a layer, by their distance, or place by place. */
#include "tasks/correspondence.h"

#include <string.h>

static bool fuses_by(const zoe_task *task, const char *how)
{
    return !strcmp(zoe_options_text(task->options, "fuse"), how);
}

static bool uses_map(const zoe_task *task)
{
    return fuses_by(task, "cells");
}

static zoe_value norm(const zoe_task *task, zoe_graph *graph, const char *name, zoe_value x)
{
    return fuses_by(task, "distance") ? zoe_l2_normalise(graph, name, x, 1e-12f) : x;
}

static zoe_value picture(const zoe_task *task, zoe_graph *graph, zoe_value features)
{
    if (uses_map(task)) return zoe__avc_embed_map(graph, "head.picture", features);
    return norm(task, graph, "head.picture.norm", zoe__avc_embed(graph, "head.picture", features));
}

static zoe_value sound(const zoe_task *task, zoe_graph *graph, zoe_value features)
{
    return norm(task, graph, "head.sound.norm", zoe__avc_embed(graph, "head.sound", features));
}

static zoe_value compare(const zoe_task *task, zoe_graph *graph, zoe_value picture_, zoe_value sound_)
{
    if (uses_map(task)) return zoe__avc_by_cells(graph, picture_, sound_);
    return fuses_by(task, "distance") ? zoe__avc_by_distance(graph, "head", picture_, sound_)
                                      : zoe__avc_by_layers(graph, picture_, sound_);
}

static const zoe_pairing pairing = {.uses_map = uses_map, .picture = picture, .sound = sound, .compare = compare};

static const zoe_option options[] = {ZOE__AVC_OPTIONS,
                                     {.name = "fuse",
                                      .type = ZOE_OPTION_WORD,
                                      .value = "concat|distance|cells",
                                      .fallback = "concat",
                                      .help = "how the features of picture and sound meet"},
                                     {.name = NULL}};

static zoe_status set_defaults(zoe_options *set)
{
    static const char *const small[][2] = {
        {"net", "avc-vision"}, {"batch", "64"},   {"lr", "0.002"}, {"weight-decay", "0.00001"},
        {"warmup", "50"},      {"steps", "1500"}, {NULL, NULL}};
    static const char *const paper[][2] = {
        {"net", "l3-vision"}, {"sound-net", "l3-audio"}, {"frame", "340x256"}, {"batch", "256"},
        {"micro", "16"},      {"optimizer", "adam"},     {"lr", "0.0001"},     {"weight-decay", "0.00001"},
        {"warmup", "0"},      {"schedule", "constant"},  {"steps", "234000"},  {NULL, NULL}};
    return zoe__avc_defaults(set, small, paper);
}

const zoe_task_kind zoe__task_avc = {
    .name = "avc",
    .summary = "do this picture and this sound belong together? 128 features of each, fused as --fuse says",
    .options = options,
    .set_defaults = set_defaults,
    .open = zoe__avc_open,
    .close = zoe__avc_close,
    .build = zoe__avc_build,
    .sample = zoe__avc_sample,
    .pairing = &pairing,
};
