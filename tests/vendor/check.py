#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles every program of the simt family for GPUs that are not here, and reads what their compilers say of it.

  check.py FOLDER [--targets T,T] [--jobs N] [--markdown FILE] [--ptxas PATH]

FOLDER is what test_vendor_programs wrote. A kernel passes on a target when it compiles, keeps all its variables in
registers (no spill, no stack) and has at most 32 KiB of local memory, arguments included. What does not pass is one
line each; a table of targets ends the run.

Exit code 0: all pass. 2: usage. 3: a compiler or its library is missing, or FOLDER is. 6: a kernel does not pass.
"""
import argparse
import concurrent.futures
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

CLANG = "clang-15"
LIBCLC = "/usr/lib/clc/nvptx64--nvidiacl.bc"
DEVICE_LIBS = "/usr/lib/x86_64-linux-gnu/amdgcn/bitcode"
MOST_LOCAL = 32768
INTEL = ["skl", "tgllp", "dg2", "pvc"]
AMD = ["gfx906", "gfx90a", "gfx1030", "gfx1100"]
NVIDIA = ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"]
WIDE = ["intel:pvc"]  # narrowest sub-group 16
CARDS = {
    "intel:skl": "Gen9: HD/UHD Graphics of 6th to 10th generation processors",
    "intel:tgllp": "Xe-LP: Iris Xe of 11th to 13th generation processors",
    "intel:dg2": "Arc A, Flex",
    "intel:pvc": "Data Center GPU Max",
    "amd:gfx906": "Radeon VII, MI50",
    "amd:gfx90a": "MI210, MI250",
    "amd:gfx1030": "RX 6000 (RDNA 2)",
    "amd:gfx1100": "RX 7000 (RDNA 3)",
    "nvidia:sm_75": "RTX 20, T4",
    "nvidia:sm_80": "A100",
    "nvidia:sm_86": "RTX 30",
    "nvidia:sm_89": "RTX 40, L4",
    "nvidia:sm_90": "H100, H200",
    "nvidia:sm_100": "B200",
    "nvidia:sm_120": "RTX 50",
    "spirv": "anything that reads SPIR-V 1.2",
}


class Refused(Exception):
    """The compiler's reason, one line."""


class Missing(Exception):
    """A tool that is not here."""


