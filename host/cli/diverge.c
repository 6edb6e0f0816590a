/* SPDX-License-Identifier: Apache-2.0
 *
 * `zoe diverge`: where and when do two devices part? */
#include <math.h>
#include <string.h>

#include <zoe/train.h>

#include "cli/cli.h"
#include "diverge/diverge.h"

static void progress(const char *what, size_t done, size_t total, void *user)
{
    char line[64];
    (void)user;
    if (!zoe__cli_line_due(false)) return;
    zoe__format(line, sizeof line, "comparing %s: %zu of %zu", what, done, total);
    zoe__cli_line(line);
}

/* Both values of a list option, or its one value for both sides. */
static zoe_status read_pair(zoe__cli *cli, const char *name, const char *words, const char *out[2])
{
    const size_t count = zoe_options_items(cli->options, name);
    ZOE_FAIL_IF(cli->context, count > 2, ZOE_USAGE, "--%s %s: at most two, A,B", name,
                zoe_options_text(cli->options, name));
    for (size_t i = 0; i < count; i++) {
        out[i] = zoe_options_item(cli->options, name, i);
        const char *at = words ? strstr(words, out[i]) : NULL;
        const size_t n = strlen(out[i]);
        const bool known = !words || (at && (at == words || at[-1] == '|') && (at[n] == '|' || !at[n]));
        ZOE_FAIL_IF(cli->context, !known, ZOE_USAGE, "--%s %s: %s", name, out[i], words);
    }
    return ZOE_OK;
}

static zoe_status read_sides(zoe__cli *cli, zoe__diverge_side side[2])
{
    const char *device[2] = {NULL, NULL}, *family[2] = {NULL, NULL}, *conv[2] = {NULL, NULL}, *linear[2] = {NULL, NULL},
               *lanes[2] = {NULL, NULL}, *storage[2] = {NULL, NULL};
    ZOE_TRY(read_pair(cli, "device", NULL, device));
    ZOE_TRY(read_pair(cli, "family", "vector|simt", family));
    ZOE_TRY(read_pair(cli, "conv", "auto|direct|winograd|tiled|clblast|plain|reference", conv));
    ZOE_TRY(read_pair(cli, "linear", "auto|packed|tiled|clblast|plain|reference", linear));
    ZOE_TRY(read_pair(cli, "lanes", "8|16", lanes));
    ZOE_TRY(read_pair(cli, "storage", "fp32|fp16", storage));
    for (int i = 0; i < 2; i++) {
        const bool only_one = zoe_options_items(cli->options, "device") == 1 && i == 1;
        side[i].device = device[i];
        side[i].family = family[1] ? family[i] : only_one ? NULL : family[0];
        side[i].storage = storage[1] ? storage[i] : only_one ? NULL : storage[0];
        side[i].conv = conv[1] ? conv[i] : conv[0];
        side[i].linear = linear[1] ? linear[i] : linear[0];
        side[i].lanes = !lanes[0] ? 0 : !strcmp(lanes[1] ? lanes[i] : lanes[0], "16") ? 16 : 8;
    }
    const bool differ = family[1] || storage[1] || conv[1] || linear[1] || lanes[1];
    if (!side[1].device) side[1].device = differ ? side[0].device : "host";
    if (!strcmp(side[1].device ? side[1].device : "", "host")) {
        side[1].family = side[1].storage = NULL;
        side[1].lanes = 0;
    }
    return ZOE_OK;
}

/* Options of a training that this one has too. */
static zoe_status copy_options(zoe__cli *cli, zoe_options *train)
{
    static const char *const names[] = {"net", "batch", "seed", "lr", "optimizer", "workers"};
    static const char *const flags[] = {"exact", "no-fuse", "no-tuning"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *text = zoe_options_text(cli->options, names[i]);
        if (text) ZOE_TRY(zoe_options_set(train, names[i], text));
    }
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (zoe_options_flag(cli->options, flags[i])) ZOE_TRY(zoe_options_set(train, flags[i], "true"));
    return ZOE_OK;
}

static bool is_off(const json_t *row, double tolerance)
{
    const json_t *error = json_object_get(row, "error");
    return !json_is_number(error) || json_number_value(error) > tolerance;
}

