/* SPDX-License-Identifier: Apache-2.0
 *
 * `zoe devices`: what there is to train on. */
#include <zoe/device.h>

#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "device/ahead.h"

static json_t *to_json(const zoe_device_info *d)
{
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:i, s:i, s:I, s:I, s:I, s:i, s:i, s:b,"
        " s:b, s:b}",
        "id", d->id, "name", d->name, "platform", d->platform, "vendor", d->vendor, "driver", d->driver, "version",
        d->version, "family", zoe_family_name(d->family), "uuid", d->uuid, "pci", d->pci, "alias_of", d->alias_of,
        "cpu", d->is_cpu, "gpu", d->is_gpu, "compute_units", (int)d->compute_units, "clock_mhz", (int)d->clock_mhz,
        "global_mem_bytes", (json_int_t)d->global_mem_bytes, "max_alloc_bytes", (json_int_t)d->max_alloc_bytes,
        "local_mem_bytes", (json_int_t)d->local_mem_bytes, "vector_width", (int)d->vector_width, "max_work_group",
        (int)d->max_work_group, "fp16", d->fp16, "fp64", d->fp64, "subgroups", d->subgroups);
}

static const char *yes(bool it_has)
{
    return it_has ? "yes" : "no";
}

static void print_device(const zoe_device_info *d)
{
    const double gib = 1024.0 * 1024.0 * 1024.0;
    printf("%s  %s\n", d->id, d->name);
    if (d->alias_of[0]) printf("    the same device as %s\n", d->alias_of);
    printf("    family %s, driver %s %s (%s)\n", zoe_family_name(d->family), d->platform, d->driver, d->version);
    printf("    %u compute units, memory %.1f GiB, largest buffer %.1f GiB, local memory %.0f KiB\n", d->compute_units,
           (double)d->global_mem_bytes / gib, (double)d->max_alloc_bytes / gib, (double)d->local_mem_bytes / 1024.0);
    printf("    vector width %u, fp16 %s, fp64 %s, sub-groups %s\n", d->vector_width, yes(d->fp16), yes(d->fp64),
           yes(d->subgroups));
}

static zoe_status print_json(zoe__cli *cli, const zoe_device_info *devices, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(list, to_json(&devices[i]))) {
            json_decref(list);
            return zoe__fail(cli->context, ZOE_MEMORY, "out of memory: a list of %zu devices", count);
        }
    return zoe__cli_print_json(cli, list);
}

static zoe_status run_compiler(zoe__cli *cli)
{
    zoe_device *device = NULL;
    zoe_device_options options = zoe_device_options_default();
    options.name = zoe_options_text(cli->options, "device");
    options.family = zoe_options_text(cli->options, "family");
    options.storage = zoe_options_text(cli->options, "storage");
    options.lanes = (int)zoe_options_int(cli->options, "lanes");
    options.tuning = "off";
    ZOE_TRY(zoe_device_open(&device, cli->context, &options));
    const zoe_status status = zoe__ahead_serve(device, STDIN_FILENO);
    zoe_device_free(&device);
    return status;
}

/* The host alone is not what somebody who asks for devices looks for: the list still goes out as JSON, then the error.
 */
static zoe_status run(zoe__cli *cli)
{
    zoe_device_info *devices = NULL;
    size_t count = 0;
    if (zoe_options_flag(cli->options, "compiler")) return run_compiler(cli);
    ZOE_TRY(zoe_device_list(cli->context, &devices, &count));
    zoe_status status = ZOE_OK;
    const bool none = count <= 1;
    if (cli->json)
        status = print_json(cli, devices, count);
    else if (!none)
        for (size_t i = 0; i < count; i++) print_device(&devices[i]);
    free(devices);
    ZOE_TRY(status);
    ZOE_FAIL_IF(cli->context, none, ZOE_DEVICE,
                "no OpenCL device found; PoCL makes one of any processor: apt-get install pocl-opencl-icd");
    return ZOE_OK;
}

/* clang-format off */
static const zoe_option options[] = {
    {.name = "compiler", .type = ZOE_OPTION_FLAG, .help = "be a child process that compiles kernels",
     .flags = ZOE_OPTION_HIDDEN},
    {.name = "device", .type = ZOE_OPTION_TEXT, .help = "of --compiler", .flags = ZOE_OPTION_HIDDEN},
    {.name = "family", .type = ZOE_OPTION_TEXT, .help = "of --compiler", .flags = ZOE_OPTION_HIDDEN},
    {.name = "storage", .type = ZOE_OPTION_TEXT, .help = "of --compiler", .flags = ZOE_OPTION_HIDDEN},
    {.name = "lanes", .type = ZOE_OPTION_INT, .low = 0, .high = 16, .fallback = "0", .help = "of --compiler",
     .flags = ZOE_OPTION_HIDDEN},
    ZOE__OPTION_JSON,
    ZOE__OPTION_END,
};
/* clang-format on */

const zoe__verb zoe__verb_devices = {
    .name = "devices",
    .summary = "list the devices, best first",
    .usage = "[--json]",
    .examples = "zoe devices\n"
                "zoe train shuffle-learn clips --out run --device pocl:0     # by id; a part of a name does too\n"
                "zoe train shuffle-learn clips --out run --device pocl:0/1   # the second half of its compute units\n",
    .notes =
        "The first is what is taken without --device. `host` runs the plain-C references and needs no driver; devices\n"
        "after it are used only when they are asked for by name. ids count the devices of a driver; where several\n"
        "cards may change places, --device takes a PCI address or a UUID (--json shows them).\n"
        "Exit code 5 when there is no OpenCL device.\n",
    .options = options,
    .run = run,
};
