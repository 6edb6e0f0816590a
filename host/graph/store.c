/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters on a device: few, large allocations. Each time a plan brings new parameters they get one chunk for weights
 * and, once a plan trains, one for gradients and one for each optimiser state. Inside a chunk parameters of equal
 * multipliers stand side by side, so that the optimiser is one launch for each such segment, however many parameters
 * there are. */
#include "graph/state.h"

#include "core/normals.h"
#include "core/parallel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct parameter {
    char name[ZOE__NAME];
    zoe_shape shape;
    zoe_param_options options;
    bool trainable;
    zoe__layout layout;
    size_t chunk, offset; /* floats from the chunk's start */
    zoe__mem *weight, *gradient, *state[2];
} parameter;

typedef struct chunk {
    size_t floats;
    bool trainable;
    size_t first, count; /* parameters first .. first+count-1 */
    zoe__mem *weight, *gradient, *state[2];
} chunk;

typedef struct segment {
    size_t chunk;
    zoe__optimizer_segment parts;
} segment;

struct zoe_store {
    zoe_context *context;
    zoe_device *device;
    uint64_t seed;
    uint64_t version;
    int states;     /* -1: no gradients yet */
    size_t element; /* bytes of a gradient: 8 on the host */
    parameter *params;
    size_t param_count, param_capacity;
    chunk *chunks;
    size_t chunk_count, chunk_capacity;
    segment *segments;
    size_t segment_count, segment_capacity;
    zoe__store_share share;
};

zoe_status zoe_store_new(zoe_store **out, zoe_context *context, zoe_device *device, uint64_t seed)
{
    ZOE_TRY(zoe__calloc(context, out, 1, sizeof **out));
    **out = (zoe_store){.context = context,
                        .device = device,
                        .seed = seed,
                        .version = 1,
                        .states = -1,
                        .element = zoe__device_is_host(device) ? sizeof(double) : sizeof(float)};
    return ZOE_OK;
}

void zoe_store_free(zoe_store **store)
{
    if (!store || !*store) return;
    zoe_store *s = *store;
    for (size_t i = 0; i < s->segment_count; i++) {
        zoe__optimizer_segment *parts = &s->segments[i].parts;
        zoe__mem_free(&parts->weight);
        zoe__mem_free(&parts->gradient);
        for (int k = 0; k < 2; k++) zoe__mem_free(&parts->state[k]);
    }
    for (size_t i = 0; i < s->param_count; i++) {
        zoe__mem_free(&s->params[i].weight);
        zoe__mem_free(&s->params[i].gradient);
        for (int k = 0; k < 2; k++) zoe__mem_free(&s->params[i].state[k]);
    }
    for (size_t i = 0; i < s->chunk_count; i++) {
        zoe__mem_free(&s->chunks[i].weight);
        zoe__mem_free(&s->chunks[i].gradient);
        for (int k = 0; k < 2; k++) zoe__mem_free(&s->chunks[i].state[k]);
    }
    free(s->params);
    free(s->chunks);
    free(s->segments);
    free(s);
    *store = NULL;
}

/* ---- plain layout ---- */

static void pack_plain(const zoe__layout *layout, zoe_shape shape, int first, int count, const float *plain,
                       float *device)
{
    const size_t each = zoe_shape_count(shape) / (size_t)shape.n, end = (size_t)(first + count) * each;
    memcpy(device + (size_t)first * each, plain, (size_t)count * each * sizeof *device);
    if (first + count == shape.n) memset(device + end, 0, (layout->floats - end) * sizeof *device);
}

static void unpack_plain(const zoe__layout *layout, zoe_shape shape, const float *device, float *plain)
{
    (void)layout;
    memcpy(plain, device, zoe_shape_count(shape) * sizeof *plain);
}

zoe__layout zoe__layout_plain(zoe_shape shape)
{
    return (zoe__layout){.name = "plain",
                         .floats = zoe__round_up(zoe_shape_count(shape), 16),
                         .pack = pack_plain,
                         .unpack = unpack_plain};
}

/* ---- first values: a function of (seed, name) ---- */

static uint64_t hash_name(const char *name) /* FNV-1a */
{
    uint64_t hash = 14695981039346656037u;
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 1099511628211u;
    return hash;
}

typedef struct drawing {
    zoe__random random;
    double sd, side;
    size_t first; /* number of the parameter that out begins with */
    float *out;
} drawing;

