/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes every program that the simt family can build, with the options that the product gives to the driver, into a
 * folder: what tests/vendor/check.py compiles for GPUs that nobody here has.
 *
 *   test_vendor_programs FOLDER [DEVICE]
 *
 * Nothing is listed by hand: plans are made dry for every case of the self-test, every backbone (training, fused and
 * not, each optimiser), and every layer of every backbone with each algorithm and parameter set that the tuner may try;
 * each launch says its program. All with storage fp32 and fp16. The device is shown to the plans as the smallest GPU
 * that OpenCL 1.2 knows: work-groups of at most 256, 32 KiB of local memory; a launch that asks for more is a failure.
 * Kernel files that no plan of either family has are compiled as they are.
 *
 * FOLDER gets NUMBER.cl (with common.cl) and programs.json: [{file, program, options, wide_options, kernels: {name:
 * {items, local}}, sub_groups}]: wide_options where the narrowest sub-group is 16, sub_groups: only for
 * devices that have sub-groups of 8, items of the largest work-group (0: the driver
 * chooses), bytes of local memory given as arguments. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <zoe/zoe.h>

#include "device/ahead.h"
#include "device/opencl.h"
#include "device/source.h"
#include "graph/plan.h"
#include "selftest/run.h"
#include "tune/items.h"
#include "tune/measure.h"

enum { MOST_ITEMS = 256, MOST_LOCAL = 32768, CANDIDATES = 256 };

typedef struct visit {
    zoe_context *context;
    zoe_device *device;
    json_t *programs; /* of the family that is looked at */
    size_t launches;
    bool too_much, failed;
} visit;

static zoe_status fail(zoe_context *context, const char *what)
{
    fprintf(stderr, "vendor_programs: %s: %s\n", what, zoe_context_error(context));
    return ZOE_CONFIG;
}

static json_t *program_of(visit *v, const char *name, const char *options, const char *wide_options)
{
    size_t i;
    json_t *at;
    json_array_foreach(v->programs, i, at)
    {
        if (!strcmp(json_string_value(json_object_get(at, "program")), name) &&
            !strcmp(json_string_value(json_object_get(at, "options")), options))
            return at;
    }
    at = json_pack("{s:s, s:s, s:s, s:{}, s:b}", "program", name, "options", options, "wide_options", wide_options,
                   "kernels", "sub_groups", strstr(options, "-DSHARE") != NULL);
    json_array_append_new(v->programs, at);
    return at;
}

static void add(visit *v, const char *name, const char *short_options, const char *kernel, size_t items, size_t local)
{
    char options[4096], wide[4096];
    uint32_t *sub_group = &v->device->info.sub_group;
    *sub_group = 16;
    v->failed = v->failed || zoe__program_options(wide, sizeof wide, v->device, short_options) != ZOE_OK;
    *sub_group = 0;
    v->failed = v->failed || zoe__program_options(options, sizeof options, v->device, short_options) != ZOE_OK;
    if (v->failed) return;
    json_t *kernels = json_object_get(program_of(v, name, options, wide), "kernels");
    if (!kernel) return;
    json_t *known = json_object_get(kernels, kernel);
    const size_t had_items = (size_t)json_integer_value(json_object_get(known, "items"));
    const size_t had_local = (size_t)json_integer_value(json_object_get(known, "local"));
    json_object_set_new(kernels, kernel,
                        json_pack("{s:I, s:I}", "items", (json_int_t)(items > had_items ? items : had_items), "local",
                                  (json_int_t)(local > had_local ? local : had_local)));
}

static void see(void *user, const zoe__ahead_launch *l)
{
    visit *v = user;
    size_t items = 1, local = 0;
    for (int i = 0; i < l->dims; i++) items *= l->local[i];
    for (const char *word = strchr(l->arguments, 'l'); word; word = strchr(word + 1, 'l'))
        local += strtoul(word + 1, NULL, 10);
    v->launches++;
    add(v, l->program, l->options, l->kernel, items, local);
    if (items <= MOST_ITEMS && local <= MOST_LOCAL) return;
    fprintf(stderr, "vendor_programs: %s: %zu work-items in a group and %zu bytes of local memory; at most %d and %d\n",
            l->kernel, items, local, MOST_ITEMS, MOST_LOCAL);
    v->too_much = true;
}

/* ---- what is planned ---- */

static zoe_status plan_cases(visit *v)
{
    for (size_t i = 0; i < zoe__case_count; i++) {
        bool last = false;
        for (size_t round = 0; !last; round++) {
            zoe__verdict verdict[ZOE__VERDICTS];
            size_t count;
            ZOE_TRY(zoe__selftest_case(v->device, &zoe__cases[i], round, true, false, NULL, verdict, &count, &last));
        }
    }
    return ZOE_OK;
}

