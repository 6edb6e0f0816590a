/* SPDX-License-Identifier: Apache-2.0
 *
 * safetensors: an 8-byte little-endian length, a JSON header {"name": {"dtype", "shape", "data_offsets": [begin,
 * end]}}, the data without holes. PyTorch opens it with safetensors.torch.load_file(). */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "train/checkpoint.h"
#include "train/safe_file.h"

static bool ends_with(const char *text, const char *tail)
{
    const size_t n = strlen(text), m = strlen(tail);
    return n >= m && !strcmp(text + n - m, tail);
}

static bool wanted(const char *name, bool backbone_only)
{
    return !backbone_only || strncmp(name, "head.", 5) != 0;
}

static void add_row(json_t *header, const char *name, const char *dtype, json_t *shape, uint64_t *at, uint64_t bytes)
{
    json_object_set_new(header, name,
                        json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtype, "shape", shape, "data_offsets",
                                  (json_int_t)*at, (json_int_t)(*at + bytes)));
    *at += bytes;
}

/* torchvision's batch norms count their batches: "bn1.running_var" is followed by "bn1.num_batches_tracked". */
static bool counter_name(char *out, size_t size, const char *name)
{
    if (!ends_with(name, ".running_var")) return false;
    const int stem = (int)(strlen(name) - strlen("running_var"));
    return zoe__format(out, size, "%.*snum_batches_tracked", stem, name);
}

static char *header_text(const zoe_checkpoint *c, bool backbone_only)
{
    json_t *header = json_object();
    uint64_t at = 0;
    char counter[256];
    json_object_set_new(header, "__metadata__",
                        json_pack("{s:s, s:s, s:s}", "format", "pt", "net", c->info.net, "task", c->info.task));
    /* The 8-byte numbers come first: readers want every tensor aligned to its type. */
    for (size_t i = 0; i < c->tensor_count; i++)
        if (wanted(c->tensors[i].name, backbone_only) && counter_name(counter, sizeof counter, c->tensors[i].name))
            add_row(header, counter, "I64", json_array(), &at, 8);
    for (size_t i = 0; i < c->tensor_count; i++) {
        const zoe__tensor *t = &c->tensors[i];
        if (!wanted(t->name, backbone_only)) continue;
        json_t *shape = json_array();
        for (int d = 0; d < t->rank; d++) json_array_append_new(shape, json_integer(t->dims[d]));
        add_row(header, t->name, "F32", shape, &at, t->count * sizeof(float));
    }
    char *text = json_dumps(header, JSON_COMPACT);
    json_decref(header);
    return text;
}

static zoe_status write_parts(const zoe_checkpoint *c, zoe__safe_file *file, const char *header, bool backbone_only)
{
    const char spaces[8] = "       ";
    const size_t length = strlen(header), padding = zoe__round_up(length, 8) - length;
    const uint64_t total = length + padding;
    const int64_t batches = c->info.step;
    char counter[256];
    ZOE_TRY(zoe__safe_write(file, &total, sizeof total));
    ZOE_TRY(zoe__safe_write(file, header, length));
    ZOE_TRY(zoe__safe_write(file, spaces, padding));
    for (size_t i = 0; i < c->tensor_count; i++)
        if (wanted(c->tensors[i].name, backbone_only) && counter_name(counter, sizeof counter, c->tensors[i].name))
            ZOE_TRY(zoe__safe_write(file, &batches, sizeof batches));
    for (size_t i = 0; i < c->tensor_count; i++) {
        const zoe__tensor *t = &c->tensors[i];
        if (!wanted(t->name, backbone_only)) continue;
        const int home = t->trainable ? ZOE__SECTION_WEIGHTS : ZOE__SECTION_RUNNING;
        ZOE_TRY(zoe__safe_write(file, c->sections[home] + t->first, t->count * sizeof(float)));
    }
    return zoe__safe_commit(file);
}

zoe_status zoe_checkpoint_export_safetensors(const zoe_checkpoint *checkpoint, zoe_context *context, const char *path,
                                             bool backbone_only)
{
    char *header = header_text(checkpoint, backbone_only);
    ZOE_FAIL_IF(context, !header, ZOE_MEMORY, "%s: out of memory: header", path);
    zoe__safe_file file;
    zoe_status status = zoe__safe_open(&file, context, path);
    if (status == ZOE_OK) status = write_parts(checkpoint, &file, header, backbone_only);
    zoe__safe_abandon(&file);
    free(header);
    return status;
}
