/* SPDX-License-Identifier: Apache-2.0
 *
 * `zoe info`: what is in a pack, a run, a checkpoint. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <zoe/checkpoint.h>
#include <zoe/media.h>

#include "cli/cli.h"
#include "cli/hear.h"
#include "train/inspect.h"
#include "train/run.h"

/* ---- packs ---- */

static json_t *pack_json(const zoe_pack *pack)
{
    int64_t frames = 0;
    double seconds = 0;
    const zoe_skipped *skipped;
    const size_t clips = zoe_pack_clips(pack), skipped_count = zoe_pack_skipped(pack, &skipped);
    json_t *labels = json_object(), *list = json_array();
    for (size_t i = 0; i < clips; i++) {
        const zoe_clip *clip = zoe_pack_clip(pack, i);
        frames += clip->frames;
        seconds += clip->seconds;
        json_t *label = zoe__cli_text(clip->label);
        const char *name = label ? json_string_value(label) : "";
        const json_int_t n = json_integer_value(json_object_get(labels, name));
        json_object_set_new(labels, name, json_integer(n + 1));
        json_decref(label);
    }
    for (size_t i = 0; i < skipped_count; i++)
        json_array_append_new(list, json_pack("{s:o, s:o}", "file", zoe__cli_text(skipped[i].file), "reason",
                                              zoe__cli_text(skipped[i].reason)));
    return json_pack("{s:s, s:I, s:I, s:f, s:o, s:o, s:o}", "kind", "pack", "clips", (json_int_t)clips, "frames",
                     (json_int_t)frames, "seconds", seconds, "sound", zoe__sounds_json(pack), "labels", labels,
                     "skipped", list);
}

static void print_pack(const json_t *info)
{
    size_t i;
    const char *label;
    json_t *row;
    printf("clips    %lld\nframes   %lld\nseconds  %.2f\n", json_integer_value(json_object_get(info, "clips")),
           json_integer_value(json_object_get(info, "frames")), json_number_value(json_object_get(info, "seconds")));
    zoe__sounds_print(json_object_get(info, "sound"));
    json_object_foreach(json_object_get(info, "labels"), label, row)
        printf("label    %s: %lld\n", *label ? label : "(none)", json_integer_value(row));
    json_array_foreach(json_object_get(info, "skipped"), i, row)
        printf("skipped  %s: %s\n", json_string_value(json_object_get(row, "file")),
               json_string_value(json_object_get(row, "reason")));
}

static zoe_status show_pack(zoe__cli *cli, const char *path)
{
    zoe_pack *pack;
    ZOE_TRY(zoe_pack_open(&pack, cli->context, path));
    json_t *info = pack_json(pack);
    zoe_pack_free(&pack);
    if (cli->json) return zoe__cli_print_json(cli, info);
    print_pack(info);
    json_decref(info);
    return ZOE_OK;
}

/* ---- runs and checkpoints ---- */

static json_t *tensor_list(const zoe_checkpoint *checkpoint, size_t *parameters)
{
    json_t *list = json_array();
    *parameters = 0;
    for (size_t i = 0; i < zoe_checkpoint_tensors(checkpoint); i++) {
        const zoe_checkpoint_tensor t = zoe_checkpoint_tensor_at(checkpoint, i);
        json_t *shape = json_array();
        for (int d = 0; d < t.rank; d++) json_array_append_new(shape, json_integer(t.dims[d]));
        json_array_append_new(
            list, json_pack("{s:s, s:o, s:b}", "name", t.name, "shape", shape, "trainable", (int)t.trainable));
        *parameters += t.trainable ? t.count : 0;
    }
    return list;
}

static json_t *checkpoint_json(const zoe_checkpoint *checkpoint)
{
    char sha[65];
    size_t parameters;
    const zoe_checkpoint_info *info = zoe_checkpoint_get_info(checkpoint);
    json_t *tensors = tensor_list(checkpoint, &parameters);
    zoe_checkpoint_weights_sha256(checkpoint, sha);
    return json_pack("{s:s, s:o, s:s, s:s, s:I, s:I, s:s, s:o?, s:o?, s:o}", "kind", "checkpoint", "checkpoint",
                     zoe__cli_text(zoe_checkpoint_path(checkpoint)), "net", info->net, "task", info->task, "step",
                     (json_int_t)info->step, "parameters", (json_int_t)parameters, "weights_sha256", sha, "options",
                     json_loads(info->options, 0, NULL), "state", json_loads(info->state, 0, NULL), "tensors", tensors);
}