def call(*words):
    try:
        done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=300)
    except FileNotFoundError as error:
        raise Missing(f"{words[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise Refused(f"{words[0]} took more than 300 s") from error
    text = done.stdout + done.stderr
    if done.returncode:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        wrong = [line for line in lines if re.search(r"error|fatal|undefined", line, re.I) and "remark:" not in line]
        raise Refused((wrong or lines or [f"{words[0]} ended with {done.returncode}"])[0][:300])
    return text


def figures(name, registers=0, spills=0, stack=0, local=0):
    return {"name": name, "registers": registers, "spills": spills, "stack": stack, "local": local}


# ---- Intel: the vendor's own compiler; its "zebin" is an ELF file whose section .ze_info is YAML ----


def sections(data):
    start, size, count, names = struct.unpack_from("<Q", data, 40) + struct.unpack_from("<HHH", data, 58)
    heads = [struct.unpack_from("<IIQQQQ", data, start + i * size) for i in range(count)]
    text = heads[names][4]
    found = {}
    for head in heads:
        end = data.index(b"\0", text + head[0])
        found[data[text + head[0] : end].decode()] = data[head[4] : head[4] + head[5]]
    return found


def undefined_symbols(part):
    symbols, strings = part.get(".symtab", b""), part.get(".strtab", b"")
    for at in range(24, len(symbols) - 23, 24):
        name, _, _, section = struct.unpack_from("<IBBH", symbols, at)
        if name and not section:
            yield strings[name : strings.index(b"\0", name)].decode()


def kernels_of_ze_info(text):
    """Lines of two levels are all that is of interest: a kernel's name, its execution_env, its buffers per thread."""
    kernel = None
    for line in text.split("\nkernels_misc_info:")[0].splitlines():
        field = re.match(r"( *)(?:- )?(\w+): +(\S+)", line)
        if not field:
            continue
        key, value = field[2], field[3]
        if line.startswith("  - name:"):
            kernel = {"name": value, "simd": 1, "grf": 0, "slm": 0, "stack": 0, "size": 0}
            yield kernel
        elif kernel and key == "simd_size":
            kernel["simd"] = int(value)
        elif kernel and key == "grf_count":
            kernel["grf"] = int(value)
        elif kernel and key == "slm_size":
            kernel["slm"] = int(value)
        elif kernel and key == "usage":
            kernel["buffers"] = True
        elif kernel and key == "size" and kernel.pop("buffers", False):
            kernel["size"] = int(value)
            kernel["stack"] += kernel["size"]
        elif kernel and key == "is_simt_thread" and value == "true":
            kernel["stack"] += kernel["size"] * (kernel["simd"] - 1)


def compile_intel(device, source, options, folder):
    words = ["-device", device, "--format", "zebin", "-exclude_ir", "-out_dir", folder, "-output", "out"]
    text = call("ocloc", "compile", "-file", source, *words, "-options", " ".join(options))
    binary = [name for name in os.listdir(folder) if name.startswith("out") and name.endswith(".bin")]
    if len(binary) != 1:
        raise Refused("ocloc wrote no binary")
    with open(os.path.join(folder, binary[0]), "rb") as file:
        part = sections(file.read())
    for name in undefined_symbols(part):
        raise Refused(f"undefined function {name}")
    spilled = dict(re.findall(r"kernel (\w+) +compiled SIMD\d+ allocated \d+ regs and spilled around (\d+)", text))
    info = part[".ze_info"].decode(errors="replace")
    return [
        figures(k["name"], k["grf"], int(spilled.get(k["name"], 0)), k["stack"], k["slm"])
        for k in list(kernels_of_ze_info(info))
        if not k["name"].startswith("Intel_")  # a table of symbols
    ]


# ---- AMD: LLVM and the ROCm device libraries ----


def amd_libraries(gpu, folder):
    """Libraries of 2022 lack one constant for newer GPUs, the number of their instruction set: it is made here."""
    name = f"oclc_isa_version_{gpu[3:]}.bc"
    if not os.path.isdir(DEVICE_LIBS):
        raise Missing("rocm-device-libs are not installed")
    if os.path.exists(os.path.join(DEVICE_LIBS, name)):
        return DEVICE_LIBS
    made = os.path.join(folder, "libraries")
    os.mkdir(made)
    for file in os.listdir(DEVICE_LIBS):
        os.symlink(os.path.join(DEVICE_LIBS, file), os.path.join(made, file))
    number = int(gpu[3:-2]) * 1000 + int(gpu[-2], 16) * 100 + int(gpu[-1], 16)
    source = os.path.join(folder, "isa.cl")
    with open(source, "w", encoding="ascii") as file:
        file.write(f"const __constant int __oclc_ISA_version = {number};\n")
    words = ["-nogpulib", "-x", "cl", "-cl-std=CL2.0", "-emit-llvm", "-c", source, "-o", os.path.join(made, name)]
    call(CLANG, "-target", "amdgcn-amd-amdhsa", *words)
    return made


def compile_amd(gpu, source, options, folder):
    words = ["-target", "amdgcn-amd-amdhsa", f"-mcpu={gpu}", "-x", "cl", "-O3"]
    words += [f"--rocm-device-lib-path={amd_libraries(gpu, folder)}", "-Rpass-analysis=kernel-resource-usage"]
    text = call(CLANG, *words, *options, source, "-o", os.path.join(folder, "out.co"))
    found = []
    for line in text.splitlines():
        remark = re.search(r"remark: +([^:\[]+?)(?: \[[^\]]*\])?: (\S+) \[-Rpass", line)
        if not remark:
            continue
        key, value = remark[1].strip(), remark[2]
        if key == "Function Name":
            found.append(figures(value))
        elif key == "VGPRs":
            found[-1]["registers"] = int(value)
        elif key in ("VGPRs Spill", "SGPRs Spill"):
            found[-1]["spills"] += int(value)
        elif key == "ScratchSize":
            found[-1]["stack"] = int(value)
        elif key == "LDS Size":
            found[-1]["local"] = int(value)
    return found


# ---- NVIDIA: LLVM and libclc make PTX, NVIDIA's own assembler the code ----


def compile_nvidia(gpu, source, options, folder, ptxas):
    if not os.path.exists(LIBCLC):
        raise Missing("libclc-15 is not installed")
    ptx = os.path.join(folder, "out.ptx")
    front = "sm_75" if gpu == "sm_75" else "sm_80"  # of the newest that clang 15 knows, ptxas makes code for later ones
    words = ["-target", "nvptx64--nvidiacl", "-x", "cl", "-O3", f"-march={front}"]
    words += ["-Xclang", "-finclude-default-header", "-Xclang", "-mlink-builtin-bitcode", "-Xclang", LIBCLC]
    call(CLANG, *words, *options, "-S", source, "-o", ptx)
    text = call(ptxas, f"-arch={gpu}", "-v", ptx, "-o", os.path.join(folder, "out.cubin"))
    found = []
    for line in text.splitlines():
        if entry := re.search(r"Compiling entry function '(\w+)'", line):
            found.append(figures(entry[1]))
        elif frame := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line):
            if found:
                found[-1]["stack"], found[-1]["spills"] = int(frame[1]), int(frame[2]) + int(frame[3])
        elif used := re.search(r"Used (\d+) registers", line):
            shared = re.search(r"(\d+) bytes smem", line)
            found[-1]["registers"], found[-1]["local"] = int(used[1]), int(shared[1]) if shared else 0
    return found


