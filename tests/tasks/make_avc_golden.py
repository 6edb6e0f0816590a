# SPDX-License-Identifier: Apache-2.0
"""Losses of 10 training steps of L3-Net, AVE-Net and AVOL-Net in PyTorch, for tests/tasks/avc_golden_test.c.

    python make_avc_golden.py > avc_golden.inc

Weights, pictures and sounds come from the counter formula of tests/graph/make_golden.py. Pictures are 64x64, sounds a
third of a second: the networks are the published ones, their maps are smaller. SGD, momentum 0.9, weight decay 5e-4."""
import pathlib
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "graph"))
from make_golden import fill  # noqa: E402


class Block(nn.Module):
    def __init__(self, cin, cout, kernel, stride):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, kernel, stride, kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(cout)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class Published(nn.Module):
    """A stream of L3-Net (stride 1) or AVE-Net (stride 2): the last map."""
    def __init__(self, cin, stride):
        super().__init__()
        for block in range(1, 5):
            for i in (1, 2):
                cout = 32 << block
                self.add_module(f"conv{block}_{i}", Block(cin, cout, 3, stride if block == i == 1 else 1))
                cin = cout

    def forward(self, x):
        for block in range(1, 5):
            x = getattr(self, f"conv{block}_2")(getattr(self, f"conv{block}_1")(x))
            if block < 4: x = F.max_pool2d(x, 2)
        return x


class Small(nn.Module):
    def __init__(self, cin, last):
        super().__init__()
        for i, (cout, kernel) in enumerate(((16, 3), (32, 3), (64, 3), (64, last))):
            self.add_module(f"conv{i + 1}", Block(cin, cout, kernel, 2 if i == 0 else 1))
            cin = cout

    def forward(self, x):
        x = F.max_pool2d(self.conv2(self.conv1(x)), 2)
        return self.conv4(F.max_pool2d(self.conv3(x), 2))


class Net(nn.Module):
    def __init__(self, head, streams, helper):
        super().__init__()
        c = 64 if streams == "small" else 512
        if streams == "small": self.picture, self.sound = Small(3, 1), Small(1, 3)
        else: self.picture, self.sound = (Published(k, 1 if streams == "l3" else 2) for k in (3, 1))
        self.head, self.helper, self.h = head, helper, nn.ModuleDict()
        lin = lambda name, i, o: self.h.add_module(name.replace(".", "_"), nn.Linear(i, o))
        if head == "l3":
            lin("fc1", 2 * c, 128), lin("fc2", 128, 2)
        else:
            for s in ("picture", "sound"):
                a, b = ("conv1", "conv2") if head == "avol" and s == "picture" else ("fc1", "fc2")
                lin(f"{s}.{a}", c, 128), lin(f"{s}.{b}", 128, 128)
            lin("fc" if head == "ave" else "scale", 1, 2 if head == "ave" else 1)
            if helper: lin("helper.fc", 1, 2)

    def names(self):
        out = {}
        for n, p in self.named_parameters():
            room, rest = n.split(".", 1)
            if room == "h":
                layer, kind = rest.rsplit(".", 1)
                out["head." + layer.replace("_", ".") + "." + kind] = p
            else:
                out[("sound." if room == "sound" else "") + rest] = p
        return out

    def embed(self, stream, x):
        a, b = ("conv1", "conv2") if self.head == "avol" and stream == "picture" else ("fc1", "fc2")
        return self.h[f"{stream}_{b}"](F.relu(self.h[f"{stream}_{a}"](x)))

    def distance(self, v, a, fc):
        v, a = F.normalize(v, dim=1), F.normalize(a, dim=1)
        return self.h[fc](((v - a).pow(2).sum(1, keepdim=True) + 1e-6).sqrt())

    def losses(self, x, s, y):
        """The task's own loss and the one that is trained."""
        m, a = self.picture(x), self.sound(s).amax((2, 3))
        v = m.amax((2, 3))
        if self.head == "l3":
            z = self.h["fc2"](F.relu(self.h["fc1"](torch.cat([v, a], 1))))
        elif self.head == "ave":
            z = self.distance(self.embed("picture", v), self.embed("sound", a), "fc")
        else:
            e, cells = self.embed("sound", a), self.embed("picture", m.permute(0, 2, 3, 1))
            z = self.h["scale"](torch.einsum("nhwc,nc->nhw", cells, e)[..., None]).amax((1, 2))
            z = torch.cat([torch.zeros_like(z), z], 1)
        loss = F.cross_entropy(z, y)
        total = loss
        if self.helper: total = loss + F.cross_entropy(self.distance(self.embed("picture", v), e, "helper_fc"), y)
        return loss, total


def spectrogram(pcm, pooled):
    hann = torch.hann_window(480, periodic=True)
    x = torch.stft(F.pad(pcm, (16, 16)), 512, 240, 480, hann, center=False, return_complex=True).abs()
    if not pooled: return torch.log(x + 1e-5)[:, None]
    x = torch.log(x + 1e-3)[:, :256]
    x = x.reshape(len(x), 128, 2, -1, 4).mean((2, 4))
    return ((x + 3.064) / 1.156)[:, None]


def run(name, head, streams, samples, lr, helper=False, batch=4, steps=10):
    net = Net(head, streams, helper)
    with torch.no_grad():
        for n, p in net.names().items():
            fan_in = p.numel() // p.shape[0]
            if n in ("head.scale.weight", "head.scale.bias"): p.fill_(0.1 if n.endswith("weight") else 0)
            elif fan_in == 1 and p.shape[0] == 2 and n.startswith("head.") and ".fc." in n and head != "l3":
                sign = 1 if n.endswith("weight") else -1
                p.copy_((sign * torch.tensor([2.0, -2.0])).reshape(p.shape))
            elif fan_in > 1: p.copy_(fill(n, tuple(p.shape), (6.0 / fan_in) ** 0.5))
            elif n.endswith(".bias"): p.copy_(fill(n, tuple(p.shape), 0.1))
            else: p.copy_(1 + fill(n, tuple(p.shape), 0.1))
    x, s = fill("picture", (batch, 3, 64, 64), 1.7), spectrogram(fill("sound", (batch, samples), 0.3), streams == "small")
    y = torch.arange(batch) % 2
    opt = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9, weight_decay=5e-4)
    net.train()
    losses = []
    for _ in range(steps):
        loss, total = net.losses(x, s, y)
        opt.zero_grad()
        total.backward()
        opt.step()
        losses.append(loss.item())
    print('{"%s", "%s", "%s", %d, %d, %d, %g, {%s}},' % (name, *{"l3": ("l3-vision", "l3-audio"),
          "ave": ("ave-vision", "ave-audio"), "small": ("avc-vision", "avc-audio")}[streams], batch, samples, helper, lr,
          ", ".join("%.9g" % v for v in losses)))
    print(name, streams, losses, file=sys.stderr)


if __name__ == "__main__":
    print("/* made by make_avc_golden.py with PyTorch %s: {task, net, sound-net, batch, samples, helper, lr, {losses}} */"
          % torch.__version__.split("+")[0])
    run("avc-l3", "l3", "l3", 8160, 5e-6)
    run("avc-ave", "ave", "ave", 8160, 2e-3)
    run("avc-avol", "avol", "ave", 8160, 5e-6)
    run("avc-avol", "avol", "small", 9840, 2e-4, helper=True)