static void print_checkpoint(const json_t *info)
{
    const char *const texts[] = {"checkpoint", "task", "net", "weights_sha256"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *text = json_string_value(json_object_get(info, texts[i]));
        if (text) printf("%-16s%s\n", texts[i], text);
    }
    printf("%-16s%lld\n%-16s%lld\n", "step", json_integer_value(json_object_get(info, "step")), "parameters",
           json_integer_value(json_object_get(info, "parameters")));
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(info, "options"), name, value) if (json_is_string(value))
        printf("option          --%s %s\n", name, json_string_value(value));
}

/* Figures that the run wrote when it ended, its options and whether it is complete. */
static void add_run(json_t *info, const char *path)
{
    char file[ZOE__PATH];
    json_object_set_new(info, "kind", json_string("run"));
    json_object_set_new(info, "run", zoe__cli_text(path));
    json_t *result = zoe__format(file, sizeof file, "%s/result.json", path) ? json_load_file(file, 0, NULL) : NULL;
    json_object_set_new(info, "result", result ? result : json_null());
}

/* A run that has not yet saved anything is a run nevertheless. */
static zoe_status read_target(zoe__cli *cli, const char *path, bool is_run, json_t **out)
{
    char folder[ZOE__PATH], *note;
    zoe_checkpoint *checkpoint;
    if (is_run && zoe__format(folder, sizeof folder, "%s/checkpoints", path) && !zoe_checkpoint_files(folder)) {
        json_t *options;
        ZOE_TRY(zoe__run_read_options(cli->context, path, &options));
        *out = json_pack("{s:O?, s:O?, s:I, s:n}", "task", json_object_get(options, "task"), "options",
                         json_object_get(options, "options"), "step", (json_int_t)0, "weights_sha256");
        json_decref(options);
        return ZOE_OK;
    }
    ZOE_TRY(zoe_checkpoint_open(&checkpoint, cli->context, path, &note));
    if (note) fprintf(stderr, "zoe: %s\n", note);
    free(note);
    *out = checkpoint_json(checkpoint);
    zoe_checkpoint_free(&checkpoint);
    return ZOE_OK;
}

/* ---- the plan ---- */

static json_t *launch_json(const zoe_launch_info *l)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:[i, i, i, i], s:f, s:f}", "pass", l->pass, "layer", l->layer, "op",
                     l->op, "kernel", l->kernel, "algorithm", l->algorithm, "shape", l->shape.n, l->shape.c, l->shape.h,
                     l->shape.w, "flops", l->flops, "bytes", l->bytes);
}

static zoe_status collect_plan(const zoe_plan *plan, const zoe_device_info *device, void *user)
{
    json_t *info = user, *list = json_array();
    for (size_t i = 0; i < zoe_plan_launches(plan); i++) {
        const zoe_launch_info launch = zoe_plan_launch(plan, i);
        json_array_append_new(list, launch_json(&launch));
    }
    const zoe_plan_memory m = zoe_plan_get_memory(plan);
    json_object_set_new(info, "plan",
                        json_pack("{s:s, s:I, s:I, s:I, s:I, s:o}", "device", device->id, "arena_bytes",
                                  (json_int_t)m.arena_bytes, "unshared_bytes", (json_int_t)m.unshared_bytes,
                                  "input_bytes", (json_int_t)m.input_bytes, "parameter_bytes",
                                  (json_int_t)m.parameter_bytes, "launches", list));
    return ZOE_OK;
}

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