static double number(const json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);
    return json_is_number(value) ? json_number_value(value) : INFINITY;
}

static const char *text(const json_t *row, const char *key)
{
    const char *value = json_string_value(json_object_get(row, key));
    return value ? value : "";
}

static void print_list(const json_t *value, const char *list, const char *key, const char *head, bool all)
{
    const double tolerance = number(value, "tolerance");
    size_t i, off = 0;
    json_t *row;
    const json_t *worst = NULL;
    json_array_foreach(json_object_get(value, list), i, row)
    {
        off += is_off(row, tolerance);
        if (!worst || number(row, "error") > number(worst, "error")) worst = row;
    }
    printf("%s: %zu of %zu part\n", head, off, json_array_size(json_object_get(value, list)));
    json_array_foreach(json_object_get(value, list), i, row)
    {
        if (!all && !is_off(row, tolerance) && row != worst) continue;
        char name[96];
        if (!strcmp(key, "step"))
            zoe__format(name, sizeof name, "step %d  loss %.7g  %.7g", (int)number(row, "step"),
                        json_number_value(json_array_get(json_object_get(row, "loss"), 0)),
                        json_number_value(json_array_get(json_object_get(row, "loss"), 1)));
        else
            zoe__format(name, sizeof name, "%s", text(row, key));
        printf("  %c %-32s %-20s largest difference %-10.3g error %.2g\n", is_off(row, tolerance) ? '*' : ' ', name,
               text(row, "node"), number(row, "max_abs"), number(row, "error"));
    }
}

static void print_result(const json_t *value, bool all)
{
    size_t i;
    json_t *device;
    json_array_foreach(json_object_get(value, "devices"), i, device)
        printf("%c  %s, family %s, %s, %d lanes, convolutions %s, linear layers %s (driver %s)\n", i ? 'B' : 'A',
               text(device, "id"), text(device, "family"), text(device, "storage"), (int)number(device, "lanes"),
               text(device, "conv"), text(device, "linear"), text(device, "driver"));
    printf("an error is the largest difference over the largest value; above %g (--tolerance) they part: *\n\n",
           number(value, "tolerance"));
    print_list(value, "ops", "op", "ops, each alone with the same inputs", all);
    print_list(value, "layers", "layer", "layers of the first step", all);
    print_list(value, "steps", "step", "losses", true);
    const json_t *op = json_object_get(value, "first_op"), *layer = json_object_get(value, "first_layer"),
                 *step = json_object_get(value, "first_step");
    printf("\nfirst op     %s\nfirst layer  %s\nfirst step   ", json_is_string(op) ? json_string_value(op) : "none",
           json_is_string(layer) ? json_string_value(layer) : "none");
    if (json_is_integer(step))
        printf("%d\n", (int)json_integer_value(step));
    else
        printf("none\n");
}

static zoe_status compare(zoe__cli *cli, zoe_options *train, json_t **value)
{
    zoe__diverge_options options = {.task = cli->args[0],
                                    .pack = cli->arg_count > 1 ? cli->args[1] : NULL,
                                    .train = train,
                                    .steps = zoe_options_int(cli->options, "steps"),
                                    .tolerance = zoe_options_float(cli->options, "tolerance"),
                                    .progress = progress};
    ZOE_TRY(zoe_train_options(train, cli->context, options.task));
    ZOE_TRY(copy_options(cli, train));
    ZOE_TRY(read_sides(cli, options.side));
    const zoe_task_kind *kind = zoe_task_find(cli->context, options.task);
    if (!kind) return ZOE_USAGE;
    if (kind->set_defaults) ZOE_TRY(kind->set_defaults(train));
    return zoe__diverge(cli->context, &options, value);
}

static zoe_status run(zoe__cli *cli)
{
    zoe_options *train = NULL;
    json_t *value = NULL;
    ZOE_TRY(zoe_options_new(&train, cli->context));
    const zoe_status status = compare(cli, train, &value);
    zoe_options_free(&train);
    zoe__cli_end_line();
    if (status != ZOE_OK) return status;
    if (cli->json) return zoe__cli_print_json(cli, value);
    print_result(value, zoe_options_flag(cli->options, "all"));
    json_decref(value);
    return ZOE_OK;
}

