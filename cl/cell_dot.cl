/* SPDX-License-Identifier: Apache-2.0
 *
 * y[n,0,h,w] = sum over c of map[n,c,h,w] * vector[n,c]; dmap (+)= dy * vector; dvector[n,c] (+)= sum over cells of
 * dy * map, by a work-group for each n and 8 c. */

__kernel void cell_dot_forward(ZOE_IN(map), ZOE_IN(vector), ZOE_OUT(y), int planes, int rows)
{
    ZOE_FOR_PIXELS(planes, y_H, y_W, rows) {
        float8 sum = 0.0f;
        for (int k = plane * map_C8; k < (plane + 1) * map_C8; k++)
            sum += ZOE_LOAD(map, k, h, w) * ZOE_LOAD(vector, k, 0, 0);
        ZOE_STORE(y, plane, h, w, (float8)(zoe_sum8(sum), 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f));
    }
}

__kernel void cell_dot_map(ZOE_IN(vector), ZOE_IN(dy), ZOE_OUT(dmap), int add, int planes, int rows)
{
    ZOE_FOR_PIXELS(planes, dmap_H, dmap_W, rows) {
        float8 value = ZOE_LOAD(vector, plane, 0, 0) * ZOE_LOAD(dy, plane / dmap_C8, h, w).s0;
        if (add) value += ZOE_LOAD(dmap, plane, h, w);
        ZOE_STORE(dmap, plane, h, w, value);
    }
}

__kernel void cell_dot_vector(ZOE_IN(map), ZOE_IN(dy), ZOE_OUT(dvector), int add, int planes)
{
    __local float8 scratch[ZOE_GROUP];
    const int group = (int)get_group_id(0);
    float8 sum = 0.0f;
    if (group >= planes) return;
    ZOE_FOR_PLANES(group, 1, map_H, map_W) {
        float8 row = 0.0f;
        ZOE_FOR_COLUMNS(map_W) row += ZOE_LOAD(map, plane, h, w) * ZOE_LOAD(dy, plane / map_C8, h, w).s0;
        sum += row;
    }
    sum = zoe_group_sum(sum, scratch);
    if (get_local_id(0) > 0) return;
    if (add) sum += ZOE_LOAD(dvector, group, 0, 0);
    ZOE_STORE(dvector, group, 0, 0, sum);
}
