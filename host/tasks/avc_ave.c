/* SPDX-License-Identifier: Apache-2.0
 *
 * AVE-Net (Arandjelovic & Zisserman, "Objects that sound", ECCV 2018): each stream ends in two layers of 128, divided
 * by its Euclidean length; the distance of the two decides, so that near means alike and sounds can be found by
 * pictures. */
#include "tasks/correspondence.h"

static zoe_value picture(const zoe_task *task, zoe_graph *graph, zoe_value features)
{
    (void)task;
    return zoe_l2_normalise(graph, "head.picture.norm", zoe__avc_embed(graph, "head.picture", features), 1e-12f);
}

static zoe_value sound(const zoe_task *task, zoe_graph *graph, zoe_value features)
{
    (void)task;
    return zoe_l2_normalise(graph, "head.sound.norm", zoe__avc_embed(graph, "head.sound", features), 1e-12f);
}

static zoe_value compare(const zoe_task *task, zoe_graph *graph, zoe_value picture_, zoe_value sound_)
{
    (void)task;
    return zoe__avc_by_distance(graph, "head", picture_, sound_);
}

static const zoe_pairing pairing = {
    .uses_map = zoe__avc_no_map, .picture = picture, .sound = sound, .compare = compare};

static const zoe_option options[] = {ZOE__AVC_OPTIONS, {.name = NULL}};

static zoe_status set_defaults(zoe_options *set)
{
    static const char *const small[][2] = {
        {"net", "avc-vision"}, {"batch", "64"},   {"lr", "0.002"}, {"weight-decay", "0.00001"},
        {"warmup", "50"},      {"steps", "1500"}, {NULL, NULL}};
    static const char *const paper[][2] = {
        {"net", "ave-vision"}, {"sound-net", "ave-audio"}, {"frame", "340x256"}, {"batch", "256"},
        {"micro", "16"},       {"optimizer", "adam"},      {"lr", "0.0001"},     {"weight-decay", "0.00001"},
        {"warmup", "0"},       {"schedule", "constant"},   {"steps", "234000"},  {NULL, NULL}};
    return zoe__avc_defaults(set, small, paper);
}

const zoe_task_kind zoe__task_avc_ave = {
    .name = "avc-ave",
    .summary = "do this picture and this sound belong together? AVE-Net: near in one space",
    .options = options,
    .set_defaults = set_defaults,
    .open = zoe__avc_open,
    .close = zoe__avc_close,
    .build = zoe__avc_build,
    .sample = zoe__avc_sample,
    .pairing = &pairing,
};
