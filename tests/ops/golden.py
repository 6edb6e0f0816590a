#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes golden_data.h: outputs and gradients that PyTorch gives for the cases of golden_test.c, in double.

    python3 golden.py > golden_data.h

Inputs are a formula on both sides; the loss is the weighted sum of op_run.c, whose weights are Philox draws."""
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def philox(key, counter):
    k, c = list(key), list(counter)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def weights(count):
    return torch.tensor([(philox((7, 0), (i, 1, 0, 0))[0] >> 20) / 2048 - 1 for i in range(count)])


def values(shape):
    count = 1
    for size in shape:
        count *= size
    return torch.tensor([((i * 37 + 11) % 257 - 128) / 64 for i in range(count)]).reshape(shape)


def array(name, tensor):
    numbers = [f"{v:.9g}" for v in tensor.detach().reshape(-1).tolist()]
    print(f"static const double {name}[] = {{")
    for i in range(0, len(numbers), 10):
        print("    " + ", ".join(numbers[i:i + 10]) + ",")
    print("};")


def case(name, shape, op, scalar=False):
    x = values(shape).requires_grad_()
    y = op(x)
    loss = y if scalar else (y.reshape(-1) * weights(y.numel())).sum()
    loss.backward()
    array(name + "_y", y)
    array(name + "_dx", x.grad)


def normalise(x):
    return F.normalize(x.reshape(x.shape[0], -1)).reshape(x.shape)


print("/* SPDX-License-Identifier: Apache-2.0")
print(" *")
print(f" * Made by golden.py with PyTorch {torch.__version__.split('+')[0]}; do not edit. */")
case("relu", (1, 3, 3, 3), F.relu)
case("max_pool", (1, 2, 7, 6), lambda x: F.max_pool2d(x, 3, 2, 1))
case("max_pool_ceil", (1, 2, 6, 8), lambda x: F.max_pool2d(x, 3, 2, 0, ceil_mode=True))
case("average_pool", (1, 2, 6, 7), lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True))
case("average_pool_pixels", (1, 2, 6, 7), lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False))
case("global_average_pool", (2, 3, 3, 5), lambda x: F.adaptive_avg_pool2d(x, 1))
case("global_max_pool", (2, 3, 3, 5), lambda x: F.adaptive_max_pool2d(x, 1))
case("batch_norm", (2, 3, 3, 4), lambda x: F.batch_norm(x, None, None, training=True, eps=1e-3))
case("lrn", (1, 9, 2, 3), lambda x: F.local_response_norm(x, 5, 0.5, 0.75, 2.0))
case("l2_normalise", (2, 5, 2, 2), normalise)
case("softmax_cross_entropy", (4, 5, 1, 1),
     lambda x: F.cross_entropy(x.reshape(4, 5), torch.tensor([0, 3, 1, 4])), scalar=True)
