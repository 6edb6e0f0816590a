/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases "train NET CxHxW batch N" (or "batch max"): whole training steps, as `bench train` measures them. Right are
 * losses that are numbers, the same bits in every process. */
#include <math.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/case_id.h"
#include "bench/once.h"
#include "core/sha256.h"

extern const zoe_bench_suite zoe__suite_train;

static zoe_status set_options(zoe_options *o, const zoe__once *once, const zoe__train_id *id)
{
    static const char *const same[] = {"seconds", "device", "family",     "storage",  "conv",
                                       "linear",  "exact",  "max-memory", "no-tuning"};
    char text[32];
    ZOE_TRY(zoe_options_add(o, zoe__suite_train.options));
    ZOE_TRY(zoe_options_set(o, "net", id->net));
    zoe__format(text, sizeof text, "%d", id->batch);
    ZOE_TRY(zoe_options_set(o, "batch", id->batch ? text : "max"));
    zoe__format(text, sizeof text, "%dx%d", id->w, id->h);
    ZOE_TRY(zoe_options_set(o, "size", text));
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        const char *value = zoe_options_text(once->options, same[i]);
        if (value) ZOE_TRY(zoe_options_set(o, same[i], value));
    }
    return ZOE_OK;
}

void zoe__train_found(json_t *out, const json_t *found)
{
    static const char *const same[] = {"samples_ns", "peak_bytes", "plan_bytes",   "device",       "batch",
                                       "losses",     "energy_J",   "energy_net_J", "energy_source"};
    const json_t *losses = json_object_get(found, "losses");
    zoe__sha256 sha;
    uint8_t digest[32];
    char hex[65];
    size_t i;
    json_t *loss;
    bool ok = true;
    zoe__sha256_start(&sha);
    json_array_foreach(losses, i, loss)
    {
        const double value = json_number_value(loss);
        ok = ok && json_is_number(loss) && isfinite(value);
        zoe__sha256_add(&sha, &value, sizeof value);
    }
    zoe__sha256_end(&sha, digest);
    zoe__sha256_hex(digest, hex);
    for (i = 0; i < sizeof same / sizeof *same; i++) json_object_set(out, same[i], json_object_get(found, same[i]));
    json_object_set_new(out, "flops", json_real(3 * json_number_value(json_object_get(found, "flops"))));
    json_object_set(out, "done_flops", json_object_get(found, "done_flops"));
    json_object_set(out, "first_run_s", json_object_get(found, "first_step_s"));
    json_object_set_new(out, "effective", json_true());
    json_object_set_new(out, "algorithm", json_string("step"));
    json_object_set_new(out, "ok", json_boolean(ok));
    json_object_set_new(out, "nmse", json_null());
    json_object_set_new(out, "hash", json_string(hex));
}

zoe_status zoe__once_train(const zoe__once *once, bool *known)
{
    zoe__train_id id;
    zoe_options *options = NULL;
    json_t *found = NULL;
    *known = zoe__train_id_read(&id, once->id);
    if (!*known) return ZOE_OK;
    zoe_status status = zoe_options_new(&options, once->context);
    if (status == ZOE_OK) status = set_options(options, once, &id);
    if (status == ZOE_OK) status = zoe__train_here(once->context, options, &found);
    if (status == ZOE_OK) zoe__train_found(once->out, found);
    json_decref(found);
    zoe_options_free(&options);
    return status;
}
