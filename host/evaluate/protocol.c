/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of protocols, generated from host/evaluate/CMakeLists.txt. */
#include <stdlib.h>
#include <string.h>

#include <zoe/evaluate.h>

#include "core/core.h"
#include "core/suggest.h"
#include "evaluate/protocol.h"

#define X(name) extern const zoe_protocol zoe__protocol_##name;
#include "zoe_protocols.inc"
#undef X

static const zoe_protocol *const protocols[] = {
#define X(name) &zoe__protocol_##name,
#include "zoe_protocols.inc"
#undef X
};

const zoe_protocol *zoe_protocol_at(size_t index)
{
    return index < sizeof protocols / sizeof protocols[0] ? protocols[index] : NULL;
}

const zoe_protocol *zoe_protocol_find(zoe_context *context, const char *name)
{
    zoe__suggestion suggestion = zoe__suggest_start(name);
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
        if (!strcmp(protocols[i]->name, name)) return protocols[i];
        zoe__suggest_try(&suggestion, protocols[i]->name);
    }
    zoe__fail(context, ZOE_USAGE, "unknown protocol '%s'%s", name,
              suggestion.best ? zoe__suggest_text(&suggestion) : "; `zoe evaluate --help` lists them");
    return NULL;
}

zoe_status zoe__evaluation_tell(zoe_context *context, json_t *value, zoe__evaluation_writer *write, const void *user,
                                zoe_evaluation *out)
{
    size_t size;
    FILE *text = open_memstream(&out->text, &size);
    if (text) write(text, user);
    const bool written = text && fclose(text) == 0;
    out->json = json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(value);
    if (written && out->json) return ZOE_OK;
    zoe_evaluation_free(out);
    return zoe__fail(context, ZOE_MEMORY, "out of memory: result");
}

void zoe_evaluation_free(zoe_evaluation *evaluation)
{
    free(evaluation->json);
    free(evaluation->text);
    *evaluation = (zoe_evaluation){0};
}
