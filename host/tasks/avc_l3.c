/* SPDX-License-Identifier: Apache-2.0
 *
 * L3-Net (Arandjelovic & Zisserman, "Look, listen and learn", ICCV 2017): the features of both streams side by side, a
 * layer of 128, the answer. */
#include "tasks/correspondence.h"

static zoe_value as_it_is(const zoe_task *task, zoe_graph *graph, zoe_value features)
{
    (void)task;
    (void)graph;
    return features;
}

static zoe_value compare(const zoe_task *task, zoe_graph *graph, zoe_value picture, zoe_value sound)
{
    (void)task;
    return zoe__avc_by_layers(graph, picture, sound);
}

static const zoe_pairing pairing = {
    .uses_map = zoe__avc_no_map, .picture = as_it_is, .sound = as_it_is, .compare = compare};

static const zoe_option options[] = {ZOE__AVC_OPTIONS, {.name = NULL}};

static zoe_status set_defaults(zoe_options *set)
{
    static const char *const small[][2] = {
        {"net", "avc-vision"}, {"batch", "64"},   {"lr", "0.002"}, {"weight-decay", "0.00001"},
        {"warmup", "50"},      {"steps", "1500"}, {NULL, NULL}};
    /* 60 M pairs in batches of 256. */
    static const char *const paper[][2] = {
        {"net", "l3-vision"}, {"sound-net", "l3-audio"}, {"frame", "340x256"}, {"batch", "256"},
        {"micro", "16"},      {"optimizer", "adam"},     {"lr", "0.0001"},     {"weight-decay", "0.00001"},
        {"warmup", "0"},      {"schedule", "constant"},  {"steps", "234000"},  {NULL, NULL}};
    return zoe__avc_defaults(set, small, paper);
}

const zoe_task_kind zoe__task_avc_l3 = {
    .name = "avc-l3",
    .summary = "do this picture and this sound belong together? L3-Net: joined features decide",
    .options = options,
    .set_defaults = set_defaults,
    .open = zoe__avc_open,
    .close = zoe__avc_close,
    .build = zoe__avc_build,
    .sample = zoe__avc_sample,
    .pairing = &pairing,
};