# ---- SPIR-V ----


def compile_spirv(source, options, folder):
    code, module = os.path.join(folder, "out.bc"), os.path.join(folder, "out.spv")
    words = ["-target", "spir64", "-x", "cl", "-O0", "-Xclang", "-finclude-default-header", "-emit-llvm", "-c"]
    call(CLANG, *words, *options, source, "-o", code)
    call("llvm-spirv-15", "--spirv-max-version=1.2", code, "-o", module)
    call("spirv-val", "--target-env", "opencl1.2", module)
    return [figures(name) for name in re.findall(r'OpEntryPoint Kernel %\S+ "(\w+)"', call("spirv-dis", module))]


# ---- all of it ----


def compile_for(target, source, options, ptxas):
    vendor, _, device = target.partition(":")
    with tempfile.TemporaryDirectory() as folder:
        if vendor == "intel":
            return compile_intel(device, source, options, folder)
        if vendor == "amd":
            return compile_amd(device, source, options, folder)
        if vendor == "nvidia":
            return compile_nvidia(device, source, options, folder, ptxas)
        return compile_spirv(source, options, folder)


def problems_of(kernel, arguments):
    if kernel["spills"]:
        yield f"spills registers ({kernel['spills']})"
    if kernel["stack"]:
        yield f"keeps {kernel['stack']} bytes of variables in memory"
    local = kernel["local"] + arguments
    if local > MOST_LOCAL:
        yield f"takes {local} bytes of local memory, at most {MOST_LOCAL}"


def short(options):
    kept = [word for word in options.split() if word.startswith("-D") and not word.startswith(("-DZOE_FAMILY", "-DZOE_LANES"))]
    return " ".join(kept)


