#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""CPU time of a random second of sound at 48 kHz: a pack of ours against torchcodec (which torchaudio.load calls, too).

  sound.py BUILD CLIPS...   BUILD: the build folder; CLIPS: video files with sound

Both read the same number of random seconds of the same files, in interleaved rounds, each on one thread; the least CPU time of
a round counts. torchcodec once with a decoder that stays open for each file, once with one that is opened for each window, as
a loader of many thousand files does. What indexing costs is told apart.
"""
import os
import random
import resource
import subprocess
import sys
import tempfile

import torch
from torchcodec.decoders import AudioDecoder

ROUNDS = 5


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def open_decoder(path):
    return AudioDecoder(path, sample_rate=48000, num_channels=1)


def torchcodec_round(paths, lengths, seed, decoders=None):
    draw = random.Random(seed)
    start = cpu_seconds()
    for path, length in zip(paths, lengths):
        at = draw.uniform(0, length - 1)
        decoder = decoders[path] if decoders else open_decoder(path)
        samples = decoder.get_samples_played_in_range(at, at + 1).data
        assert abs(samples.shape[1] - 48000) <= 1
    return (cpu_seconds() - start) / len(paths)


def main():
    build, paths = sys.argv[1], sys.argv[2:]
    torch.set_num_threads(1)
    decoders, lengths = {}, []
    for path in list(paths):
        decoder = open_decoder(path)
        length = decoder.metadata.duration_seconds
        if length < 1.5:
            paths.remove(path)
            continue
        decoders[path] = decoder
        lengths.append(length - 0.1)
    with tempfile.TemporaryDirectory() as folder:
        pack = os.path.join(folder, "pack")
        before = children_seconds()
        subprocess.run([f"{build}/zoe", "index", *paths, "--out", pack, "--workers", "1"], check=True, capture_output=True)
        indexing = (children_seconds() - before) / len(paths)
        ours, kept, opened = [], [], []
        for seed in range(ROUNDS):
            out = subprocess.run(
                [f"{build}/tests/peers/peer_sound_windows", pack, "20", str(seed)], check=True, capture_output=True, text=True
            ).stdout.split()
            ours.append(float(out[1]) / int(out[0]))
            kept.append(torchcodec_round(paths, lengths, seed, decoders))
            opened.append(torchcodec_round(paths, lengths, seed))
    print(f"{len(paths)} files, one second at 48 kHz, least of {ROUNDS} rounds, CPU ms")
    print(f"zoe, window of a pack              {1e3 * min(ours):8.3f}")
    print(f"torchcodec, decoder kept open      {1e3 * min(kept):8.3f}")
    print(f"torchcodec, decoder a window       {1e3 * min(opened):8.3f}")
    print(f"zoe index, a file once (pictures too) {1e3 * indexing:8.3f}")


if __name__ == "__main__":
    main()
