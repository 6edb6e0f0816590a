/* SPDX-License-Identifier: Apache-2.0
 *
 * The optimisers by name, and their options. */
#include <string.h>

#include "core/suggest.h"
#include "graph/plan.h"

#define X(name) extern const zoe__optimizer zoe__optimizer_##name;
#include "zoe_optimizers.inc"
#undef X

static const zoe__optimizer *const optimizers[] = {
#define X(name) &zoe__optimizer_##name,
#include "zoe_optimizers.inc"
#undef X
};

zoe_optimizer_options zoe_optimizer_options_default(void)
{
    return (zoe_optimizer_options){
        .name = "sgd",
        .momentum = 0.9f,
        .nesterov = false,
        .beta1 = 0.9f,
        .beta2 = 0.999f,
        .eps = 1e-8f,
        .weight_decay = 5e-4f,
    };
}

const zoe__optimizer *zoe__optimizer_find(zoe_context *context, const char *name)
{
    zoe__suggestion near = zoe__suggest_start(name ? name : "");
    for (size_t i = 0; i < sizeof optimizers / sizeof optimizers[0]; i++) {
        if (name && strcmp(name, optimizers[i]->name) == 0) return optimizers[i];
        zoe__suggest_try(&near, optimizers[i]->name);
    }
    zoe__fail(context, ZOE_CONFIG, "no optimizer '%s'%s", name ? name : "", zoe__suggest_text(&near));
    return NULL;
}
