# SPDX-License-Identifier: Apache-2.0
"""Loads a folder that torchvision_test.c wrote: w.safetensors by load_state_dict into torchvision's resnet18, x.npy through it, and compares
each layer with our LAYER.npy to 1e-4. Exit 77: no PyTorch. Reads safetensors itself: the package may be absent."""
import json
import struct
import sys

try:
    import numpy as np
    import torch
    import torchvision
except ImportError:
    sys.exit(77)
if sys.argv[1] == 'probe':
    sys.exit(0)
folder = sys.argv[1]


def load(path):
    raw = open(path, 'rb').read()
    size = struct.unpack('<Q', raw[:8])[0]
    types = {'F32': np.float32, 'I64': np.int64}
    out = {}
    for name, row in json.loads(raw[8:8 + size]).items():
        if name == '__metadata__':
            continue
        begin, end = (8 + size + at for at in row['data_offsets'])
        out[name] = torch.from_numpy(np.frombuffer(raw[begin:end], types[row['dtype']]).reshape(row['shape']).copy())
    return out


net = torchvision.models.resnet18()
net.fc = torch.nn.Identity()
net.load_state_dict(load(folder + '/w.safetensors'))
net.eval()

seen = {}
layers = {'stem': net.maxpool, 'layer1': net.layer1, 'layer2': net.layer2, 'layer3': net.layer3, 'layer4': net.layer4, 'avgpool': net.avgpool}
for name, module in layers.items():
    module.register_forward_hook(lambda _, __, y, name=name: seen.__setitem__(name, y))
with torch.no_grad():
    net(torch.from_numpy(np.load(folder + '/x.npy')).view(-1, 3, 224, 224))

bad = False
for name in layers:
    ours, theirs = np.load(f'{folder}/{name}.npy'), seen[name].flatten(1).numpy()
    difference, largest = float(np.abs(ours - theirs).max()), float(np.abs(theirs).max())
    print(f'{name:8s} largest difference {difference:.2e}, largest value {largest:.3f}')
    bad = bad or not difference <= 1e-4 * max(1, largest)
sys.exit(1 if bad else 0)