static drawing start_drawing(const zoe_store *store, const parameter *param)
{
    const zoe_shape s = param->shape;
    const double taps = (double)s.h * s.w, fan_in = s.c * taps, fan_out = s.n * taps;
    drawing d = {.side = sqrt(6.0 / (fan_in + fan_out)),
                 .sd = param->options.init == ZOE_INIT_GAUSSIAN     ? (double)param->options.value
                       : param->options.init == ZOE_INIT_HE_FAN_OUT ? sqrt(2.0 / fan_out)
                                                                    : sqrt(2.0 / fan_in)};
    zoe__random_init(&d.random, store->seed, hash_name(param->name), 0x1417u);
    return d;
}

static void draw_normals(size_t first, size_t count, void *user)
{
    const drawing *d = user;
    zoe__normals(&d->random, (uint32_t)(d->first + first), count, d->sd, d->out + first);
}

/* The next numbers of a parameter; pieces come in their order. */
static void draw(drawing *d, const zoe_param_options *options, size_t first, size_t count, float *out)
{
    enum { LEAST = 1 << 16 }; /* numbers that are worth a thread */
    d->first = first;
    d->out = out;
    if (options->init == ZOE_INIT_CONSTANT)
        for (size_t i = 0; i < count; i++) out[i] = options->value;
    else if (options->init == ZOE_INIT_ALTERNATING)
        for (size_t i = 0; i < count; i++) out[i] = (first + i) % 2 ? -options->value : options->value;
    else if (options->init == ZOE_INIT_XAVIER_UNIFORM)
        for (size_t i = 0; i < count; i++) out[i] = (float)zoe__random_between(&d->random, -d->side, d->side);
    else
        zoe__parallel(count, LEAST, draw_normals, d);
}

/* ---- copies between plain and device ---- */

/* Packs plain at the parameter's place. */
static zoe_status put(const parameter *param, zoe__mem *mem, const float *plain)
{
    void *place;
    ZOE_TRY(zoe__mem_map(mem, &place));
    param->layout.pack(&param->layout, param->shape, 0, param->shape.n, plain, place);
    return zoe__mem_unmap(mem, place);
}

static zoe_status take(zoe_store *store, const parameter *param, zoe__mem *mem, size_t element, float *plain)
{
    void *raw = NULL;
    float *narrow = NULL;
    zoe_status status = zoe__calloc(store->context, &raw, param->layout.floats, element);
    if (status == ZOE_OK) status = zoe__mem_read(mem, 0, raw, param->layout.floats * element);
    if (status == ZOE_OK && element == sizeof(double)) {
        status = zoe__calloc(store->context, &narrow, param->layout.floats, sizeof *narrow);
        for (size_t i = 0; status == ZOE_OK && i < param->layout.floats; i++) narrow[i] = (float)((double *)raw)[i];
    }
    if (status == ZOE_OK) param->layout.unpack(&param->layout, param->shape, narrow ? narrow : raw, plain);
    free(narrow);
    free(raw);
    return status;
}

enum { PIECE = 1 << 20 /* numbers that are drawn and packed while they are in the cache */ };

/* As many whole blocks of 16 filters as fill a piece, one at least. */
static int filters_of_piece(zoe_shape s)
{
    const size_t each = zoe_shape_count(s) / (size_t)s.n, blocks = PIECE / (16 * each);
    return blocks < 1 ? 16 : blocks * 16 > (size_t)s.n ? s.n : (int)blocks * 16;
}

static zoe_status put_first_values(const zoe_store *store, const parameter *param, float *piece)
{
    const size_t each = zoe_shape_count(param->shape) / (size_t)param->shape.n;
    const int step = filters_of_piece(param->shape);
    drawing d = start_drawing(store, param);
    void *place;
    ZOE_TRY(zoe__mem_map(param->weight, &place));
    for (int k = 0; k < param->shape.n; k += step) {
        const int count = k + step < param->shape.n ? step : param->shape.n - k;
        draw(&d, &param->options, (size_t)k * each, (size_t)count * each, piece);
        param->layout.pack(&param->layout, param->shape, k, count, piece, place);
    }
    return zoe__mem_unmap(param->weight, place);
}

