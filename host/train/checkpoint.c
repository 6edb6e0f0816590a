/* SPDX-License-Identifier: Apache-2.0
 *
 * The checkpoint file: magic, length and SHA-256 of a JSON header, the header, then the sections, each a run of
 * little-endian floats with its SHA-256 in the header (docs/formats.md). Everything is checked before anything is
 * believed. */
#include "train/checkpoint.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/sha256.h"
#include "train/safe_file.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are little endian and are written as memory lies");

static const char magic[8] = {'Z', 'O', 'E', 'C', 'K', 'P', 'T', '1'};
enum { PREFIX = 48, MAX_HEADER = 64 << 20, MAX_TENSORS = 100000 };

const char *const zoe__section_names[ZOE__SECTIONS] = {"weights", "running", "state0", "state1"};

void zoe_checkpoint_free(zoe_checkpoint **checkpoint)
{
    if (!checkpoint || !*checkpoint) return;
    zoe_checkpoint *c = *checkpoint;
    for (size_t i = 0; i < c->tensor_count; i++) free(c->tensors[i].name);
    for (int s = 0; s < ZOE__SECTIONS; s++) free(c->sections[s]);
    free((char *)c->info.net);
    free((char *)c->info.task);
    free((char *)c->info.options);
    free((char *)c->info.state);
    free(c->tensors);
    free(c->path);
    free(c);
    *checkpoint = NULL;
}

const zoe_checkpoint_info *zoe_checkpoint_get_info(const zoe_checkpoint *checkpoint)
{
    return &checkpoint->info;
}

const char *zoe_checkpoint_path(const zoe_checkpoint *checkpoint)
{
    return checkpoint->path ? checkpoint->path : "";
}

size_t zoe_checkpoint_tensors(const zoe_checkpoint *checkpoint)
{
    return checkpoint->tensor_count;
}

zoe_checkpoint_tensor zoe_checkpoint_tensor_at(const zoe_checkpoint *checkpoint, size_t index)
{
    const zoe__tensor *t = &checkpoint->tensors[index];
    const int home = t->trainable ? ZOE__SECTION_WEIGHTS : ZOE__SECTION_RUNNING;
    zoe_checkpoint_tensor out = {.name = t->name,
                                 .rank = t->rank,
                                 .dims = {t->dims[0], t->dims[1], t->dims[2], t->dims[3]},
                                 .shape = {t->dims[0], t->dims[1], t->dims[2], t->dims[3]},
                                 .trainable = t->trainable,
                                 .count = t->count,
                                 .data = checkpoint->sections[home] + t->first};
    for (int k = 0; t->trainable && k < 2; k++)
        if (checkpoint->sections[ZOE__SECTION_STATE0 + k])
            out.state[k] = checkpoint->sections[ZOE__SECTION_STATE0 + k] + t->first;
    return out;
}

/* ---- writing ---- */

static void section_digest(const zoe_checkpoint *c, int section, char hex[65])
{
    zoe__sha256 sha;
    uint8_t digest[32];
    zoe__sha256_start(&sha);
    zoe__sha256_add(&sha, c->sections[section], c->floats[section] * sizeof(float));
    zoe__sha256_end(&sha, digest);
    zoe__sha256_hex(digest, hex);
}

static json_t *tensor_list(const zoe_checkpoint *c)
{
    json_t *list = json_array();
    for (size_t i = 0; i < c->tensor_count; i++) {
        const zoe__tensor *t = &c->tensors[i];
        json_t *shape = json_array();
        for (int d = 0; d < t->rank; d++) json_array_append_new(shape, json_integer(t->dims[d]));
        json_array_append_new(list, json_pack("{s:s, s:o, s:b, s:I}", "name", t->name, "shape", shape, "trainable",
                                              (int)t->trainable, "first", (json_int_t)t->first));
    }
    return list;
}