static void print_plan(const json_t *plan)
{
    size_t i;
    json_t *row;
    double flops = 0;
    printf("%-9s%-26s%-26s%-11s%-20s%10s%10s\n", "pass", "layer", "kernel", "algorithm", "shape", "MFLOP", "MB");
    json_array_foreach(json_object_get(plan, "launches"), i, row)
    {
        char shape[48];
        int d[4];
        for (size_t k = 0; k < 4; k++) d[k] = (int)json_integer_value(json_array_get(json_object_get(row, "shape"), k));
        zoe__format(shape, sizeof shape, "%dx%dx%dx%d", d[0], d[1], d[2], d[3]);
        const double f = json_number_value(json_object_get(row, "flops"));
        flops += f;
        printf("%-9s%-26s%-26s%-11s%-20s%10.2f%10.2f\n", text_of(row, "pass"), text_of(row, "layer"),
               text_of(row, "kernel"), text_of(row, "algorithm"), shape, f / 1e6,
               json_number_value(json_object_get(row, "bytes")) / 1e6);
    }
    printf("%zu launches, %.3g GFLOP; arena %.1f MiB (%.1f unshared) on %s\n",
           json_array_size(json_object_get(plan, "launches")), flops / 1e9,
           json_number_value(json_object_get(plan, "arena_bytes")) / 1048576,
           json_number_value(json_object_get(plan, "unshared_bytes")) / 1048576, text_of(plan, "device"));
}

static zoe_status show_run(zoe__cli *cli, const char *path, bool plan)
{
    json_t *info = NULL;
    const bool is_run = zoe__run_is(path);
    ZOE_FAIL_IF(cli->context, plan && !is_run, ZOE_USAGE, "--plan: %s is not a run folder", path);
    zoe_status status = read_target(cli, path, is_run, &info);
    if (status == ZOE_OK && is_run) add_run(info, path);
    if (status == ZOE_OK && plan) {
        zoe_device_options device = zoe_device_options_default();
        device.name = zoe_options_text(cli->options, "device");
        device.family = zoe_options_text(cli->options, "family");
        device.storage = zoe_options_text(cli->options, "storage");
        status = zoe__train_inspect(cli->context, path, &device, collect_plan, info);
    }
    if (status == ZOE_OK && cli->json) return zoe__cli_print_json(cli, info);
    if (status == ZOE_OK && plan)
        print_plan(json_object_get(info, "plan"));
    else if (status == ZOE_OK)
        print_checkpoint(info);
    json_decref(info);
    return status;
}

static zoe_status run(zoe__cli *cli)
{
    const char *path = cli->args[0];
    const bool plan = zoe_options_flag(cli->options, "plan");
    struct stat info;
    ZOE_FAIL_IF(cli->context, stat(path, &info) < 0, ZOE_DATA, "%s: no such file or folder", path);
    if (!plan && zoe_pack_is(path)) return show_pack(cli, path);
    if (S_ISDIR(info.st_mode) && !zoe__run_is(path)) {
        const bool any = zoe_checkpoint_files(path) > 0;
        ZOE_FAIL_IF(cli->context, !any, ZOE_DATA, "%s: neither a run folder nor a pack nor a folder of checkpoints",
                    path);
    }
    return show_run(cli, path, plan);
}

static const zoe_option options[] = {
    {.name = "plan",
     .type = ZOE_OPTION_FLAG,
     .help = "list the launches of the run's training step, with FLOPs and bytes"},
    ZOE__OPTION_DEVICE,
    ZOE__OPTION_FAMILY,
    ZOE__OPTION_STORAGE,
    ZOE__OPTION_JSON,
    ZOE__OPTION_END,
};

const zoe__verb zoe__verb_info = {
    .name = "info",
    .summary = "what is in a run, a checkpoint or a pack",
    .usage = "RUN|CHECKPOINT|PACK [--plan] [--json]",
    .examples = "zoe info run                      # newest good checkpoint, options, figures\n"
                "zoe info run --plan               # every launch of a training step\n"
                "zoe info pack --json | jq .clips\n"
                "zoe info run/checkpoints/step-000001000.zoe\n",
    .notes = "weights_sha256 is the SHA-256 of weights and running figures (docs/formats.md): equal hashes, equal "
             "networks.\n",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
