#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes spectrogram_golden.inc: what torch.stft gives for the cases of spectrogram_test.c, in double.

    python3 make_spectrogram.py > spectrogram_golden.inc

torch.stft puts the window in the middle of the transform; a frame then sees the same samples as ours when the sound is
padded by half of the difference, and magnitudes do not know where in the transform the samples stand."""
import math

import torch

torch.set_default_dtype(torch.float64)


def sound(count):
    return torch.tensor([((i * 37 + 11) % 257 - 128) / 256 for i in range(count)]).float().double()


def spectrum(count, window, hop, fft):
    pad = (fft - window) // 2
    x = torch.nn.functional.pad(sound(count), (pad, fft - window - pad))
    hann = torch.hann_window(window, periodic=True)
    return torch.stft(x, fft, hop, window, hann, center=False, return_complex=True).abs()


def mel_weights(mels, fft, rate, low, high):
    mel = lambda f: 2595 * math.log10(1 + f / 700)
    edges = [700 * (10 ** ((mel(low) + (mel(high) - mel(low)) * i / (mels + 1)) / 2595) - 1) for i in range(mels + 2)]
    f = torch.arange(fft // 2 + 1) * rate / fft
    rows = [torch.minimum((f - a) / (b - a), (c - f) / (c - b)).clamp(min=0) for a, b, c in zip(edges, edges[1:], edges[2:])]
    return torch.stack(rows)


def array(name, tensor):
    numbers = [f"{v:.9g}" for v in tensor.reshape(-1).tolist()]
    print(f"static const double {name}[] = {{")
    for i in range(0, len(numbers), 10):
        print("    " + ", ".join(numbers[i:i + 10]) + ",")
    print("};")


print("/* SPDX-License-Identifier: Apache-2.0")
print(" *")
print(f" * Made by make_spectrogram.py with PyTorch {torch.__version__.split('+')[0]}; do not edit. */")
array("golden_l3", torch.log(spectrum(480, 480, 240, 512) + 1e-5))
array("golden_power", spectrum(250, 100, 50, 128) ** 2)
array("golden_mel", torch.log(mel_weights(16, 512, 48000, 0, 24000) @ spectrum(1200, 480, 240, 512) + 1e-5))
small = torch.log(spectrum(480 + 7 * 240, 480, 240, 512) + 1e-3)[:256]
array("golden_pooled", (small.reshape(128, 2, 2, 4).mean((1, 3)) + 3) / 1.5)
