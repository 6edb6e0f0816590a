/* SPDX-License-Identifier: Apache-2.0
 *
 * y[n,c] = max over H x W of x[n,c]; with KEEP, won = number h * W + w of the first pixel that has it. A NaN is larger
 * than all. A work-group makes the maximum of a plane. backward: dx (+)= dy at that pixel, 0 elsewhere. */

typedef struct best_pixel {
    float8 value;
    int8 place;
} best_pixel;

/* Of two pixels the larger; of equal ones (both NaN, too) the first. */
static inline best_pixel larger(best_pixel a, best_pixel b)
{
    const int8 a_nan = isnan(a.value), b_nan = isnan(b.value), same = (a.value == b.value) | (a_nan & b_nan);
    const int8 better = (b.value > a.value) | (b_nan & ~a_nan) | (same & (b.place < a.place));
    a.value = select(a.value, b.value, better);
    a.place = select(a.place, b.place, better);
    return a;
}

#if ZOE_GROUP > 1
static inline best_pixel group_best(best_pixel best, __local float8 *values, __local int8 *places)
{
    const int item = (int)get_local_id(0);
    values[item] = best.value;
    places[item] = best.place;
    for (int other = ZOE_GROUP / 2; other > 0; other /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item >= other) continue;
        best = larger(best, (best_pixel){values[item + other], places[item + other]});
        values[item] = best.value;
        places[item] = best.place;
    }
    return best;
}
#endif

__kernel void global_max_pool_forward(ZOE_IN(x), ZOE_OUT(y), __global int8 *won, int planes)
{
    const int group = (int)get_group_id(0);
    if (group >= planes) return;
    best_pixel best = {ZOE_LOAD(x, group, 0, 0), 0};
    ZOE_FOR_PLANES(group, 1, x_H, x_W) {
        ZOE_FOR_COLUMNS(x_W) {
            const float8 value = ZOE_LOAD(x, plane, h, w);
            const int8 better = (value > best.value) | (isnan(value) & (best.value == best.value));
            best.value = select(best.value, value, better);
            best.place = select(best.place, (int8)(h * x_W + w), better);
        }
    }
#if ZOE_GROUP > 1
    __local float8 values[ZOE_GROUP];
    __local int8 places[ZOE_GROUP];
    best = group_best(best, values, places);
    if (get_local_id(0) > 0) return;
#endif
    ZOE_STORE(y, group, 0, 0, best.value);
#if KEEP
    won[group] = best.place;
#endif
}

__kernel void global_max_pool_backward(__global const int8 *won, ZOE_IN(dy), ZOE_OUT(dx), int add, int planes, int rows)
{
    ZOE_FOR_PIXELS(planes, dx_H, dx_W, rows) {
        float8 value = select((float8)(0.0f), ZOE_LOAD(dy, plane, 0, 0), won[plane] == h * dx_W + w);
        if (add) value += ZOE_LOAD(dx, plane, h, w);
        ZOE_STORE(dx, plane, h, w, value);
    }
}
