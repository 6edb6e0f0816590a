#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Training steps of L3-Net with both streams: `zoe train avc-l3 --recipe paper` against PyTorch, on the same cores.

  avc.py ZOE [--batch N] [--steps N] [--rounds R] [--threads T]

Ours trains from files: a small world is made (`zoe synth sounding`), and decoding, augmentation and spectrograms are in each
step. PyTorch's step has pictures and spectrograms that are there already: two subnetworks (3x224x224 and 1x257x199), 1024 ->
128 -> 2, cross entropy, SGD with momentum 0.9, best of NCHW and NHWC. Fresh processes in turns; the median step counts, the
first five not. Prints Markdown.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time


def torch_worker(batch, steps, variant, threads):
    import torch
    import torch.nn as nn
    import torch.nn.functional as F
    import nets

    class L3(nn.Module):
        def __init__(self):
            super().__init__()
            self.vision, self.audio = nets.l3([3, 224, 224], 2), nets.l3([1, 257, 199], 2)
            self.vision.classifier, self.audio.classifier = nn.Identity(), nn.Identity()
            self.fc1, self.fc2 = nn.Linear(1024, 128), nn.Linear(128, 2)

        def forward(self, picture, sound):
            return self.fc2(F.relu(self.fc1(torch.cat([self.vision(picture), self.audio(sound)], 1))))

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    net, picture, sound = L3().train(), torch.randn(batch, 3, 224, 224), torch.randn(batch, 1, 257, 199)
    if variant == "nhwc":
        net, picture, sound = (v.to(memory_format=torch.channels_last) for v in (net, picture, sound))
    labels = torch.arange(batch) % 2
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9, weight_decay=1e-5)
    took = []
    for _ in range(steps):
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=False)
        F.cross_entropy(net(picture, sound), labels).backward()
        optimizer.step()
        took.append(time.perf_counter() - start)
    print(json.dumps({"seconds": took[2:], "torch": torch.__version__}))


def run_torch(options, variant):
    done = subprocess.run([sys.executable, os.path.abspath(__file__), "--worker",
                           json.dumps([options.batch, max(options.steps // 3, 5), variant, options.threads])],
                          check=True, capture_output=True)
    return statistics.median(json.loads(done.stdout)["seconds"])


def run_ours(options, pack, folder, number):
    """Seconds of a step, by the log of the run."""
    out = os.path.join(folder, f"run{number}")
    subprocess.run([options.zoe, "train", "avc-l3", pack, "--out", out, "--recipe", "paper", "--batch", str(options.batch),
                    "--micro", "1", "--steps", str(options.steps), "--optimizer", "sgd", "--lr", "0.001", "--log-every", "1"],
                   check=True, capture_output=True)
    with open(os.path.join(out, "log.jsonl")) as log:
        rows = [json.loads(line) for line in log]
    at = [row["seconds"] for row in rows if "loss" in row and "seconds" in row]
    return statistics.median(b - a for a, b in zip(at[5:], at[6:]))


def main():
    if sys.argv[1:2] == ["--worker"]:
        torch_worker(*json.loads(sys.argv[2]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zoe")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=25, help="of ours; PyTorch does a third")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of PyTorch")
    options = parser.parse_args()
    took = {"zoe": [], "nchw": [], "nhwc": []}
    with tempfile.TemporaryDirectory() as folder:
        clips, pack = os.path.join(folder, "clips"), os.path.join(folder, "pack")
        subprocess.run([options.zoe, "synth", "sounding", "--out", clips, "--clips", "32", "--seed", "1"], check=True,
                       capture_output=True)
        subprocess.run([options.zoe, "index", clips, "--out", pack], check=True, capture_output=True)
        for number in range(options.rounds):
            took["zoe"].append(run_ours(options, pack, folder, number))
            for variant in ("nchw", "nhwc"):
                took[variant].append(run_torch(options, variant))
    rate = {side: options.batch / statistics.median(seconds) for side, seconds in took.items()}
    print(f"| L3, both streams, batch {options.batch} | Zoetrope, from files | PyTorch NCHW | PyTorch NHWC | ratio |\n|---|---|---|---|---|")
    print(f"| pairs/s | {rate['zoe']:.2f} | {rate['nchw']:.2f} | {rate['nhwc']:.2f} | "
          f"**{rate['zoe'] / max(rate['nchw'], rate['nhwc']):.2f}** |\n\n{time.strftime('%Y-%m-%d')}, "
          f"{platform.processor() or platform.machine()}, {options.threads} threads, {options.rounds} rounds")


if __name__ == "__main__":
    main()
