/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows "data augment": how many samples a second come out of each thing that the host does between decoding and the
 * device: frames scaled to the size that a task sees (data_scale.c), requests drawn by the tasks' samplers
 * (data_draw.c), and, as the device `host` does them, crop, flip, order of channels, light, gain and spectrogram
 * (data_plain.c), which on any other device are the first kernels of a step. By one thread and by one a processor.
 *
 * Right is a result that is that of a plain computation beside it, and has the same bits in every thread and process;
 * what is looked at is the last result that was timed. */
#include "bench/data_augment.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/once.h"

enum { CLIPS = 16, SEED = 5 };

static const zoe__act *const lists[] = {zoe__acts_scale, zoe__acts_draw, zoe__acts_plain};
enum { LISTS = sizeof lists / sizeof *lists };

static bool row_id(char *id, size_t size, const zoe_options *o, const zoe__act *act, bool many)
{
    const int threads = zoe__made_threads(o);
    zoe__format(id, size, "data augment %s threads %d", act->name, many ? threads : 1);
    return (!many || threads > 1) && zoe__made_wants(o, id);
}

static bool is_wanted(const zoe_options *o, const zoe__act *act)
{
    char id[96];
    return row_id(id, sizeof id, o, act, false) || row_id(id, sizeof id, o, act, true);
}

/* Small clips with pictures and sound, once, whole or not at all. */
static zoe_status make_world(zoe__made_clips *clips)
{
    char folder[600], part[600], done[700];
    zoe_synth_options synth = zoe_synth_options_default();
    synth.world = "sounding";
    synth.clips = CLIPS;
    synth.seed = SEED;
    ZOE_TRY(zoe__made_folder(clips, "world", folder, sizeof folder));
    zoe__format(done, sizeof done, "%s/clips", folder);
    zoe__format(part, sizeof part, "%s/world.part", clips->folder);
    if (access(done, R_OK) == 0) return ZOE_OK;
    ZOE_TRY(zoe_synth(clips->context, part, &synth));
    ZOE_FAIL_IF(clips->context, rename(part, done), ZOE_DISK, "%s: %s", done, strerror(errno));
    return ZOE_OK;
}

static zoe_status prepare(zoe__made_clips *clips)
{
    char id[96];
    for (size_t k = 0; k < LISTS; k++)
        for (const zoe__act *act = lists[k]; act->name; act++) {
            if (!is_wanted(clips->options, act)) continue;
            clips->wanted++;
            if (!act->clips) continue;
            zoe__format(id, sizeof id, "data augment %s", act->name);
            ZOE_TRY(zoe__made_skip(clips, id, make_world(clips)));
        }
    return ZOE_OK;
}

/* ---- measuring, in a fresh process ---- */

typedef struct augment {
    zoe__made *made;
    const zoe__act *act;
    void *own[ZOE__MADE_THREADS];
} augment;

static zoe_status work(zoe__made_thread *t, void *user)
{
    const augment *a = user;
    for (int i = 0; i < a->act->rounds; i++) ZOE_TRY(a->act->work(t, a->own[t->number]));
    return ZOE_OK;
}

/* The results of all threads; --spoil changes one of them first, as a fault would. */
static bool look(const augment *a, int threads, char hash[65])
{
    bool right = true;
    char other[65];
    for (int i = 0; i < threads; i++) {
        size_t bytes;
        uint8_t *result = a->act->result(a->own[i], &bytes);
        if (i == threads - 1 && zoe_options_flag(a->made->options, "spoil")) result[bytes / 2 | 3] ^= 0x44;
        zoe__once_hash(result, bytes, i ? other : hash);
        right = right && a->act->judge(a->own[i]) && (!i || !strcmp(hash, other));
    }
    return right;
}

static zoe_status measure_row(augment *a, const char *id, int threads)
{
    zoe__made_times times;
    char hash[65] = "";
    bool right = true;
    const zoe__made_row row = {.id = id,
                               .algorithm = a->act->algorithm,
                               .threads = threads,
                               .amount = (double)a->act->amount * a->act->rounds,
                               .work = work,
                               .user = a};
    zoe_status status = zoe__made_run(a->made, &row, &times);
    if (status == ZOE_OK) right = look(a, threads, hash);
    status = zoe__made_forgive(a->made, status, &right);
    zoe__made_add(a->made, &row, &times, right, hash);
    return status;
}

static zoe_status measure_act(augment *a)
{
    char id[96];
    zoe_status status = ZOE_OK;
    for (int i = 0; i < a->made->threads && status == ZOE_OK; i++) {
        zoe__made_thread *t = &a->made->thread[i];
        status = zoe__made_from(a->made, t, a->act->open(a->act, a->made, t, &a->own[i]));
    }
    for (int many = 0; many < 2 && status == ZOE_OK; many++)
        if (row_id(id, sizeof id, a->made->options, a->act, many))
            status = measure_row(a, id, many ? a->made->threads : 1);
    for (int i = 0; i < a->made->threads; i++) {
        if (a->own[i]) a->act->close(a->own[i]);
        a->own[i] = NULL;
    }
    return status;
}

/* Are there clips of the world, where the act needs them? */
static bool has_clips(const zoe__made *made, const zoe__act *act)
{
    bool found = !act->clips;
    for (size_t i = 0; !found && made->pack && i < zoe_pack_clips(made->pack); i++)
        found = strstr(zoe_pack_clip(made->pack, i)->path, ZOE__MADE_WORLD) != NULL;
    return found;
}

static zoe_status measure(zoe__made *made)
{
    augment a = {.made = made};
    for (size_t k = 0; k < LISTS; k++)
        for (a.act = lists[k]; a.act->name; a.act++)
            if (is_wanted(made->options, a.act) && has_clips(made, a.act)) ZOE_TRY(measure_act(&a));
    return ZOE_OK;
}

const zoe__made_kind zoe__made_augment = {.start = "data augment ",
                                          .unit = "samples/s",
                                          .key = "samples_per_s",
                                          .each = "sample",
                                          .prepare = prepare,
                                          .measure = measure};