/* clang-format off */
static const zoe_option options[] = {
    {.name = "device", .letter = 'd', .type = ZOE_OPTION_LIST, .value = "A,B", .flags = ZOE_OPTION_REPEAT,
    
     .help = "the two devices; one alone is compared with `host`, the definitions in double; "
             "none: the first of `zoe devices`"},
    {.name = "family", .type = ZOE_OPTION_LIST, .value = "A,B", .flags = ZOE_OPTION_REPEAT,
     .help = "kernel families, vector or simt, of each or of both"},
    {.name = "storage", .type = ZOE_OPTION_LIST, .value = "A,B", .flags = ZOE_OPTION_REPEAT,
     .help = "of activations: fp32, fp16"},
    {.name = "conv", .type = ZOE_OPTION_LIST, .value = "A,B", .flags = ZOE_OPTION_REPEAT,
     .help = "algorithms of convolutions: auto, direct, winograd, tiled, clblast, plain, reference"},
    {.name = "linear", .type = ZOE_OPTION_LIST, .value = "A,B", .flags = ZOE_OPTION_REPEAT,
     .help = "algorithms of linear layers: auto, packed, tiled, clblast, plain, reference"},
    {.name = "lanes", .type = ZOE_OPTION_LIST, .value = "A,B", .flags = ZOE_OPTION_REPEAT,
     .help = "lanes of the vector family, 8 or 16"},
    {.name = "tolerance", .type = ZOE_OPTION_FLOAT, .low = 0, .high = 1, .fallback = "1e-4",
     .help = "largest difference over largest value above which they part; 0: other bits"},
    {.name = "all", .type = ZOE_OPTION_FLAG, .help = "print ops and layers that agree, too"},
    {.name = "net", .type = ZOE_OPTION_TEXT, .value = "NAME",
     .help = "backbone (see `zoe backbones`); none: the task's own"},
    {.name = "steps", .type = ZOE_OPTION_INT, .low = 1, .high = 1000000, .unit = "steps", .fallback = "10",
     .help = "of training, loss by loss"},
    {.name = "batch", .letter = 'b', .type = ZOE_OPTION_INT, .low = 1, .high = 65536, .unit = "windows",
     .fallback = "2", .help = "windows in a step"},
    {.name = "seed", .type = ZOE_OPTION_INT, .low = 0, .high = 9007199254740992.0, .fallback = "0",
     .help = "of weights, samples and dropout"},
    {.name = "lr", .type = ZOE_OPTION_FLOAT, .fallback = "0.002", .help = "learning rate"},
    {.name = "optimizer", .type = ZOE_OPTION_WORD, .value = "sgd|adam", .fallback = "adam",
     .help = "how weights are changed"},
    {.name = "workers", .type = ZOE_OPTION_INT, .low = 0, .high = 256, .unit = "threads", .fallback = "0",
     .help = "that read and decode; 0: one a processor"},
    ZOE__OPTION_EXACT,
    ZOE__OPTION_NO_FUSE,
    ZOE__OPTION_NO_TUNING,
    ZOE__OPTION_JSON,
    ZOE__OPTION_END,
};
/* clang-format on */

const zoe__verb zoe__verb_diverge = {
    .name = "diverge",
    .summary = "find where and when two devices part",
    .usage = "TASK [PACK] [options]",
    .examples = "zoe diverge shuffle-learn --device gpu                       # my GPU against the definitions\n"
                "zoe diverge shuffle-learn pack --device pocl:0,intel-cpu:0   # two drivers, on real clips\n"
                "zoe diverge shuffle-learn --family vector,simt --all         # two kernel families of one device\n"
                "zoe diverge shuffle-learn --conv direct,winograd --steps 50  # two algorithms\n",
    .notes =
        "Three questions, from the small to the large: does each op give the same from the same inputs (forward,\n"
        "backward, update); are the layers of the first step the same; is the loss of each step? Names of ops are\n"
        "those of `zoe selftest --list`. Without PACK pictures and sounds are made up. Training amplifies the\n"
        "smallest difference, so losses part in the end on any two devices that add in another order.\n",
    .options = options,
    .min_args = 1,
    .max_args = 2,
    .run = run,
};
