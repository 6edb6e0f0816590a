/* SPDX-License-Identifier: Apache-2.0
 *
 * AVOL-Net (Arandjelovic & Zisserman, "Objects that sound", ECCV 2018): each place of the picture has an embedding of
 * 128, without a norm; the dot product of the sound with a place, scaled and shifted, is the logit of "this sounds",
 * and the greatest one decides. The network is never told where a thing is, and yet it must find out.
 *
 * Alone the loss stays at log 2 for hundreds of steps, because only the place of the maximum learns and that is any
 * place at first. So the small recipe has a helper in training: the maximum of the map over all places goes through the
 * same layers, with the same weights, and its distance from the sound decides as in AVE-Net. Its loss teaches streams
 * and embeddings from the first step; answers and figures never see it. */
#include "tasks/correspondence.h"

#include <string.h>

static zoe_value picture(const zoe_task *task, zoe_graph *graph, zoe_value map)
{
    (void)task;
    return zoe__avc_embed_map(graph, "head.picture", map);
}

static zoe_value sound(const zoe_task *task, zoe_graph *graph, zoe_value features)
{
    (void)task;
    return zoe__avc_embed(graph, "head.sound", features);
}

static zoe_value compare(const zoe_task *task, zoe_graph *graph, zoe_value picture_, zoe_value sound_)
{
    (void)task;
    return zoe__avc_by_cells(graph, picture_, sound_);
}

static void help(const zoe_task *task, zoe_graph *graph, zoe_value map, zoe_value sound_, zoe_value labels)
{
    if (strcmp(zoe_options_text(task->options, "helper"), "distance")) return;
    const zoe_value pooled = zoe_global_max_pool(graph, "head.helper.max", map);
    const zoe_value p = zoe_l2_normalise(graph, "head.helper.picture.norm", picture(task, graph, pooled), 1e-12f);
    const zoe_value s = zoe_l2_normalise(graph, "head.helper.sound.norm", sound_, 1e-12f);
    zoe_softmax_cross_entropy(graph, "head.helper.loss", zoe__avc_by_distance(graph, "head.helper", p, s), labels);
}

static const zoe_pairing pairing = {
    .uses_map = zoe__avc_with_map, .picture = picture, .sound = sound, .compare = compare, .help = help};

static const zoe_option options[] = {ZOE__AVC_OPTIONS,
                                     {.name = "helper",
                                      .type = ZOE_OPTION_WORD,
                                      .value = "distance|none",
                                      .fallback = "distance",
                                      .help = "distance: a second loss, by the distance of sound and joined places, "
                                              "while the first does not yet know where to look"},
                                     {.name = NULL}};

static zoe_status set_defaults(zoe_options *set)
{
    static const char *const small[][2] = {
        {"net", "avc-vision"}, {"batch", "64"},   {"lr", "0.002"}, {"weight-decay", "0.00001"},
        {"warmup", "50"},      {"steps", "1200"}, {NULL, NULL}};
    static const char *const paper[][2] = {
        {"net", "ave-vision"}, {"sound-net", "ave-audio"}, {"frame", "340x256"}, {"batch", "256"},
        {"micro", "16"},       {"optimizer", "adam"},      {"lr", "0.0001"},     {"weight-decay", "0.00001"},
        {"warmup", "0"},       {"schedule", "constant"},   {"steps", "234000"},  {"helper", "none"},
        {NULL, NULL}};
    return zoe__avc_defaults(set, small, paper);
}

const zoe_task_kind zoe__task_avc_avol = {
    .name = "avc-avol",
    .summary = "do this picture and this sound belong together? AVOL-Net: the place that sounds decides",
    .options = options,
    .set_defaults = set_defaults,
    .open = zoe__avc_open,
    .close = zoe__avc_close,
    .build = zoe__avc_build,
    .sample = zoe__avc_sample,
    .pairing = &pairing,
};
