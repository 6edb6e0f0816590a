/* SPDX-License-Identifier: Apache-2.0
 *
 * Stands before every program: the activation layout and the counter-based random numbers.
 *
 * Layout nChw8c with a zero halo: element (n, c, h, w) of a tensor with C8 = ceil(C / 8) channel blocks, interior H x W
 * and halo P lies at (((n*C8 + c/8)*(H + 2P) + h + P)*(W + 2P) + w + P)*8 + c%8. Channels past C are zero.
 *
 * Defined by the host: ZOE_FAMILY_VECTOR or ZOE_FAMILY_SIMT, ZOE_LANES (8 or 16), on some devices ZOE_SUB_GROUP. */

/* Registers of a work-item halve when the compiler takes twice as wide a sub-group: where the driver's narrowest is
 * ZOE_SUB_GROUP (16 or more), it is asked for that one. Left to themselves, compilers took the wide one and spilled. */
#ifdef ZOE_SUB_GROUP
#    define __kernel __attribute__((intel_reqd_sub_group_size(ZOE_SUB_GROUP))) kernel
#endif

#define ZOE_PIXEL(n, c8, h, w, C8, H, W, P)                                                                            \
    ((((size_t)((n) * (C8) + (c8)) * ((H) + 2 * (P)) + (h) + (P)) * ((W) + 2 * (P)) + (w) + (P)) * 8)

/* A hint that *p will be read soon: the language's own prefetch() does nothing in PoCL 3.1. A store past the caches, to
 * an aligned vector that nobody reads soon: memory need not be read before it is written. */
#if defined(ZOE_FAMILY_VECTOR) && defined(__clang__) && !defined(ZOE_NO_HINTS)
#    define ZOE_PREFETCH(p)         __builtin_prefetch((const void *)(size_t)(p), 0, 2)
#    define ZOE_STORE_FAR(value, p) __builtin_nontemporal_store(value, p)
#else
#    define ZOE_PREFETCH(p)         (void)(p)
#    define ZOE_STORE_FAR(value, p) (*(p) = (value))
#endif

/* Philox 4x32-10, the same numbers as zoe__philox() of host/core/philox.c. */
static inline uint4 zoe_philox(uint2 key, uint4 counter)
{
    for (int round = 0; round < 10; round++) {
        const uint high0 = mul_hi(0xD2511F53u, counter.x), low0 = 0xD2511F53u * counter.x;
        const uint high1 = mul_hi(0xCD9E8D57u, counter.z), low1 = 0xCD9E8D57u * counter.z;
        counter = (uint4)(high1 ^ counter.y ^ key.x, low1, high0 ^ counter.w ^ key.y, low0);
        key += (uint2)(0x9E3779B9u, 0xBB67AE85u);
    }
    return counter;
}

/* ---- for the kernels that visit each pixel of a tensor: 8 channels are one float8 ---- */

/* Tensors are stored as float or, with ZOE_HALF, as half; arithmetic is in float. ZOE_STORED *p is a pixel:
 * ZOE_GET and ZOE_PUT move pixel p + i, ZOE_GET_LANE and ZOE_PUT_LANE number i counted from the first of p, ZOE_PAST is
 * p + i. No cl_khr_fp16 is needed for this. ZOE_LOSS_SCALE: `scale` of zoe__scalars. */
#ifdef ZOE_HALF
#    define ZOE_STORED                half
#    define ZOE_NUMBER                half
#    define ZOE_GET(p, i)             vloada_half8(i, p)
#    define ZOE_PUT(p, i, value)      vstorea_half8(value, i, p)
#    define ZOE_GET_LANE(p, i)        vload_half(i, p)
#    define ZOE_PUT_LANE(p, i, value) vstore_half(value, i, p)
#    define ZOE_PAST(p, i)            ((p) + (size_t)8 * (i))
#    define ZOE_LOSS_SCALE(scalars)   as_float((scalars)[7])
#else
#    define ZOE_STORED                float8
#    define ZOE_NUMBER                float
#    define ZOE_GET(p, i)             (p)[i]
#    define ZOE_PUT(p, i, value)      (p)[i] = (value)
#    define ZOE_GET_LANE(p, i)        ((__global const float *)(p))[i]
#    define ZOE_PUT_LANE(p, i, value) ((__global float *)(p))[i] = (value)
#    define ZOE_PAST(p, i)            ((p) + (i))
#    define ZOE_LOSS_SCALE(scalars)   1.0f
#endif

