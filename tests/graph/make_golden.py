# SPDX-License-Identifier: Apache-2.0
"""Losses of 10 training steps in PyTorch, for tests/graph/golden_test.c.

    python make_golden.py > golden_losses.inc

Weights, inputs and labels come from a counter formula that both sides know (mix), so that no file of weights is needed:
parameter number i of a name is scale * u(hash(name) + i), u uniform in [-1, 1). SGD, momentum 0.9, weight decay 5e-4,
no dropout, batch norm with batch statistics; a class head "classifier" of 10 classes on each backbone. The networks are
those of tests/peers/nets.py and, here, caffenet.
"""
import pathlib
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "peers"))
import nets  # noqa: E402

torch.set_num_threads(2)


def mix(first, count):
    """u in [-1, 1) for counters first .. first+count-1: a 32-bit finaliser, its upper 24 bits."""
    x = (np.arange(count, dtype=np.uint64) + np.uint64(first)).astype(np.uint32)
    with np.errstate(over="ignore"):
        x ^= x >> np.uint32(16)
        x *= np.uint32(0x7FEB352D)
        x ^= x >> np.uint32(15)
        x *= np.uint32(0x846CA68B)
        x ^= x >> np.uint32(16)
    return ((x >> np.uint32(8)).astype(np.float64) / 2**23 - 1.0).astype(np.float32)


def fnv(name):
    h = 2166136261
    for c in name.encode():
        h = ((h ^ c) * 16777619) & 0xFFFFFFFF
    return h


def fill(name, shape, scale):
    return torch.from_numpy(mix(fnv(name), int(np.prod(shape))).reshape(shape) * np.float32(scale))


def fill_net(net, names):
    """names: our name -> (parameter, kind)."""
    for name, p in names.items():
        with torch.no_grad():
            if p.dim() > 1:
                fan_in = int(np.prod(p.shape[1:]))
                p.copy_(fill(name, tuple(p.shape), (6.0 / fan_in) ** 0.5))
            elif name.endswith(".bias"):
                p.copy_(fill(name, tuple(p.shape), 0.1))
            else:
                p.copy_(1 + fill(name, tuple(p.shape), 0.1))


class CaffeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 11, 4)
        self.conv2 = nn.Conv2d(96, 256, 5, padding=2, groups=2)
        self.conv3 = nn.Conv2d(256, 384, 3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(384, 256, 3, padding=1, groups=2)
        self.fc6, self.fc7 = nn.Linear(9216, 4096), nn.Linear(4096, 4096)
        self.classifier = nn.Linear(4096, 10)
        for n, c in (("conv3", 384), ("conv4", 384), ("conv5", 256)):
            self.add_module(n + "bn", nn.BatchNorm2d(c, affine=False))
        for n in ("fc6", "fc7"):
            self.add_module(n + "bn", nn.BatchNorm1d(4096, affine=False))

    def forward(self, x):
        pool = lambda v: F.max_pool2d(v, 3, 2, ceil_mode=True)
        lrn = lambda v: F.local_response_norm(v, 5, 1e-4, 0.75, 1.0)
        x = lrn(pool(F.relu(self.conv1(x))))
        x = lrn(pool(F.relu(self.conv2(x))))
        for n in ("conv3", "conv4", "conv5"):
            x = F.relu(getattr(self, n + "bn")(getattr(self, n)(x)))
        x = pool(x).flatten(1)
        for n in ("fc6", "fc7"):
            x = F.relu(getattr(self, n + "bn")(getattr(self, n)(x)))
        return self.classifier(x)

    def bias_rule(self, name):
        """Caffe's: twice the rate and no decay for biases of the backbone."""
        return name.endswith(".bias") and not name.startswith("classifier")


def run(name, batch, channels, height, width, lr=1e-3, steps=10):
    net = CaffeNet() if name == "caffenet" else nets.build(name, (channels, height, width), classes=10)
    names = dict(net.named_parameters())
    fill_net(net, names)
    x = fill("input", (batch, channels, height, width), 1.7)
    y = torch.arange(batch) * 7 % 10
    rule = getattr(net, "bias_rule", lambda n: False)
    groups = [dict(params=[p for n, p in names.items() if not rule(n)], lr=lr, weight_decay=5e-4),
              dict(params=[p for n, p in names.items() if rule(n)], lr=2 * lr, weight_decay=0.0)]
    opt = torch.optim.SGD([g for g in groups if g["params"]], lr=lr, momentum=0.9)
    net.train()
    losses = []
    for _ in range(steps):
        loss = F.cross_entropy(net(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    print('{"%s", %d, %d, %d, %d, %g, {%s}},' % (name, batch, channels, height, width, lr, ", ".join("%.9g" % v for v in losses)))
    print(name, losses, file=sys.stderr)


if __name__ == "__main__":
    print("/* made by make_golden.py with PyTorch %s: {backbone, batch, channels, height, width, lr, {loss of step 0, 1, ..}} */"
          % torch.__version__.split("+")[0])
    run("mini", 16, 3, 56, 56)
    # Some sizes have a ReLU so close to 0 that rounding decides what it lets through: at 96x96 PyTorch's own losses in
    # NCHW and NHWC part by 2.8e-4 in step 3. In the sizes chosen, its float32 in both orders and double agree. A smaller
    # lr makes less of one: with 1e-3 resnet18 by Winograd with 8 lanes was 1.1e-4 off in step 2, with other last bits with 16 lanes, too.
    run("resnet18", 8, 3, 95, 97, lr=2e-4)
    run("caffenet", 8, 3, 227, 227)
    run("l3-vision", 4, 3, 43, 37, lr=3e-5)
    run("l3-audio", 4, 1, 39, 37, lr=3e-5)
    run("caffenet-bn", 8, 3, 99, 103, lr=5e-5)
    run("nin-cifar", 8, 3, 32, 32)
    run("resnet20-cifar", 16, 3, 32, 32)