/* First values of parameters [first, param_count). */
static zoe_status initialise(zoe_store *store, size_t first)
{
    float *piece = NULL;
    size_t most = 0;
    zoe_status status = ZOE_OK;
    for (size_t i = first; i < store->param_count; i++) {
        const zoe_shape s = store->params[i].shape;
        const size_t count = zoe_shape_count(s) / (size_t)s.n * (size_t)filters_of_piece(s);
        if (most < count) most = count;
    }
    ZOE_TRY(zoe__calloc(store->context, &piece, most, sizeof *piece));
    for (size_t i = first; i < store->param_count && status == ZOE_OK; i++)
        status = put_first_values(store, &store->params[i], piece);
    free(piece);
    return status;
}

/* ---- making parameters ---- */

bool zoe__layout_same(const zoe__layout *a, const zoe__layout *b)
{
    return strcmp(a->name, b->name) == 0 && a->floats == b->floats && memcmp(a->arg, b->arg, sizeof a->arg) == 0;
}

static zoe_status check_known(zoe_store *store, const parameter *param, const zoe__param_spec *spec,
                              const zoe__layout *layout)
{
    const zoe_shape a = param->shape, b = spec->shape;
    ZOE_FAIL_IF(store->context, a.n != b.n || a.c != b.c || a.h != b.h || a.w != b.w, ZOE_SHAPE,
                "parameter %s is %dx%dx%dx%d in the store and %dx%dx%dx%d in the graph", spec->name, a.n, a.c, a.h, a.w,
                b.n, b.c, b.h, b.w);
    ZOE_FAIL_IF(store->context, !zoe__layout_same(&param->layout, layout), ZOE_CONFIG,
                "parameter %s lies as '%s' in the store and is wanted as '%s': two plans chose different algorithms",
                spec->name, param->layout.name, layout->name);
    return ZOE_OK;
}

static int by_multipliers(const void *a, const void *b)
{
    const parameter *x = a, *y = b;
    if (x->options.lr_mult != y->options.lr_mult) return x->options.lr_mult < y->options.lr_mult ? -1 : 1;
    if (x->options.decay_mult != y->options.decay_mult) return x->options.decay_mult < y->options.decay_mult ? -1 : 1;
    return x->offset < y->offset ? -1 : 1; /* offset holds the order in the graph until places are given */
}

static size_t align_floats(const zoe_store *store)
{
    const size_t base = zoe_device_get_info(store->device)->base_align;
    return base > 64 ? zoe__round_up(base, 64) / sizeof(float) : 16;
}

static zoe_status make_parts(zoe_store *store, const chunk *owner, parameter *param)
{
    const size_t at = param->offset * sizeof(float), bytes = param->layout.floats * sizeof(float);
    if (owner->weight && !param->weight) ZOE_TRY(zoe__mem_part(&param->weight, owner->weight, at, bytes));
    if (owner->gradient && !param->gradient)
        ZOE_TRY(zoe__mem_part(&param->gradient, owner->gradient, param->offset * store->element,
                              param->layout.floats * store->element));
    for (int k = 0; k < 2; k++)
        if (owner->state[k] && !param->state[k]) ZOE_TRY(zoe__mem_part(&param->state[k], owner->state[k], at, bytes));
    return ZOE_OK;
}

/* Gives places to the new parameters [first, param_count) of one kind, makes the memory and the first values. */
static zoe_status make_chunk(zoe_store *store, size_t first, bool trainable, bool dry)
{
    if (first == store->param_count) return ZOE_OK;
    ZOE_TRY(zoe__grow(store->context, &store->chunks, &store->chunk_capacity, store->chunk_count + 1,
                      sizeof *store->chunks));
    chunk *made = &store->chunks[store->chunk_count];
    *made = (chunk){.trainable = trainable, .first = first, .count = store->param_count - first};
    const size_t align = align_floats(store);
    for (size_t i = first; i < store->param_count; i++) store->params[i].offset = i;
    qsort(store->params + first, made->count, sizeof *store->params, by_multipliers);
    for (size_t i = first; i < store->param_count; i++) {
        store->params[i].offset = made->floats;
        store->params[i].chunk = store->chunk_count;
        made->floats += zoe__round_up(store->params[i].layout.floats, align);
    }
    store->chunk_count++;
    store->share.weights += made->floats * sizeof(float);
    if (dry) return ZOE_OK;
    ZOE_TRY(zoe__mem_new(&made->weight, store->device, made->floats * sizeof(float), "weights"));
    for (size_t i = first; i < store->param_count; i++) ZOE_TRY(make_parts(store, made, &store->params[i]));
    return initialise(store, first);
}

