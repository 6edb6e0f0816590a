/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of backbones, generated from host/backbones/CMakeLists.txt. */
#include <zoe/backbone.h>

#include "core/core.h"
#include "core/suggest.h"

#include <zoe/op.h>

#include <string.h>

#define X(name) extern const zoe_backbone zoe__backbone_##name;
#include "zoe_backbones.inc"
#undef X

static const zoe_backbone *const backbones[] = {
#define X(name) &zoe__backbone_##name,
#include "zoe_backbones.inc"
#undef X
};

const zoe_backbone *zoe_backbone_at(size_t index)
{
    return index < sizeof backbones / sizeof *backbones ? backbones[index] : NULL;
}

const zoe_backbone *zoe_backbone_find(zoe_context *context, const char *name)
{
    zoe__suggestion nearest = zoe__suggest_start(name);
    for (size_t i = 0; zoe_backbone_at(i); i++) {
        if (strcmp(zoe_backbone_at(i)->name, name) == 0) return zoe_backbone_at(i);
        zoe__suggest_try(&nearest, zoe_backbone_at(i)->name);
    }
    zoe__fail(context, ZOE_CONFIG, "unknown network '%s'%s", name, zoe__suggest_text(&nearest));
    return NULL;
}

zoe_shape zoe_backbone_input(const zoe_backbone *backbone, int n)
{
    if (backbone->spectrogram[0]) return (zoe_shape){n, 1, backbone->spectrogram[0], backbone->spectrogram[1]};
    return (zoe_shape){n, 3, backbone->crop, backbone->crop};
}

zoe_value zoe_backbone_classify(const zoe_backbone *backbone, zoe_graph *graph, zoe_value features, int classes)
{
    if (backbone->classify) return backbone->classify(graph, features, classes);
    zoe_linear_options options = zoe_linear_options_default();
    options.outputs = classes;
    return zoe_linear(graph, "classifier", features, &options);
}
