/* SPDX-License-Identifier: Apache-2.0
 *
 * A small pack of synthetic clips for tests, made once a program. */
#ifndef TESTS_TASKS_WORLD_H
#define TESTS_TASKS_WORLD_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include <zoe/media.h>

typedef struct world {
    zoe_context *context;
    char folder[64]; /* of everything */
    zoe_pack *pack;
} world;

static int world_remove(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static int world_make(world *w, int clips)
{
    char files[96], pack[96];
    const char *paths[1] = {files};
    snprintf(w->folder, sizeof w->folder, "/tmp/zoe-test-XXXXXX");
    if (zoe_context_new(&w->context) != ZOE_OK || !mkdtemp(w->folder)) return -1;
    snprintf(files, sizeof files, "%s/clips", w->folder);
    snprintf(pack, sizeof pack, "%s/pack", w->folder);
    zoe_synth_options synth = zoe_synth_options_default();
    synth.clips = clips;
    synth.seed = 5;
    zoe_index_options index = zoe_index_options_default();
    if (zoe_synth(w->context, files, &synth) != ZOE_OK ||
        zoe_pack_index(w->context, paths, 1, pack, &index) != ZOE_OK ||
        zoe_pack_open(&w->pack, w->context, pack) != ZOE_OK) {
        fprintf(stderr, "world: %s\n", zoe_context_error(w->context));
        return -1;
    }
    return 0;
}

static void world_free(world *w)
{
    zoe_pack_free(&w->pack);
    zoe_context_free(&w->context);
    nftw(w->folder, world_remove, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