static zoe_status add_segments(zoe_store *store, size_t chunk_number)
{
    const chunk *owner = &store->chunks[chunk_number];
    const size_t end = owner->first + owner->count, align = align_floats(store);
    for (size_t i = owner->first; i < end;) {
        const parameter *head = &store->params[i];
        size_t next = i;
        while (next < end && store->params[next].options.lr_mult == head->options.lr_mult &&
               store->params[next].options.decay_mult == head->options.decay_mult)
            next++;
        const parameter *tail = &store->params[next - 1];
        const size_t count = tail->offset + zoe__round_up(tail->layout.floats, align) - head->offset;
        ZOE_TRY(zoe__grow(store->context, &store->segments, &store->segment_capacity, store->segment_count + 1,
                          sizeof *store->segments));
        segment *made = &store->segments[store->segment_count++];
        *made = (segment){.chunk = chunk_number,
                          .parts = {.first = head->offset,
                                    .count = count,
                                    .lr_mult = head->options.lr_mult,
                                    .decay_mult = head->options.decay_mult}};
        zoe__optimizer_segment *p = &made->parts;
        const size_t at = head->offset * sizeof(float), bytes = count * sizeof(float);
        if (owner->weight) {
            ZOE_TRY(zoe__mem_part(&p->weight, owner->weight, at, bytes));
            ZOE_TRY(
                zoe__mem_part(&p->gradient, owner->gradient, head->offset * store->element, count * store->element));
            for (int k = 0; k < store->states; k++) ZOE_TRY(zoe__mem_part(&p->state[k], owner->state[k], at, bytes));
        }
        i = next;
    }
    return ZOE_OK;
}

/* Gradients and states for the trainable chunks that have none. */
static zoe_status make_training_memory(zoe_store *store, int states, bool dry)
{
    ZOE_FAIL_IF(store->context, store->states >= 0 && store->states != states, ZOE_CONFIG,
                "the store has %d optimiser states for each parameter, the plan wants %d", store->states, states);
    store->states = states;
    size_t done = store->segment_count ? store->segments[store->segment_count - 1].chunk + 1 : 0;
    for (size_t c = done; c < store->chunk_count; c++) {
        chunk *owner = &store->chunks[c];
        if (!owner->trainable) continue;
        store->share.gradients += owner->floats * store->element;
        store->share.states += owner->floats * (size_t)states * sizeof(float);
        if (!dry) {
            ZOE_TRY(zoe__mem_new(&owner->gradient, store->device, owner->floats * store->element, "gradients"));
            for (int k = 0; k < states; k++)
                ZOE_TRY(
                    zoe__mem_new(&owner->state[k], store->device, owner->floats * sizeof(float), "optimiser state"));
            for (size_t i = owner->first; i < owner->first + owner->count; i++)
                ZOE_TRY(make_parts(store, owner, &store->params[i]));
        }
        ZOE_TRY(add_segments(store, c));
    }
    return ZOE_OK;
}

zoe_status zoe__store_bind(zoe_store *store, zoe_graph *graph, const zoe__layout *layouts, int states, bool dry,
                           int *numbers)
{
    const size_t count = zoe__graph_params(graph);
    for (int trainable = 1; trainable >= 0; trainable--) {
        const size_t first = store->param_count;
        for (size_t i = 0; i < count; i++) {
            const zoe__param_spec *spec = zoe__graph_param_spec(graph, (int)i);
            if (spec->trainable != (bool)trainable || zoe_store_find(store, spec->name) >= 0) continue;
            ZOE_TRY(zoe__grow(store->context, &store->params, &store->param_capacity, store->param_count + 1,
                              sizeof *store->params));
            parameter *param = &store->params[store->param_count++];
            *param = (parameter){
                .shape = spec->shape, .options = spec->options, .trainable = spec->trainable, .layout = layouts[i]};
            memcpy(param->name, spec->name, sizeof param->name);
        }
        ZOE_TRY(make_chunk(store, first, trainable, dry));
    }
    if (states >= 0) ZOE_TRY(make_training_memory(store, states, dry));
    for (size_t i = 0; i < count; i++) {
        const zoe__param_spec *spec = zoe__graph_param_spec(graph, (int)i);
        numbers[i] = (int)zoe_store_find(store, spec->name);
        ZOE_TRY(check_known(store, &store->params[numbers[i]], spec, &layouts[i]));
    }
    return ZOE_OK;
}

/* ---- what others ask ---- */

zoe_device *zoe__store_device(const zoe_store *store)
{
    return store->device;
}

zoe_context *zoe__store_context(const zoe_store *store)
{
    return store->context;
}

