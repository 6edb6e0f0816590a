/* SPDX-License-Identifier: Apache-2.0
 *
 * What backbones share. A backbone is a descriptor zoe__backbone_NAME at the end of NAME.c. Internal. */
#ifndef ZOE__BACKBONES_H
#define ZOE__BACKBONES_H

#include <zoe/backbone.h>
#include <zoe/op.h>

/* Square convolution without a bias, as before a batch norm. */
static inline zoe_conv2d_options zoe__conv_options(int filters, int kernel, int stride, int pad)
{
    zoe_conv2d_options options = zoe_conv2d_options_default();
    options.filters = filters;
    options.kernel_h = options.kernel_w = kernel;
    options.stride_h = options.stride_w = stride;
    options.pad_h = options.pad_w = pad;
    options.bias = false;
    return options;
}

#endif
