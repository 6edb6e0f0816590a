/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of protocols, generated from host/evaluate/CMakeLists.txt. */
#include <stdlib.h>
#include <string.h>

#include <zoe/evaluate.h>

#include "core/core.h"
#include "core/suggest.h"

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

void zoe_evaluation_free(zoe_evaluation *evaluation)
{
    free(evaluation->json);
    free(evaluation->text);
    *evaluation = (zoe_evaluation){0};
}