static char *header_text(const zoe_checkpoint *c)
{
    json_t *sections = json_array();
    for (int s = 0; s < ZOE__SECTIONS; s++) {
        char hex[65];
        section_digest(c, s, hex);
        json_array_append_new(sections, json_pack("{s:s, s:I, s:s}", "name", zoe__section_names[s], "floats",
                                                  (json_int_t)c->floats[s], "sha256", hex));
    }
    json_t *header = json_pack(
        "{s:i, s:s, s:s, s:I, s:o?, s:o?, s:o, s:o}", "format", 1, "net", c->info.net, "task", c->info.task, "step",
        (json_int_t)c->info.step, "options", json_loads(c->info.options, JSON_REJECT_DUPLICATES, NULL), "state",
        json_loads(c->info.state, JSON_REJECT_DUPLICATES, NULL), "sections", sections, "tensors", tensor_list(c));
    char *text = header ? json_dumps(header, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(header);
    return text;
}

static zoe_status write_parts(const zoe_checkpoint *c, zoe__safe_file *file, const char *header)
{
    uint8_t prefix[PREFIX];
    const uint64_t length = strlen(header);
    zoe__sha256 sha;
    memcpy(prefix, magic, 8);
    memcpy(prefix + 8, &length, 8);
    zoe__sha256_start(&sha);
    zoe__sha256_add(&sha, header, length);
    zoe__sha256_end(&sha, prefix + 16);
    ZOE_TRY(zoe__safe_write(file, prefix, PREFIX));
    ZOE_TRY(zoe__safe_write(file, header, length));
    for (int s = 0; s < ZOE__SECTIONS; s++)
        if (c->floats[s]) ZOE_TRY(zoe__safe_write(file, c->sections[s], c->floats[s] * sizeof(float)));
    return zoe__safe_commit(file);
}

zoe_status zoe_checkpoint_write(const zoe_checkpoint *checkpoint, zoe_context *context, const char *path)
{
    char *header = header_text(checkpoint);
    ZOE_FAIL_IF(context, !header, ZOE_MEMORY, "%s: out of memory: header of the checkpoint", path);
    zoe__safe_file file;
    zoe_status status = zoe__safe_open(&file, context, path);
    if (status == ZOE_OK) status = write_parts(checkpoint, &file, header);
    zoe__safe_abandon(&file);
    free(header);
    return status;
}

/* ---- reading ---- */

typedef struct source {
    zoe_context *context;
    const char *path;
    FILE *file;
    uint64_t bytes; /* of the file */
} source;

static zoe_status bad(const source *in, const char *what)
{
    return zoe__fail(in->context, ZOE_DATA, "%s: damaged checkpoint: %s", in->path, what);
}

static zoe_status read_exactly(const source *in, void *out, size_t bytes)
{
    return fread(out, 1, bytes, in->file) == bytes ? ZOE_OK : bad(in, "it ends early");
}

static zoe_status read_header(const source *in, json_t **header, uint64_t *length)
{
    uint8_t prefix[PREFIX], digest[32];
    ZOE_FAIL_IF(in->context, in->bytes < PREFIX, ZOE_DATA, "%s: not a checkpoint (%llu bytes)", in->path,
                (unsigned long long)in->bytes);
    ZOE_TRY(read_exactly(in, prefix, PREFIX));
    ZOE_FAIL_IF(in->context, memcmp(prefix, magic, 8), ZOE_DATA, "%s: not a checkpoint", in->path);
    memcpy(length, prefix + 8, 8);
    if (*length > MAX_HEADER || *length > in->bytes - PREFIX) return bad(in, "length of the header");
    char *text;
    ZOE_TRY(zoe__calloc(in->context, &text, *length + 1, 1));
    zoe_status status = read_exactly(in, text, *length);
    if (status == ZOE_OK) {
        zoe__sha256 sha;
        zoe__sha256_start(&sha);
        zoe__sha256_add(&sha, text, *length);
        zoe__sha256_end(&sha, digest);
        if (memcmp(digest, prefix + 16, 32)) status = bad(in, "checksum of the header");
    }
    if (status == ZOE_OK) {
        *header = json_loadb(text, *length, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(*header)) status = bad(in, "the header is no JSON object");
    }
    free(text);
    return status;
}

static zoe_status read_tensor(const source *in, zoe_checkpoint *c, json_t *row)
{
    const char *name;
    json_t *shape;
    int trainable;
    json_int_t first;
    if (json_unpack(row, "{s:s, s:o, s:b, s:I}", "name", &name, "shape", &shape, "trainable", &trainable, "first",
                    &first))
        return bad(in, "a row of the tensor list");
    zoe__tensor *t = &c->tensors[c->tensor_count];
    *t = (zoe__tensor){.rank = (int)json_array_size(shape), .dims = {1, 1, 1, 1}, .trainable = trainable, .count = 1};
    if (t->rank < 1 || t->rank > 4) return bad(in, "a tensor with no dimension or more than 4");
    const int home = trainable ? ZOE__SECTION_WEIGHTS : ZOE__SECTION_RUNNING;
    for (int d = 0; d < t->rank; d++) {
        const json_int_t n = json_integer_value(json_array_get(shape, (size_t)d));
        if (n < 1 || n > INT32_MAX || (size_t)n > c->floats[home] / t->count) return bad(in, "the shape of a tensor");
        t->dims[d] = (int)n;
        t->count *= (size_t)n;
    }
    if (first < 0 || (size_t)first > c->floats[home] - t->count) return bad(in, "the place of a tensor");
    t->first = (size_t)first;
    ZOE_TRY(zoe__strdup(in->context, &t->name, name));
    c->tensor_count++;
    return ZOE_OK;
}

static zoe_status copy_json(const source *in, json_t *header, const char *key, const char **out)
{
    json_t *value = json_object_get(header, key);
    if (!json_is_object(value)) return bad(in, "options or state are missing");
    *out = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(17));
    ZOE_FAIL_IF(in->context, !*out, ZOE_MEMORY, "%s: out of memory: header", in->path);
    return ZOE_OK;
}

