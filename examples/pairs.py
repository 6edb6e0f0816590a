#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tables of pairs for correspondence: a picture and the sound that belongs to it, a line each.

  pairs.py stamps DATA OUT.csv   DATA has NAME.jpg and NAME.ogg, and labels.csv with the columns name, category:
                                 a pair of each name; label: the first part of its category
  pairs.py digits MNIST FSDD OUT MNIST has t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz, FSDD spoken digits
                                 DIGIT_SPEAKER_NUMBER.flac. Writes OUT/pictures, OUT/train.csv and OUT/test.csv: speakers
                                 of one are not in the other, nor are pictures; label: the digit, group: the speaker

The tables serve wherever CLIPS are asked for: zoe index OUT/train.csv --out pack --group group
Needs nothing but Python's own library. A table with the same arguments is the same table.
"""
import argparse
import csv
import gzip
import os
import random
import sys


def write_table(path, head, rows):
    with open(path, "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(head)
        table.writerows(rows)
    print(f"{path}: {len(rows)} pairs")


def stamps(args):
    with open(os.path.join(args.data, "labels.csv"), newline="") as file:
        names = [(row["name"], row["category"].split("/")[0]) for row in csv.DictReader(file)]
    data = os.path.abspath(args.data)
    rows = [(f"{data}/{name}.jpg", f"{data}/{name}.ogg", label) for name, label in names]
    write_table(args.out, ["picture", "sound", "label"], rows)


def read_idx(path):
    """The bytes of an IDX file, and its sizes."""
    with gzip.open(path) as file:
        data = file.read()
    if data[:3] != b"\0\0\x08":
        sys.exit(f"{path}: not an IDX file of bytes")
    count = data[3]
    sizes = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(count)]
    return data[4 + 4 * count :], sizes


def write_picture(folder, number, pixels, side):
    path = f"{folder}/{number:05d}.pgm"
    with open(path, "wb") as file:
        file.write(b"P5\n%d %d\n255\n" % (side, side) + pixels)
    return path


def digits(args):
    pixels, (count, side, _) = read_idx(os.path.join(args.mnist, "t10k-images-idx3-ubyte.gz"))
    labels, _ = read_idx(os.path.join(args.mnist, "t10k-labels-idx1-ubyte.gz"))
    sounds = sorted(name for name in os.listdir(args.fsdd) if name.endswith(".flac"))
    speakers = sorted({name.split("_")[1] for name in sounds})
    held_out = args.held_out.split(",") if args.held_out else speakers[:2]
    unknown = [name for name in held_out if name not in speakers]
    if unknown:
        sys.exit(f"no speaker {unknown[0]}; there are: {', '.join(speakers)}")
    folder = os.path.join(os.path.abspath(args.out), "pictures")
    os.makedirs(folder, exist_ok=True)
    draw = random.Random(args.seed)
    border = count * 4 // 5  # pictures before it train, the others test
    sides = {"train": range(border), "test": range(border, count)}
    for name, numbers in sides.items():
        of_digit = {digit: [i for i in numbers if labels[i] == digit] for digit in range(10)}
        rows = []
        for sound in sounds:
            digit, speaker = int(sound.split("_")[0]), sound.split("_")[1]
            if (speaker in held_out) != (name == "test"):
                continue
            for picture in draw.sample(of_digit[digit], args.pictures):
                path = write_picture(folder, picture, pixels[picture * side * side : (picture + 1) * side * side], side)
                rows.append((path, f"{os.path.abspath(args.fsdd)}/{sound}", digit, speaker))
        write_table(f"{args.out}/{name}.csv", ["picture", "sound", "label", "group"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    verb = verbs.add_parser("stamps")
    verb.add_argument("data")
    verb.add_argument("out")
    verb.set_defaults(run=stamps)
    verb = verbs.add_parser("digits")
    verb.add_argument("mnist")
    verb.add_argument("fsdd")
    verb.add_argument("out")
    verb.add_argument("--held-out", help="speakers of test.csv, commas between; the first two of the alphabet")
    verb.add_argument("--pictures", type=int, default=1, help="for each recording; 1")
    verb.add_argument("--seed", type=int, default=0)
    verb.set_defaults(run=digits)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
