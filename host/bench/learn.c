/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/learn.h"

#include <stdlib.h>

#include "core/child.h"

zoe_status zoe__bench_world(zoe_context *context, const zoe_bench_call *call, const char *world, long long clips,
                            const char *folder, char *pack, size_t size)
{
    char to[600], count[32], *text = NULL;
    const double limit = zoe_options_float(call->options, "limit");
    zoe__format(to, sizeof to, "%s/clips", folder);
    zoe__format(pack, size, "%s/pack", folder);
    zoe__format(count, sizeof count, "%lld", clips);
    const char *const synth[] = {call->program, "synth",  world, "--out",  to,  "--clips",
                                 count,         "--seed", "5",   "--json", NULL};
    const char *const index[] = {call->program, "index", to, "--out", pack, "--json", NULL};
    zoe_status status = zoe__child_run(context, synth, limit, &text);
    free(text);
    if (status != ZOE_OK) return status;
    status = zoe__child_run(context, index, limit, &text);
    free(text);
    return status;
}

zoe_status zoe__bench_set_int(zoe_options *to, const char *name, long long value)
{
    char text[32];
    zoe__format(text, sizeof text, "%lld", value);
    return zoe_options_set(to, name, text);
}

zoe_status zoe__bench_pass_on(const zoe_options *from, zoe_options *to)
{
    static const char *const same[] = {"device", "family", "storage",    "conv",
                                       "linear", "exact",  "max-memory", "no-tuning"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        const char *value = zoe_options_text(from, same[i]);
        if (value && zoe_options_given(from, same[i])) ZOE_TRY(zoe_options_set(to, same[i], value));
    }
    return ZOE_OK;
}

json_t *zoe__bench_look_at_device(zoe_context *context, const zoe_options *o)
{
    zoe_device_options options = zoe_device_options_default();
    zoe_device *device = NULL;
    options.name = zoe_options_text(o, "device");
    options.family = zoe_options_text(o, "family");
    options.storage = zoe_options_text(o, "storage");
    options.tuning = zoe_options_flag(o, "no-tuning") ? "off" : NULL;
    json_t *json = zoe_device_open(&device, context, &options) == ZOE_OK ? zoe__bench_device(device) : NULL;
    zoe_device_free(&device);
    return json;
}