static zoe_status read_texts(const source *in, zoe_checkpoint *c, json_t *header)
{
    const char *net, *task;
    json_int_t step;
    int format;
    if (json_unpack(header, "{s:i, s:s, s:s, s:I}", "format", &format, "net", &net, "task", &task, "step", &step))
        return bad(in, "net, task or step are missing");
    ZOE_FAIL_IF(in->context, format != 1, ZOE_DATA, "%s: checkpoint format %d, this program reads 1", in->path, format);
    char *copy;
    ZOE_TRY(zoe__strdup(in->context, &copy, net));
    c->info.net = copy;
    ZOE_TRY(zoe__strdup(in->context, &copy, task));
    c->info.task = copy;
    c->info.step = step;
    ZOE_TRY(copy_json(in, header, "options", &c->info.options));
    return copy_json(in, header, "state", &c->info.state);
}

/* Lengths first: they must fill the file exactly, so that no allocation is larger than the file. */
static zoe_status read_lengths(const source *in, zoe_checkpoint *c, json_t *sections, uint64_t rest)
{
    if (json_array_size(sections) != ZOE__SECTIONS) return bad(in, "number of sections");
    for (int s = 0; s < ZOE__SECTIONS; s++) {
        const json_int_t floats = json_integer_value(json_object_get(json_array_get(sections, (size_t)s), "floats"));
        if (floats < 0 || (uint64_t)floats > rest / sizeof(float)) return bad(in, "it ends early");
        c->floats[s] = (size_t)floats;
        rest -= (uint64_t)floats * sizeof(float);
    }
    for (int s = ZOE__SECTION_STATE0; s < ZOE__SECTIONS; s++)
        if (c->floats[s] && c->floats[s] != c->floats[ZOE__SECTION_WEIGHTS])
            return bad(in, "length of an optimiser state");
    return rest ? bad(in, "it is longer than its sections") : ZOE_OK;
}

static zoe_status read_sections(const source *in, zoe_checkpoint *c, json_t *sections)
{
    for (int s = 0; s < ZOE__SECTIONS; s++) {
        if (c->floats[s]) {
            ZOE_TRY(zoe__calloc(in->context, &c->sections[s], c->floats[s], sizeof(float)));
            ZOE_TRY(read_exactly(in, c->sections[s], c->floats[s] * sizeof(float)));
        }
        const char *wanted = json_string_value(json_object_get(json_array_get(sections, (size_t)s), "sha256"));
        char hex[65];
        section_digest(c, s, hex);
        ZOE_FAIL_IF(in->context, !wanted || strcmp(wanted, hex), ZOE_DATA,
                    "%s: damaged checkpoint: checksum of section '%s'", in->path, zoe__section_names[s]);
    }
    return ZOE_OK;
}

static zoe_status read_all(const source *in, zoe_checkpoint *c, json_t **header)
{
    uint64_t length = 0;
    ZOE_TRY(read_header(in, header, &length));
    json_t *sections = json_object_get(*header, "sections"), *tensors = json_object_get(*header, "tensors"), *row;
    ZOE_TRY(read_texts(in, c, *header));
    ZOE_TRY(read_lengths(in, c, sections, in->bytes - PREFIX - length));
    if (!json_is_array(tensors) || json_array_size(tensors) > MAX_TENSORS) return bad(in, "the tensor list");
    ZOE_TRY(zoe__calloc(in->context, &c->tensors, json_array_size(tensors), sizeof *c->tensors));
    size_t i;
    json_array_foreach(tensors, i, row) ZOE_TRY(read_tensor(in, c, row));
    return read_sections(in, c, sections);
}

zoe_status zoe_checkpoint_read(zoe_checkpoint **out, zoe_context *context, const char *path)
{
    *out = NULL;
    struct stat info;
    ZOE_FAIL_IF(context, stat(path, &info) < 0, ZOE_DATA, "%s: %s", path, strerror(errno));
    ZOE_FAIL_IF(context, !S_ISREG(info.st_mode), ZOE_DATA, "%s: not a regular file", path);
    source in = {.context = context, .path = path, .file = fopen(path, "rb"), .bytes = (uint64_t)info.st_size};
    ZOE_FAIL_IF(context, !in.file, ZOE_DATA, "%s: %s", path, strerror(errno));
    zoe_checkpoint *c = NULL;
    json_t *header = NULL;
    zoe_status status = zoe__calloc(context, &c, 1, sizeof *c);
    if (status == ZOE_OK) status = zoe__strdup(context, &c->path, path);
    if (status == ZOE_OK) status = read_all(&in, c, &header);
    json_decref(header);
    fclose(in.file);
    if (status != ZOE_OK) zoe_checkpoint_free(&c);
    *out = c;
    return status;
}
