/* SPDX-License-Identifier: Apache-2.0 */
#include "train/replicas.h"

#include <stdlib.h>
#include <string.h>

#include "core/parallel.h"
#include "device/device.h"
#include "graph/state.h"
#include "train/session.h"

enum { PIECE = 1 << 18 /* floats that are read, added and written while they are in the cache */ };

/* ---- devices ---- */

static zoe_status open_device(zoe__session *s, int index, const char *name)
{
    zoe_device_options device = zoe_device_options_default();
    zoe__replica *r = &s->replica[index];
    device.name = name;
    device.family = zoe_options_text(s->options, "family");
    device.storage = zoe_options_text(s->options, "storage");
    device.max_memory = (uint64_t)zoe_options_float(s->options, "max-memory");
    device.tuning = zoe_options_flag(s->options, "no-tuning") ? "off" : NULL;
    device.selftest = true;
    device.profile = s->hooks && s->hooks->profile;
    ZOE_TRY(zoe_device_open(&r->device, s->context, &device));
    memcpy(r->id, zoe_device_get_info(r->device)->id, sizeof r->id);
    for (int i = 0; i < index; i++)
        ZOE_FAIL_IF(s->context, !strcmp(s->replica[i].id, r->id), ZOE_CONFIG, "--device: %s is named twice", r->id);
    return ZOE_OK;
}

zoe_status zoe__replicas_open(zoe__session *s)
{
    const size_t named = zoe_options_items(s->options, "device");
    ZOE_FAIL_IF(s->context, named > ZOE_TRAIN_DEVICES, ZOE_USAGE, "--device: %zu devices, at most %d", named,
                ZOE_TRAIN_DEVICES);
    s->replicas = named ? (int)named : 1;
    char *const text = s->result->device;
    const size_t room = sizeof s->result->device;
    for (int i = 0; i < s->replicas; i++)
        ZOE_TRY(open_device(s, i, s->reopened ? s->replica[i].id : zoe_options_item(s->options, "device", (size_t)i)));
    text[0] = '\0';
    for (int i = 0; i < s->replicas; i++) {
        const size_t end = strlen(text);
        zoe__format(text + end, room - end, "%s%s", i ? "," : "", s->replica[i].id);
    }
    return ZOE_OK;
}

void zoe__replicas_close(zoe__session *s)
{
    zoe__replicas_free_networks(s);
    for (int i = 0; i < s->replicas; i++) zoe_device_free(&s->replica[i].device);
}

/* ---- networks ---- */

void zoe__replicas_free_plans(zoe__session *s)
{
    for (int i = 0; i < s->replicas; i++) zoe_plan_free(&s->replica[i].plan);
}

void zoe__replicas_free_networks(zoe__session *s)
{
    zoe__replicas_free_plans(s);
    for (int i = 0; i < s->replicas; i++) {
        zoe__replica *r = &s->replica[i];
        zoe_store_free(&r->store);
        zoe_graph_free(&r->graph);
        zoe__batch_free(&r->share);
        free(r->number);
        r->number = NULL;
    }
    free(s->sum);
    free(s->term);
    s->sum = s->term = NULL;
}

/* Whether a parameter lies alike on all devices, so that numbers can be added as they lie. */
static bool lies_alike(const zoe__session *s, size_t p)
{
    const zoe__layout *layout = zoe__store_layout(s->replica[0].store, (int)p);
    for (int i = 0; i < s->replicas; i++) {
        const zoe__replica *r = &s->replica[i];
        if (zoe__device_is_host(r->device)) return false; /* gradients are double there */
        if (!zoe__layout_same(layout, zoe__store_layout(r->store, r->number[p]))) return false;
    }
    return true;
}

static zoe_status number_parameters(zoe__session *s, zoe__replica *r)
{
    const zoe_store *first = s->replica[0].store;
    const size_t count = zoe_store_params(first);
    ZOE_TRY(zoe__calloc(s->context, &r->number, count, sizeof *r->number));
    for (size_t p = 0; p < count; p++) {
        const char *name = zoe_store_param(first, p).name;
        r->number[p] = (int)zoe_store_find(r->store, name);
        ZOE_FAIL_IF(s->context, r->number[p] < 0, ZOE_CONFIG, "%s: the network has no '%s' there", r->id, name);
    }
    return ZOE_OK;
}