/* Candidate number `round` of each direction. */
static zoe_status plan_round(visit *v, zoe__measure_job *job, size_t round, bool *any)
{
    static zoe__choice list[CANDIDATES];
    zoe__measured ignored[ZOE__DIRECTIONS];
    *any = false;
    for (int d = 0; d < ZOE__DIRECTIONS; d++) {
        size_t count;
        ZOE_TRY(zoe__measure_candidates(v->device, job, (zoe__direction)d, list, CANDIDATES, &count));
        job->choice[d] = round < count ? list[round] : (zoe__choice){.algorithm = NULL};
        *any = *any || round < count;
    }
    return *any ? zoe__measure(v->device, job, ignored) : ZOE_OK;
}

static zoe_status plan_layers(visit *v, const char *net, int batch)
{
    zoe__tune_items items;
    ZOE_TRY(zoe__tune_items_load(&items, v->context, net, NULL, batch, 0, 0, batch));
    zoe_status status = ZOE_OK;
    for (size_t i = 0; i < items.count && status == ZOE_OK; i++) {
        zoe__measure_job job = {.conv = items.item[i].conv, .data = true, .dry = true};
        bool any = true;
        zoe__format(job.op, sizeof job.op, "%s", items.item[i].op);
        for (size_t round = 0; any && status == ZOE_OK; round++) status = plan_round(v, &job, round, &any);
    }
    zoe__tune_items_free(&items);
    return status;
}

static zoe_value network(zoe_graph *graph, const zoe_backbone *net, int batch)
{
    zoe_value x, classes = zoe_input(graph, "classes", ZOE_I32, (zoe_shape){batch, 1, 1, 1});
    if (net->sound) {
        x = zoe_spectrogram(graph, "sound",
                            zoe_input(graph, "pcm", ZOE_F32, (zoe_shape){batch, 1, 1, net->sound->samples}),
                            zoe_input(graph, "gains", ZOE_I32, (zoe_shape){batch, 1, 1, 1}), &net->sound->spectrogram);
    } else {
        zoe_picture_options o = zoe_picture_options_default();
        o.height = o.width = net->crop;
        x = zoe_picture(graph, "picture",
                        zoe_input(graph, "bytes", ZOE_U8, (zoe_shape){batch, 3, net->frame, net->frame}),
                        zoe_input(graph, "table", ZOE_I32, (zoe_shape){batch, 6, 1, 1}), &o);
    }
    const zoe_value logits = zoe_backbone_classify(net, graph, net->build(graph, x, 0.5f), 10);
    return zoe_softmax_cross_entropy(graph, "loss", logits, classes);
}

static zoe_status plan_network(visit *v, const zoe_backbone *net, int batch, zoe_plan_options options)
{
    zoe_graph *graph = NULL;
    zoe_store *store = NULL;
    zoe_plan *plan = NULL;
    zoe_status status = ZOE_OK;
    options.dry = options.poison = true;
    ZOE_TRY_OUT(zoe_graph_new(&graph, v->context));
    ZOE_TRY_OUT(zoe_store_new(&store, v->context, v->device, 1));
    network(graph, net, batch);
    ZOE_TRY_OUT(zoe_graph_status(graph));
    status = zoe_plan_new(&plan, graph, store, &options);
out:
    zoe_plan_free(&plan);
    zoe_store_free(&store);
    zoe_graph_free(&graph);
    return status;
}

static bool know_nothing(void *user, const char *op, zoe__direction direction, const zoe__conv2d *conv,
                         zoe__choice *out)
{
    (void)user, (void)op, (void)direction, (void)conv, (void)out;
    return false;
}

/* Training, fused and not, with each optimiser, without CLBlast and in short launches; evaluation. */
static zoe_status plan_networks(visit *v, const zoe_backbone *net, int batch)
{
    zoe_plan_options options = zoe_plan_options_default();
    ZOE_TRY(plan_network(v, net, batch, options));
    options.training = true;
    ZOE_TRY(plan_network(v, net, batch, options));
    options.optimizer.name = "adam";
    options.fuse = false;
    ZOE_TRY(plan_network(v, net, batch, options));
    options.conv = options.linear = "plain";
    ZOE_TRY(plan_network(v, net, batch, options));
    const zoe__tuning slow = {.find = know_nothing, .launch_flops = 1e8}, *before = zoe__device_get_tuning(v->device);
    options.conv = options.linear = "auto";
    zoe__device_set_tuning(v->device, &slow);
    const zoe_status status = plan_network(v, net, batch, options);
    zoe__device_set_tuning(v->device, before);
    return status;
}

