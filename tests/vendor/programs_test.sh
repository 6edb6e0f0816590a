#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# programs_test.sh PROGRAMS: every program of the simt family is enumerated (and within a small GPU's limits, or
# PROGRAMS fails), and is OpenCL C 1.2 in clang's eyes. The vendors' compilers are for `./bootstrap vendor-check`.
set -eu
programs=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$programs" "$folder"
[ -s "$folder/programs.json" ]
if "$programs" >/dev/null 2>&1; then
    echo "no folder given, and no complaint" >&2
    exit 1
fi
if "$programs" "$folder/no/such" >/dev/null 2>&1; then
    echo "a folder that cannot be made, and no complaint" >&2
    exit 1
fi
clang=
for name in clang clang-19 clang-16 clang-15 clang-14; do
    if command -v "$name" >/dev/null 2>&1; then
        clang=$name
        break
    fi
done
if [ -z "$clang" ] || ! command -v python3 >/dev/null 2>&1; then
    echo "SKIPPED: syntax: no clang or no python3 here"
    exit 0
fi
python3 - "$folder" "$clang" <<'PYTHON'
import json, subprocess, sys

folder, clang = sys.argv[1:]
programs = json.load(open(f"{folder}/programs.json", encoding="utf-8"))
bad = 0
for program in programs:
    words = [clang, "-x", "cl", "-target", "spir64", "-fsyntax-only", "-Werror", "-Wno-unused-command-line-argument"]
    words += ["-Wall", "-Wno-unused-function", "-Wno-unused-variable", "-Wno-unknown-pragmas", "-Wno-psabi"]
    words += ["-Xclang", "-finclude-default-header"]
    options = [word for word in program["options"].split() if word != "-w"]
    if program["sub_groups"]:
        options += ["-cl-std=CL2.0"]  # which has the extension's functions
    done = subprocess.run(words + options + [f"{folder}/{program['file']}"], capture_output=True, text=True)
    if done.returncode:
        bad += 1
        print(f"cl/{program['program']}.cl: {done.stderr.strip().splitlines()[0]}")
print(f"{len(programs)} programs, {bad} are not OpenCL C 1.2 without a warning")
sys.exit(bad > 0 or not programs)
PYTHON
