#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""CPU time of three random frames of a clip at 224x224: `zoe bench data` against torchcodec and decord.

  frames.py BUILD CLIPS...   BUILD: the build folder; CLIPS: video files

All on one thread, in interleaved rounds over the same files; the least CPU time of a round counts. The others once with a
decoder that is opened for each sample, as a loader of many thousand files does, and once with one that stays open for each
file. They scale where they can (torchcodec as it decodes, decord by width and height). What indexing costs is told apart.
That our frames are the right ones is checked on the way: each is compared with its hash from a decoding from start to end,
and `zoe bench data` fails if one differs.
"""
import json
import random
import resource
import subprocess
import sys
import tempfile

import torch

ROUNDS, SIDE, FRAMES = 5, 224, 3


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class Torchcodec:
    name = "torchcodec"

    def __init__(self):
        from torchcodec.decoders import VideoDecoder
        from torchcodec.transforms import Resize

        self.open = lambda path: VideoDecoder(path, num_ffmpeg_threads=1, transforms=[Resize((SIDE, SIDE))])

    def length(self, decoder):
        return decoder.metadata.num_frames

    def frames(self, decoder, ranks):
        return decoder.get_frames_at(ranks).data.shape[0]


class Decord:
    name = "decord"

    def __init__(self):
        import decord

        self.open = lambda path: decord.VideoReader(path, width=SIDE, height=SIDE, num_threads=1)

    def length(self, decoder):
        return len(decoder)

    def frames(self, decoder, ranks):
        return decoder.get_batch(ranks).shape[0]


def one_round(peer, paths, lengths, seed, decoders=None):
    """CPU seconds a sample; a file that cannot be read whole does not count."""
    draw = random.Random(seed)
    start, count = cpu_seconds(), 0
    for path in paths:
        ranks = sorted(draw.randrange(lengths[path]) for _ in range(FRAMES))
        try:
            decoder = decoders[path] if decoders else peer.open(path)
            count += peer.frames(decoder, ranks) == FRAMES
        except Exception as error:
            print(f"{peer.name}: {path}: {str(error).splitlines()[0]}", file=sys.stderr)
    return (cpu_seconds() - start) / max(count, 1)


def load(kind):
    try:
        return kind()
    except (ImportError, OSError, RuntimeError) as error:
        print(f"SKIPPED: {kind.name}: {str(error).splitlines()[0]}", file=sys.stderr)
        return None


def main():
    build, paths = sys.argv[1], sys.argv[2:]
    torch.set_num_threads(1)
    peers = [peer for peer in map(load, (Torchcodec, Decord)) if peer]
    with tempfile.TemporaryDirectory() as folder:
        zoe, pack = f"{build}/zoe", f"{folder}/pack"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([zoe, "index", *paths, "--out", pack, "--workers", "1"], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        indexing = (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) / len(paths)
        kept = {peer.name: {path: peer.open(path) for path in paths} for peer in peers}
        lengths = {peer.name: {path: peer.length(kept[peer.name][path]) for path in paths} for peer in peers}
        ours, theirs = [], {}
        for seed in range(ROUNDS):
            out = subprocess.run([zoe, "bench", "data", pack, "--seconds", "1", "--processes", "1", "--json"], check=True,
                                 capture_output=True, text=True).stdout
            case = next(case for case in json.loads(out)["cases"] if case["id"] == "data/frames")
            ours.append(min(case["samples_ns"]) * 1e-9)
            for peer in peers:
                for label, decoders in (("a decoder a sample", None), ("decoders kept open", kept[peer.name])):
                    took = one_round(peer, paths, lengths[peer.name], seed, decoders)
                    theirs.setdefault(f"{peer.name}, {label}", []).append(took)
    print(f"{len(paths)} files, {FRAMES} random frames at {SIDE}x{SIDE}, least of {ROUNDS} rounds, CPU ms a sample")
    print(f"{'zoe bench data':<34}{1e3 * min(ours):8.2f}")
    for label, took in theirs.items():
        print(f"{label:<34}{1e3 * min(took):8.2f}   zoe takes {min(ours) / min(took):.2f} of it")
    print(f"{'zoe index, a file once':<34}{1e3 * indexing:8.2f}")


if __name__ == "__main__":
    main()