zoe__mem *zoe__store_weight(const zoe_store *store, int number)
{
    return store->params[number].weight;
}

zoe__mem *zoe__store_gradient(const zoe_store *store, int number)
{
    return store->params[number].gradient;
}

const zoe__layout *zoe__store_layout(const zoe_store *store, int number)
{
    return &store->params[number].layout;
}

size_t zoe__store_bytes(const zoe_store *store)
{
    return store->share.weights + store->share.gradients + store->share.states;
}

zoe__store_share zoe__store_get_share(const zoe_store *store)
{
    return store->share;
}

size_t zoe__store_segments(const zoe_store *store)
{
    return store->segment_count;
}

zoe__optimizer_segment zoe__store_segment(const zoe_store *store, size_t index)
{
    return store->segments[index].parts;
}

zoe_status zoe__store_zero_gradients(zoe_store *store)
{
    for (size_t i = 0; i < store->chunk_count; i++)
        if (store->chunks[i].gradient) ZOE_TRY(zoe__mem_zero(store->chunks[i].gradient));
    return ZOE_OK;
}

uint64_t zoe__store_version(const zoe_store *store)
{
    return store->version;
}

void zoe__store_touch(zoe_store *store)
{
    store->version++;
}

size_t zoe_store_params(const zoe_store *store)
{
    return store->param_count;
}

zoe_param zoe_store_param(const zoe_store *store, size_t index)
{
    const parameter *param = &store->params[index];
    return (zoe_param){.name = param->name, .shape = param->shape, .trainable = param->trainable};
}

ptrdiff_t zoe_store_find(const zoe_store *store, const char *name)
{
    for (size_t i = 0; i < store->param_count; i++)
        if (strcmp(store->params[i].name, name) == 0) return (ptrdiff_t)i;
    return -1;
}

static zoe_status check_index(const zoe_store *store, size_t index)
{
    ZOE_FAIL_IF(store->context, index >= store->param_count, ZOE_CONFIG, "parameter number %zu of %zu", index,
                store->param_count);
    ZOE_FAIL_IF(store->context, !store->params[index].weight, ZOE_CONFIG,
                "parameter %s has no memory: the plan was dry", store->params[index].name);
    return ZOE_OK;
}

zoe_status zoe_store_get(zoe_store *store, size_t index, float *plain)
{
    ZOE_TRY(check_index(store, index));
    return take(store, &store->params[index], store->params[index].weight, sizeof(float), plain);
}

zoe_status zoe_store_set(zoe_store *store, size_t index, const float *plain)
{
    ZOE_TRY(check_index(store, index));
    store->version++;
    return put(&store->params[index], store->params[index].weight, plain);
}

zoe_status zoe_store_get_gradient(zoe_store *store, size_t index, float *plain)
{
    ZOE_TRY(check_index(store, index));
    const parameter *param = &store->params[index];
    ZOE_FAIL_IF(store->context, !param->gradient, ZOE_CONFIG, "parameter %s has no gradient: nothing trains it",
                param->name);
    return take(store, param, param->gradient, store->element, plain);
}

zoe_status zoe__store_set_gradient(zoe_store *store, size_t index, const float *plain)
{
    ZOE_TRY(check_index(store, index));
    const parameter *param = &store->params[index];
    double *wide = zoe__device_is_host(store->device) ? zoe__mem_host(param->gradient) : NULL;
    if (!wide) return put(param, param->gradient, plain);
    for (size_t i = 0; i < zoe_shape_count(param->shape); i++) wide[i] = plain[i];
    return ZOE_OK;
}

int zoe_store_states(const zoe_store *store)
{
    return store->states < 0 ? 0 : store->states;
}

static zoe_status check_state(const zoe_store *store, size_t index, int k)
{
    ZOE_TRY(check_index(store, index));
    ZOE_FAIL_IF(store->context, k < 0 || k > 1 || !store->params[index].state[k], ZOE_CONFIG,
                "parameter %s has no optimiser state number %d", store->params[index].name, k);
    return ZOE_OK;
}

zoe_status zoe_store_get_state(zoe_store *store, size_t index, int k, float *plain)
{
    ZOE_TRY(check_state(store, index, k));
    return take(store, &store->params[index], store->params[index].state[k], sizeof(float), plain);
}

zoe_status zoe_store_set_state(zoe_store *store, size_t index, int k, const float *plain)
{
    ZOE_TRY(check_state(store, index, k));
    return put(&store->params[index], store->params[index].state[k], plain);
}