static zoe_status plan_all(visit *v)
{
    static const int batches[] = {1, 32};
    const zoe_backbone *net;
    ZOE_TRY(plan_cases(v));
    for (size_t i = 0; (net = zoe_backbone_at(i)); i++)
        for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
            ZOE_TRY(plan_networks(v, net, batches[b]));
            ZOE_TRY(plan_layers(v, net->name, batches[b]));
        }
    return ZOE_OK;
}

/* ---- one family ---- */

static bool holds(const json_t *programs, const char *name)
{
    size_t i;
    json_t *at;
    json_array_foreach(programs, i, at)
    {
        if (!strcmp(json_string_value(json_object_get(at, "program")), name)) return true;
    }
    return false;
}

/* What no plan of either family has is launched by itself (benchmarks, a test hook), without options. */
static void add_the_rest(visit *simt, const json_t *vector)
{
    const char *name;
    for (size_t i = 0; (name = zoe__source_at(i)); i++) {
        if (zoe__source_is_part(name) || holds(simt->programs, name) || holds(vector, name)) continue;
        printf("cl/%s.cl is in no plan: taken without options\n", name);
        add(simt, name, "", NULL, 0, 0);
    }
}

/* Adds to programs. vector: what the other family plans; NULL: not asked for the rest. */
static zoe_status visit_family(json_t *programs, zoe_context *context, const char *device, const char *family,
                               const char *storage, const json_t *vector)
{
    zoe_device_options options = zoe_device_options_default();
    visit v = {.context = context, .programs = programs};
    options.name = device;
    options.family = family;
    options.storage = storage;
    options.tuning = "off";
    options.profile = true;
    ZOE_TRY(zoe_device_open(&v.device, context, &options));
    if (!strcmp(family, "simt")) {
        v.device->info.max_work_group = MOST_ITEMS;
        v.device->info.local_mem_bytes = MOST_LOCAL;
        v.device->info.sub_group_8 = true;
        v.device->quirks = 0;
    }
    zoe__ahead_watch(v.device, see, &v);
    zoe_status status = plan_all(&v);
    if (vector) add_the_rest(&v, vector);
    zoe_device_free(&v.device);
    printf("%s, %s: %zu launches, now %zu programs\n", family, storage, v.launches, json_array_size(v.programs));
    if (status == ZOE_OK && v.failed) status = ZOE_CONFIG;
    return status == ZOE_OK && !strcmp(family, "simt") && v.too_much ? ZOE_WRONG : status;
}

static zoe_status write_file(const char *folder, const char *name, const char *text)
{
    char path[4096];
    if (!zoe__format(path, sizeof path, "%s/%s", folder, name)) return ZOE_DISK;
    FILE *file = fopen(path, "w");
    const bool good = file && fputs(text, file) >= 0;
    if (file && !fclose(file) && good) return ZOE_OK;
    fprintf(stderr, "vendor_programs: %s: %s\n", path, strerror(errno));
    return ZOE_DISK;
}

static zoe_status write_all(zoe_context *context, const char *folder, json_t *programs)
{
    size_t i;
    json_t *at;
    if (mkdir(folder, 0777) && errno != EEXIST) {
        fprintf(stderr, "vendor_programs: %s: %s\n", folder, strerror(errno));
        return ZOE_DISK;
    }
    json_array_foreach(programs, i, at)
    {
        char name[32], *source = NULL;
        ZOE_TRY(zoe__source_get(&source, context, json_string_value(json_object_get(at, "program"))));
        zoe__format(name, sizeof name, "%03zu.cl", i);
        json_object_set_new(at, "file", json_string(name));
        const zoe_status status = write_file(folder, name, source);
        free(source);
        ZOE_TRY(status);
    }
    char *text = json_dumps(programs, JSON_INDENT(1));
    const zoe_status status = text ? write_file(folder, "programs.json", text) : ZOE_MEMORY;
    free(text);
    return status;
}

int main(int count, char **word)
{
    zoe_context *context = NULL;
    json_t *simt = json_array(), *vector = json_array();
    if (count < 2 || count > 3) {
        fprintf(stderr, "usage: %s FOLDER [DEVICE]\n", word[0]);
        return zoe_status_exit_code(ZOE_USAGE);
    }
    const char *device = count == 3 ? word[2] : NULL;
    zoe_status status = zoe_context_new(&context);
    if (status == ZOE_OK) status = visit_family(vector, context, device, "vector", "fp32", NULL);
    if (status == ZOE_OK) status = visit_family(simt, context, device, "simt", "fp32", vector);
    if (status == ZOE_OK) status = visit_family(simt, context, device, "simt", "fp16", NULL);
    if (status != ZOE_OK && *zoe_context_error(context)) fail(context, "planning");
    if (status == ZOE_OK) status = write_all(context, word[1], simt);
    json_decref(simt);
    json_decref(vector);
    zoe_context_free(&context);
    return zoe_status_exit_code(status);
}
