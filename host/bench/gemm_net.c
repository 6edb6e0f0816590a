/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/gemm_net.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tune/items.h"

/* The whole list, with the NULL at its end. */
static zoe_status add(zoe_context *context, zoe__gemm_net *to, const char *form, int m, int n, int k)
{
    static const char *const ways[] = {"", " by openblas", " by clblast", " by clblast-tuned"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        char id[96], *owned = NULL;
        zoe__format(id, sizeof id, "gemm %s %dx%dx%d%s", form, m, n, k, ways[i]);
        for (size_t known = 0; known < to->count; known++)
            if (!strcmp(to->ids[known], id)) return ZOE_OK;
        ZOE_TRY(zoe__grow(context, &to->ids, &to->capacity, to->count + 2, sizeof *to->ids));
        ZOE_TRY(zoe__strdup(context, &owned, id));
        to->ids[to->count++] = owned;
        to->ids[to->count] = NULL;
    }
    return ZOE_OK;
}

static zoe_status add_item(zoe_context *context, zoe__gemm_net *to, const zoe__tune_item *item)
{
    const zoe__conv2d *v = &item->conv;
    const bool linear = !strcmp(item->op, "linear");
    const int taps = v->c / v->groups * (linear ? v->h * v->w : v->r * v->s), filters = v->k / v->groups;
    const double places = linear ? v->n : (double)v->n * v->p * v->q;
    ZOE_FAIL_IF(context, places > INT_MAX / 2, ZOE_CONFIG,
                "a product of %.0f rows: at most %d; a smaller batch has fewer", places, INT_MAX / 2);
    const int rows = (int)places;
    ZOE_TRY(add(context, to, "nt", rows, filters, taps));
    if (item->data) ZOE_TRY(add(context, to, "nn", rows, taps, filters));
    return add(context, to, "tn", filters, taps, rows);
}

zoe_status zoe__gemm_net_list(zoe_context *context, const zoe_options *options, zoe__gemm_net *out)
{
    const zoe_device_options device = zoe_device_options_default();
    const int usual = (int)zoe_options_int(options, "batch"), batch = zoe_options_given(options, "batch") ? usual : 0;
    zoe__tune_items items = {.count = 0};
    int width = 0, height = 0;
    *out = (zoe__gemm_net){.count = 0};
    if (zoe_options_given(options, "size")) zoe_options_size(options, "size", &width, &height);
    zoe_status status =
        zoe__tune_items_load(&items, context, zoe_options_text(options, "net"), &device, batch, width, height, usual);
    for (size_t i = 0; status == ZOE_OK && i < items.count; i++) status = add_item(context, out, &items.item[i]);
    if (status == ZOE_OK && !out->count)
        status = zoe__fail(context, ZOE_CONFIG, "%s has no convolution and no linear layer",
                           zoe_options_text(options, "net"));
    zoe__format(out->suite_id, sizeof out->suite_id, "gemm-net-1 %s %dx%dx%dx%d", items.net, items.input.n,
                items.input.c, items.input.h, items.input.w);
    zoe__tune_items_free(&items);
    return status;
}

void zoe__gemm_net_free(zoe__gemm_net *products)
{
    for (size_t i = 0; i < products->count; i++) free((char *)products->ids[i]);
    free(products->ids);
    *products = (zoe__gemm_net){.count = 0};
}
