#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Training steps a second of the same networks: `zoe bench train` against PyTorch, on the same cores.

  train.py ZOE [NAME...] [--seconds S] [--rounds R] [--threads T] [--no-compile] [--intel VENV] [--json FILE]

Each side runs in fresh processes, one after the other, in interleaved rounds (ours, PyTorch NCHW, NHWC, torch.compile, ours on
Intel's runtime, and again): what disturbs the machine disturbs all. A step is forward, loss, backward and SGD with momentum 0.9
and weight decay 1e-4 in float32, on data that is there already. Counted is the median step of all rounds; PyTorch's best variant
against our better runtime; what reaches less than 80 % of the best of its side in the first round is not run again. --intel
names a venv with `pip install intel-opencl-rt intel-cmplr-lib-rt tbb`. Prints Markdown.
"""
import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

# name, input C H W, batch, classes, the ratio that was aimed at
NETS = [
    ("l3-vision", (3, 224, 224), 8, 2, 3.2),
    ("l3-audio", (1, 257, 199), 8, 2, 3.2),
    ("resnet18", (3, 224, 224), 8, 1000, 2.2),
    ("resnet18", (3, 112, 112), 16, 1000, 2.2),
    ("caffenet-bn", (3, 227, 227), 16, 2, 1.6),
    ("nin-cifar", (3, 32, 32), 128, 10, 1.6),
    ("resnet20-cifar", (3, 32, 32), 128, 10, 1.6),
]
VARIANTS = ("nchw", "nhwc", "compile")


def peak_bytes():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def torch_worker(name, shape, batch, classes, variant, seconds, threads):
    """Runs in a process of its own; prints {images_per_s: [...], peak_bytes}."""
    import torch
    import torch.nn.functional as F
    import nets

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    net = nets.build(name, list(shape), classes).train()
    x, y = torch.randn(batch, *shape), torch.arange(batch) % classes
    if variant != "nchw":
        net, x = net.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9, weight_decay=1e-4)
    forward = torch.compile(net) if variant == "compile" else net

    def step():
        optimizer.zero_grad(set_to_none=False)
        F.cross_entropy(forward(x), y).backward()
        optimizer.step()

    for _ in range(3):
        step()
    rates, end = [], time.perf_counter() + seconds
    while len(rates) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        rates.append(batch / (time.perf_counter() - start))
    print(json.dumps({"images_per_s": rates, "peak_bytes": peak_bytes(), "torch": torch.__version__}))


def run(command, environment=None, limit=900):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, timeout=limit)
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace").strip().splitlines()[-1:])
    return json.loads(done.stdout)


def run_ours(options, net, environment):
    name, shape, batch, classes, _ = net
    result = run([options.zoe, "bench", "train", "--here", "--json", "--net", name, "--batch", str(batch), "--size",
                  f"{shape[2]}x{shape[1]}", "--classes", str(classes), "--seconds", str(options.seconds)], environment)
    return {"images_per_s": [batch * 1e9 / ns for ns in result["samples_ns"]], "peak_bytes": result["peak_bytes"],
            "device": result["device"]}


def run_torch(options, net, variant):
    name, shape, batch, classes, _ = net
    return run([sys.executable, os.path.abspath(__file__), "--worker",
                json.dumps([name, shape, batch, classes, variant, options.seconds, options.threads])])


def sides(options, intel):
    ours = {"pocl": lambda net: run_ours(options, net, None)}
    if intel:
        ours["intel"] = lambda net: run_ours(options, net, intel)
    theirs = {v: (lambda net, v=v: run_torch(options, net, v)) for v in VARIANTS if v != "compile" or options.compile}
    return ours, theirs


def rate(found, side):
    return max((statistics.median(one["images_per_s"]) for one in found.get(side, [])), default=0)


def hopeless(found, side, group):
    """Less than 80 % of the best of its kind: not run again, as only the best one counts."""
    return rate(found, side) < 0.8 * max(rate(found, other) for other in group)


def measure(options, net, intel):
    ours, theirs = sides(options, intel)
    found = {}
    for number in range(options.rounds):
        for side, call in {**ours, **theirs}.items():
            if number > 0 and hopeless(found, side, ours if side in ours else theirs):
                continue
            try:
                found.setdefault(side, []).append(call(net))
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                print(f"{net[0]}, {side}: {error}", file=sys.stderr)
    rows = {side: {"images_per_s": statistics.median(r for one in all_ for r in one["images_per_s"]),
                   "low": min(statistics.median(one["images_per_s"]) for one in all_),
                   "high": max(statistics.median(one["images_per_s"]) for one in all_),
                   "peak_bytes": max(one["peak_bytes"] for one in all_)} for side, all_ in found.items()}
    best = {kind: max((rows[s]["images_per_s"] for s in group if s in rows), default=math.nan)
            for kind, group in (("ours", ours), ("theirs", theirs))}
    return {"net": net[0], "shape": net[1], "batch": net[2], "sides": rows, "ratio": best["ours"] / best["theirs"],
            "aim": net[4]}


def cell(row):
    return f"{row['images_per_s']:.2f} ({row['low']:.2f} to {row['high']:.2f}; {row['peak_bytes'] / 2**20:.0f} MiB)" if row else "-"


def line_of(result):
    c, h, w = result["shape"]
    cells = [cell(result["sides"].get(side)) for side in ("pocl", "intel", *VARIANTS)]
    return f"| {result['net']} {c}x{h}x{w}, batch {result['batch']} | " + " | ".join(cells) + \
           f" | **{result['ratio']:.2f}** | {result['aim']} |"


def intel_environment(venv, folder):
    library = os.path.join(os.path.abspath(venv), "lib", "libintelocl.so")
    with open(os.path.join(folder, "intel.icd"), "w") as icd:
        icd.write(library + "\n")
    return dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(library), OCL_ICD_VENDORS=folder)


def main():
    if sys.argv[1:2] == ["--worker"]:
        torch_worker(*json.loads(sys.argv[2]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zoe")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seconds", type=float, default=5, help="of measuring, a process")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of PyTorch")
    parser.add_argument("--no-compile", dest="compile", action="store_false")
    parser.add_argument("--intel", help="venv with Intel's runtime")
    parser.add_argument("--json", help="write all figures there")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in [net[0] for net in NETS]]
    if unknown:
        parser.error(f"unknown network {unknown[0]}")
    print("| network | Zoetrope, PoCL | Zoetrope, Intel's runtime | PyTorch NCHW | PyTorch NHWC | torch.compile | ratio | aim |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    results = []
    with tempfile.TemporaryDirectory() as folder:
        intel = intel_environment(options.intel, folder) if options.intel else None
        for net in NETS:
            if options.names and net[0] not in options.names:
                continue
            results.append(measure(options, net, intel))
            print(line_of(results[-1]), flush=True)
    mean = math.exp(statistics.fmean(math.log(r["ratio"]) for r in results))
    print(f"| geometric mean | | | | | | **{mean:.2f}** | 2.4 |\n\nimages/s: median (medians of the rounds; peak memory of the process)."
          f" {time.strftime('%Y-%m-%d')}, {platform.processor() or platform.machine()}, {options.threads} threads")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
