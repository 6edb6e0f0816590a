# SPDX-License-Identifier: Apache-2.0
"""The networks of host/backbones/ in PyTorch, with the same names of parameters and the same class heads."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class ConvBnRelu(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride=1, pad=0, groups=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, pad, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)), inplace=True)


class FcBnRelu(nn.Module):
    """The linear layer's weight is `weight` and the norm `bn`: names NAME.weight, NAME.bn.weight."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(nn.Linear(inputs, outputs, bias=False).weight.detach())
        self.bn = nn.BatchNorm1d(outputs)

    def forward(self, x):
        return F.relu(self.bn(F.linear(x, self.weight)), inplace=True)


class Chain(nn.Module):
    """Named parts one after the other."""

    def __init__(self, *parts):
        super().__init__()
        for name, part in parts:
            self.add_module(name, part)

    def forward(self, x):
        for part in self.children():
            x = part(x)
        return x


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        y = y + (x if self.downsample is None else self.downsample(x))
        return F.relu(y, inplace=True)


class ResNet(nn.Module):
    """conv1, bn1 (and a pooling), layers of basic blocks: torchvision's names."""

    def __init__(self, stem, widths, blocks, classes):
        super().__init__()
        kernel, stride, self.pool = stem
        self.conv1 = nn.Conv2d(3, widths[0], kernel, stride, kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        inputs = widths[0]
        for number, width in enumerate(widths):
            layer = []
            for block in range(blocks):
                layer.append(BasicBlock(inputs, width, 2 if number > 0 and block == 0 else 1))
                inputs = width
            self.add_module(f"layer{number + 1}", nn.Sequential(*layer))
        self.layers = len(widths)
        self.classifier = nn.Linear(inputs, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        if self.pool:
            x = F.max_pool2d(x, 3, 2, 1)
        for number in range(self.layers):
            x = getattr(self, f"layer{number + 1}")(x)
        return self.classifier(F.adaptive_avg_pool2d(x, 1).flatten(1))


def l3(shape, classes):
    parts, inputs = [], shape[0]
    for block, width in enumerate((64, 128, 256, 512)):
        parts.append((f"conv{block + 1}_1", ConvBnRelu(inputs, width, 3, 1, 1)))
        parts.append((f"conv{block + 1}_2", ConvBnRelu(width, width, 3, 1, 1)))
        parts.append((f"pool{block + 1}", nn.MaxPool2d(2, 2) if block < 3 else nn.AdaptiveMaxPool2d(1)))
        inputs = width
    return Chain(*parts, ("flatten", nn.Flatten()), ("classifier", nn.Linear(512, classes)))


def caffenet_bn(shape, classes):
    maps = [("conv1", ConvBnRelu(3, 96, 11, 4)), ("pool1", nn.MaxPool2d(3, 2)),
            ("conv2", ConvBnRelu(96, 256, 5, 1, 2, 2)), ("pool2", nn.MaxPool2d(3, 2)),
            ("conv3", ConvBnRelu(256, 384, 3, 1, 1)), ("conv4", ConvBnRelu(384, 384, 3, 1, 1, 2)),
            ("conv5", ConvBnRelu(384, 256, 3, 1, 1, 2)), ("pool5", nn.MaxPool2d(3, 2)), ("flatten", nn.Flatten())]
    return Chain(*maps, ("fc6", FcBnRelu(count(maps, shape), 4096)), ("fc7", FcBnRelu(4096, 4096)),
                 ("classifier", nn.Linear(4096, classes)))


def mini(shape, classes):
    maps, inputs = [], shape[0]
    for stage, width in enumerate((16, 32, 48, 64)):
        maps += [(f"stage{stage + 1}", ConvBnRelu(inputs, width, 3, 1, 1)), (f"pool{stage + 1}", nn.MaxPool2d(2, 2))]
        inputs = width
    maps.append(("flatten", nn.Flatten()))
    return Chain(*maps, ("fc", FcBnRelu(count(maps, shape), 64)), ("classifier", nn.Linear(64, classes)))


def nin_cifar(shape, classes):
    return Chain(
        ("conv1_1", ConvBnRelu(3, 192, 5, 1, 2)), ("conv1_2", ConvBnRelu(192, 160, 1)), ("conv1_3", ConvBnRelu(160, 96, 1)),
        ("pool1", nn.MaxPool2d(3, 2, 1)),
        ("conv2_1", ConvBnRelu(96, 192, 5, 1, 2)), ("conv2_2", ConvBnRelu(192, 192, 1)), ("conv2_3", ConvBnRelu(192, 192, 1)),
        ("pool2", nn.AvgPool2d(3, 2, 1)),
        ("conv3_1", ConvBnRelu(192, 192, 3, 1, 1)), ("conv3_2", ConvBnRelu(192, 192, 1)),
        ("classifier", ConvBnRelu(192, classes, 1)), ("pool", nn.AdaptiveAvgPool2d(1)), ("flatten", nn.Flatten()))


def count(parts, shape):
    """Numbers an input of this shape leaves after these parts."""
    x = torch.zeros(2, *shape)
    with torch.no_grad():
        for _, part in parts:
            part.eval()
            x = part(x)
            part.train()
    return x.shape[1]


def build(name, shape, classes):
    """shape: [C, H, W] of the input."""
    if name in ("l3-vision", "l3-audio"):
        return l3(shape, classes)
    if name == "caffenet-bn":
        return caffenet_bn(shape, classes)
    if name == "mini":
        return mini(shape, classes)
    if name == "nin-cifar":
        return nin_cifar(shape, classes)
    if name == "resnet18":
        return ResNet((7, 2, True), (64, 128, 256, 512), 2, classes)
    if name == "resnet20-cifar":
        return ResNet((3, 1, False), (16, 32, 64), 3, classes)
    raise KeyError(name)