def check_one(target, program, folder, ptxas):
    """(kernels, lines about what does not pass)"""
    label = f"{target} cl/{program['program']}.cl {short(program['options'])}".rstrip()
    try:
        source = os.path.join(folder, program["file"])
        options = program["wide_options" if target in WIDE else "options"]
        found = compile_for(target, source, [w for w in options.split() if w != "-w"], ptxas)
    except Refused as reason:
        return [], [f"{label}: {reason}"]
    if not found:
        return [], [f"{label}: the compiler names no kernel"]
    lines = []
    for kernel in found:
        planned = program["kernels"].get(kernel["name"], {})
        lines += [f"{label}: {kernel['name']} {what}" for what in problems_of(kernel, planned.get("local", 0))]
    missing = set(program["kernels"]) - {kernel["name"] for kernel in found}
    lines += [f"{label}: no kernel '{name}'" for name in sorted(missing)]
    return found, lines


def table(rows):
    yield "| target | cards | programs | kernels | failures | most registers | most local memory |"
    yield "|---|---|---|---|---|---|---|"
    for target, row in rows.items():
        own = ["" if target == "spirv" else str(row[key]) for key in ("registers", "local")]
        own[1] += " B" if own[1] else ""
        yield (
            f"| {target.replace(':', ' ')} | {CARDS.get(target, '')} | {row['programs']} | {row['kernels']} "
            f"| {row['failures']} | {own[0]} | {own[1]} |"
        )


def find_ptxas(given):
    for path in [given] if given else [shutil.which("ptxas"), "/usr/local/cuda/bin/ptxas"]:
        if path and os.path.exists(path):
            return path
    raise Missing(f"{given or 'ptxas'} is not there (pip install nvidia-cuda-nvcc; --ptxas PATH names it)")


def run(arguments):
    every = [f"intel:{d}" for d in INTEL] + [f"amd:{d}" for d in AMD] + [f"nvidia:{d}" for d in NVIDIA] + ["spirv"]
    targets = arguments.targets.split(",") if arguments.targets else every
    for target in targets:
        if target != "spirv" and target.partition(":")[0] not in ("intel", "amd", "nvidia"):
            print(f"check.py: there is no target '{target}'; there are {', '.join(every)}", file=sys.stderr)
            return 2
    path = os.path.join(arguments.folder, "programs.json")
    try:
        with open(path, encoding="utf-8") as file:
            programs = json.load(file)
    except (OSError, ValueError) as error:
        raise Missing(f"{path}: {error}") from error
    ptxas = find_ptxas(arguments.ptxas) if any(t.startswith("nvidia") for t in targets) else None
    rows = {t: {"programs": 0, "kernels": 0, "failures": 0, "registers": 0, "local": 0} for t in targets}
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        jobs = [
            (t, pool.submit(check_one, t, p, arguments.folder, ptxas))
            for t in targets
            for p in programs
            if not p["sub_groups"] or (t.startswith("intel") and t not in WIDE)  # the others' drivers do not offer sub-groups of 8
        ]
        try:
            for target, job in jobs:
                found, lines = job.result()
                row = rows[target]
                row["programs"] += 1
                row["kernels"] += len(found)
                row["failures"] += len(lines)
                row["registers"] = max([row["registers"]] + [k["registers"] for k in found])
                row["local"] = max([row["local"]] + [k["local"] for k in found])
                for line in lines:
                    print(line, flush=True)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    text = "\n".join(table(rows))
    print(text)
    if arguments.markdown:
        with open(arguments.markdown, "w", encoding="utf-8") as file:
            file.write(text + "\n")
    failures = sum(row["failures"] for row in rows.values())
    compiled = sum(row["programs"] for row in rows.values())
    took = time.monotonic() - started
    print(f"check.py: {compiled} compilations, {failures} failures, {took:.0f} s", file=sys.stderr)
    return 6 if failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--targets", help="some of them, by commas: intel:dg2,spirv")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--markdown", help="a file for the table")
    parser.add_argument("--ptxas", help="NVIDIA's assembler; none: on the PATH, or of a CUDA installation")
    try:
        return run(parser.parse_args())
    except Missing as what:
        print(f"check.py: {what}", file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main())