/* What the exchange needs: a place for each share, the numbers of parameters, room for one parameter twice. */
static zoe_status make_exchange(zoe__session *s)
{
    size_t most = PIECE;
    for (int i = 0; i < s->replicas; i++) {
        zoe__replica *r = &s->replica[i];
        ZOE_TRY(zoe__batch_make(&r->share, &s->task, ZOE_SPLIT_TRAIN, r->windows));
        ZOE_TRY(number_parameters(s, r));
    }
    for (size_t p = 0; p < zoe_store_params(s->replica[0].store); p++) {
        const size_t count = zoe_shape_count(zoe_store_param(s->replica[0].store, p).shape);
        if (count > most && !lies_alike(s, p)) most = count;
    }
    ZOE_TRY(zoe__calloc(s->context, &s->sum, most, sizeof *s->sum));
    return zoe__calloc(s->context, &s->term, most, sizeof *s->term);
}

zoe_status zoe__replicas_plan(zoe__session *s, bool dry)
{
    for (int i = 0; i < s->replicas; i++) ZOE_TRY(zoe__session_plan(s, &s->replica[i], dry));
    return s->replicas > 1 && !dry ? make_exchange(s) : ZOE_OK;
}

static void set_scale(zoe__session *s, zoe_loss_scale scale)
{
    for (int i = 0; i < s->replicas; i++) zoe_plan_set_loss_scale(s->replica[i].plan, scale);
}

/* With the loss scale that the checkpoint has; from before there was one: the first. */
static void restore_scale(zoe__session *s, const zoe_checkpoint *checkpoint)
{
    json_t *state = json_loads(zoe_checkpoint_get_info(checkpoint)->state, JSON_REJECT_DUPLICATES, NULL);
    const json_t *list = json_object_get(state, "loss_scale");
    if (list)
        set_scale(s, (zoe_loss_scale){(float)json_number_value(json_array_get(list, 0)),
                                      (int32_t)json_integer_value(json_array_get(list, 1)),
                                      json_integer_value(json_array_get(list, 2))});
    json_decref(state);
}

zoe_status zoe__replicas_restore(zoe__session *s, const zoe_checkpoint *checkpoint)
{
    restore_scale(s, checkpoint);
    for (int i = 0; i < s->replicas; i++) ZOE_TRY(zoe_checkpoint_restore(checkpoint, s->context, s->replica[i].store));
    return ZOE_OK;
}

/* ---- a step ---- */

static const zoe__batch *share_of(const zoe__session *s, const zoe__replica *r, const zoe__batch *batch)
{
    return s->replicas > 1 ? &r->share : batch;
}

zoe_status zoe__replicas_accumulate(zoe__session *s, const zoe__batch *batch, int micro)
{
    for (int i = 0; i < s->replicas; i++) {
        zoe__replica *r = &s->replica[i];
        if (s->replicas > 1)
            zoe__batch_cut(&r->share, batch, &s->task, ZOE_SPLIT_TRAIN, s->batch / s->micro, r->first, r->windows);
        ZOE_TRY(zoe__batch_write(share_of(s, r, batch), &s->task, r->plan, &r->values));
        ZOE_TRY(zoe_plan_accumulate(r->plan, s->step, micro));
        if (s->replicas > 1) ZOE_TRY(zoe__device_flush(r->device)); /* it works while the next one is told */
    }
    return ZOE_OK;
}

zoe_status zoe__replicas_read(zoe__session *s, int index, const zoe__batch *batch, float *loss, float *logits,
                              const int32_t **labels)
{
    const zoe__replica *r = &s->replica[index];
    *labels = share_of(s, r, batch)->labels;
    ZOE_TRY(zoe_plan_read(r->plan, r->values.loss, loss));
    return zoe_plan_read(r->plan, r->values.logits, logits);
}

typedef struct adding {
    float *sum;
    const float *term;
    float factor;
    bool first;
} adding;