/* The five arguments of a view ('v' of zoe__plan_launch), its pixel (h, w) of plane n * C8 + c8: where it stands,
 * reading and writing it. ZOE_IN_NUMBERS, ZOE_OUT_NUMBERS: as single numbers. ZOE_AT: of kernels that know float only.
 */
#define ZOE_VIEW(x)        int x##_C8, int x##_H, int x##_W, int x##_P
#define ZOE_IN(x)          __global const ZOE_STORED *x, ZOE_VIEW(x)
#define ZOE_OUT(x)         __global ZOE_STORED *x, ZOE_VIEW(x)
#define ZOE_IN_NUMBERS(x)  __global const ZOE_NUMBER *x, ZOE_VIEW(x)
#define ZOE_OUT_NUMBERS(x) __global ZOE_NUMBER *x, ZOE_VIEW(x)
#define ZOE_INDEX(x, plane, h, w)                                                                                      \
    (((size_t)(plane) * (x##_H + 2 * x##_P) + (h) + x##_P) * (x##_W + 2 * x##_P) + (w) + x##_P)
#define ZOE_AT(x, plane, h, w)           x[ZOE_INDEX(x, plane, h, w)]
#define ZOE_PLACE(x, plane, h, w)        ZOE_PAST(x, ZOE_INDEX(x, plane, h, w))
#define ZOE_LOAD(x, plane, h, w)         ZOE_GET(x, ZOE_INDEX(x, plane, h, w))
#define ZOE_STORE(x, plane, h, w, value) ZOE_PUT(x, ZOE_INDEX(x, plane, h, w), value)

/* Stands before a block that is run for each (plane, h, w) of planes x H x W exactly once, by all work-items together:
 * `rows` rows for each in the vector family, one pixel in simt (host/ops/node.h). The block must not leave by break or
 * continue. */
#ifdef ZOE_FAMILY_VECTOR
#    define ZOE_GROUP 1
#    define ZOE_FOR_PIXELS(planes, H, W, rows)                                                                         \
        for (int row_ = (int)get_global_id(0) * (rows), end_ = min(row_ + (rows), (planes) * (H)); row_ < end_;        \
             row_++)                                                                                                   \
            for (int plane = row_ / (H), h = row_ - plane * (H), w = 0; w < (W); w++)
#else
#    define ZOE_GROUP 64
#    define ZOE_FOR_PIXELS(planes, H, W, rows)                                                                         \
        const int pixel_ = (int)get_global_id(0), row_ = pixel_ / (W), plane = row_ / (H);                             \
        const int h = row_ - plane * (H), w = pixel_ - row_ * (W);                                                     \
        if (pixel_ < (planes) * (H) * (W) && (rows) > 0)
#endif

/* The same in two steps, for kernels that have something to do once a row: inside ZOE_FOR_ROWS plane and h are known,
 * ZOE_FOR_COLUMNS then stands before what is done for each w. */
#ifdef ZOE_FAMILY_VECTOR
#    define ZOE_FOR_ROWS(planes, H, W, rows)                                                                           \
        for (int row_ = (int)get_global_id(0) * (rows), end_ = min(row_ + (rows), (planes) * (H)); row_ < end_;        \
             row_++)                                                                                                   \
            for (int plane = row_ / (H), h = row_ - plane * (H), once_ = 1; once_; once_ = 0)
#    define ZOE_FIRST_COLUMN  0
#    define ZOE_END_COLUMN(W) (W)
#else
#    define ZOE_FOR_ROWS(planes, H, W, rows)                                                                           \
        const int pixel_ = (int)get_global_id(0), row_ = pixel_ / (W), plane = row_ / (H);                             \
        const int h = row_ - plane * (H), column_ = pixel_ - row_ * (W);                                               \
        if (pixel_ < (planes) * (H) * (W) && (rows) > 0)
#    define ZOE_FIRST_COLUMN  column_
#    define ZOE_END_COLUMN(W) (column_ + 1)
#endif
#define ZOE_FOR_COLUMNS(W) for (int w = ZOE_FIRST_COLUMN; w < ZOE_END_COLUMN(W); w++)

/* Zeros in the halo beside row h of a plane, and above the first and below the last row; row is its pixel (h, 0). For
 * one work-item of the row. */
static inline void zoe_zero_halo(__global ZOE_STORED *row, int h, int H, int W, int P)
{
    const int pitch = W + 2 * P;
    for (int i = 0; i < P; i++) {
        ZOE_PUT(row, -1 - i, (float8)(0.0f));
        ZOE_PUT(row, W + i, (float8)(0.0f));
    }
    for (int i = 0; h == 0 && i < P * pitch; i++) ZOE_PUT(row, -1 - P - i, (float8)(0.0f));
    for (int i = 0; h == H - 1 && i < P * pitch; i++) ZOE_PUT(row, W + P + i, (float8)(0.0f));
}

/* The same for sums over channel block c8 by a work-group: rows first .. last-1 of all N * H, in two steps too. */
#ifdef ZOE_FAMILY_VECTOR
#    define ZOE_FOR_CHUNK(first, last, C8, c8, H, W)                                                                   \
        for (int row_ = (first); row_ < (last); row_++)                                                                \
            for (int plane = row_ / (H) * (C8) + (c8), h = row_ % (H), once_ = 1; once_; once_ = 0)
#else
#    define ZOE_FOR_CHUNK(first, last, C8, c8, H, W)                                                                   \
        for (int i_ = (int)get_local_id(0), count_ = ((last) - (first)) * (W); i_ < count_; i_ += ZOE_GROUP)           \
            for (int row_ = (first) + i_ / (W), plane = row_ / (H) * (C8) + (c8), h = row_ % (H), column_ = i_ % (W),  \
                     once_ = 1;                                                                                        \
                 once_; once_ = 0)
#endif

/* The same for the pixels of planes first .. first+count-1, one after the other: rows in the vector family, a pixel for
 * each item in simt. */
#ifdef ZOE_FAMILY_VECTOR
#    define ZOE_FOR_PLANES(first, count, H, W)                                                                         \
        for (int plane = (first), end_ = (first) + (count); plane < end_; plane++)                                     \
            for (int h = 0; h < (H); h++)
#else
#    define ZOE_FOR_PLANES(first, count, H, W)                                                                         \
        for (int i_ = (int)get_local_id(0), count_ = (count) * (H) * (W); i_ < count_; i_ += ZOE_GROUP)                \
            for (int row_ = i_ / (W), plane = (first) + row_ / (H), h = row_ % (H), column_ = i_ - row_ * (W),         \
                     once_ = 1;                                                                                        \
                 once_; once_ = 0)
#endif

/* The sum (largest) of x over the work-group's ZOE_GROUP items, given to all of them, in an order that no device
 * changes: item i takes that of i + 32, then of i + 16, .. scratch: __local type[ZOE_GROUP]. Every item of the group
 * must come here. */
#define ZOE_PLUS(a, b) ((a) + (b))
#if ZOE_GROUP > 1
#    define ZOE_GROUP_REDUCE(name, type, JOIN)                                                                         \
        static inline type name(type x, __local type *scratch)                                                         \
        {                                                                                                              \
            const int item = (int)get_local_id(0);                                                                     \
            scratch[item] = x;                                                                                         \
            for (int other = ZOE_GROUP / 2; other > 0; other /= 2) {                                                   \
                barrier(CLK_LOCAL_MEM_FENCE);                                                                          \
                if (item < other) scratch[item] = JOIN(scratch[item], scratch[item + other]);                          \
            }                                                                                                          \
            barrier(CLK_LOCAL_MEM_FENCE);                                                                              \
            x = scratch[0];                                                                                            \
            barrier(CLK_LOCAL_MEM_FENCE);                                                                              \
            return x;                                                                                                  \
        }
#else
#    define ZOE_GROUP_REDUCE(name, type, JOIN)                                                                         \
        static inline type name(type x, __local type *scratch)                                                         \
        {                                                                                                              \
            (void)scratch;                                                                                             \
            return x;                                                                                                  \
        }
#endif
ZOE_GROUP_REDUCE(zoe_group_sum, float8, ZOE_PLUS)
ZOE_GROUP_REDUCE(zoe_group_sum1, float, ZOE_PLUS)
ZOE_GROUP_REDUCE(zoe_group_max, float8, fmax)

/* Sum of the 8 lanes, by halves. */
static inline float zoe_sum8(float8 x)
{
    const float4 a = x.lo + x.hi;
    const float2 b = a.lo + a.hi;
    return b.x + b.y;
}

/* Lanes of block c8 that are channels below C: -1, else 0, as select() likes it. */
static inline int8 zoe_lanes(int c8, int C)
{
    return ((int8)(0, 1, 2, 3, 4, 5, 6, 7) + c8 * 8) < C;
}