static void add_range(size_t first, size_t count, void *user)
{
    const adding *a = user;
    for (size_t i = first; i < first + count; i++)
        a->sum[i] = a->first ? a->factor * a->term[i] : a->sum[i] + a->factor * a->term[i];
}

/* Adds the numbers in s->term, which are replica number i's, to s->sum. */
static void add(zoe__session *s, int i, size_t count)
{
    enum { LEAST = 1 << 16 }; /* numbers that are worth a thread */
    const float factor = (float)((double)s->replica[i].windows * s->micro / s->batch);
    zoe__parallel(count, LEAST, add_range,
                  &(adding){.sum = s->sum, .term = s->term, .factor = factor, .first = i == 0});
}

static zoe_status add_as_they_lie(zoe__session *s, size_t p)
{
    zoe__mem *total = zoe__store_gradient(s->replica[0].store, (int)p);
    const size_t floats = zoe__mem_bytes(total) / sizeof(float);
    for (size_t at = 0; at < floats; at += PIECE) {
        const size_t count = floats - at < PIECE ? floats - at : PIECE;
        for (int i = 0; i < s->replicas; i++) {
            const zoe__replica *r = &s->replica[i];
            ZOE_TRY(zoe__mem_read(zoe__store_gradient(r->store, r->number[p]), at * sizeof(float), s->term,
                                  count * sizeof(float)));
            add(s, i, count);
        }
        ZOE_TRY(zoe__mem_write(total, at * sizeof(float), s->sum, count * sizeof(float)));
    }
    return ZOE_OK;
}

static zoe_status add_plain(zoe__session *s, size_t p)
{
    zoe_store *first = s->replica[0].store;
    for (int i = 0; i < s->replicas; i++) {
        const zoe__replica *r = &s->replica[i];
        ZOE_TRY(zoe_store_get_gradient(r->store, (size_t)r->number[p], s->term));
        add(s, i, zoe_shape_count(zoe_store_param(first, p).shape));
    }
    return zoe__store_set_gradient(first, p, s->sum);
}

static zoe_status copy_as_it_lies(zoe__session *s, size_t p)
{
    zoe__mem *from = zoe__store_weight(s->replica[0].store, (int)p);
    const size_t floats = zoe__mem_bytes(from) / sizeof(float);
    for (size_t at = 0; at < floats; at += PIECE) {
        const size_t bytes = (floats - at < PIECE ? floats - at : PIECE) * sizeof(float);
        ZOE_TRY(zoe__mem_read(from, at * sizeof(float), s->sum, bytes));
        for (int i = 1; i < s->replicas; i++) {
            const zoe__replica *r = &s->replica[i];
            ZOE_TRY(zoe__mem_write(zoe__store_weight(r->store, r->number[p]), at * sizeof(float), s->sum, bytes));
        }
    }
    return ZOE_OK;
}

static zoe_status copy_plain(zoe__session *s, size_t p)
{
    ZOE_TRY(zoe_store_get(s->replica[0].store, p, s->sum));
    for (int i = 1; i < s->replicas; i++)
        ZOE_TRY(zoe_store_set(s->replica[i].store, (size_t)s->replica[i].number[p], s->sum));
    return ZOE_OK;
}

zoe_status zoe__replicas_update(zoe__session *s, double lr)
{
    const zoe_store *first = s->replica[0].store;
    const size_t params = s->replicas > 1 ? zoe_store_params(first) : 0;
    for (size_t p = 0; p < params; p++)
        if (zoe_store_param(first, p).trainable) ZOE_TRY((lies_alike(s, p) ? add_as_they_lie : add_plain)(s, p));
    ZOE_TRY(zoe_plan_update(s->replica[0].plan, lr));
    for (size_t p = 0; p < params; p++)
        if (zoe_store_param(first, p).trainable) ZOE_TRY((lies_alike(s, p) ? copy_as_it_lies : copy_plain)(s, p));
    for (int i = 1; i < s->replicas; i++) zoe__store_touch(s->replica[i].store);
    set_scale(s, zoe_plan_get_loss_scale(s->replica[0].plan));
    return ZOE_OK;
}
